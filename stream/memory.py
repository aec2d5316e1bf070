"""How the C library keeps memory, for processes that run for weeks."""

from __future__ import annotations

import ctypes
import sys

MAPPED_BYTES = 2 * 1024 * 1024
"""From this size on an allocation goes back to the system when it is freed: a 720p picture does."""
_M_MMAP_THRESHOLD = -3


def give_pictures_back() -> bool:
    """Have freed pictures go back to the system; True where the C library can be told so.

    A picture is allocated by the thread that decodes it and freed by whichever had it last. By
    default glibc learns from the first one that is freed to keep their like in its heaps, where
    they leave holes, and the resident memory wanders up and down by several pictures for hours.
    With a fixed threshold (``mallopt(3)``) it is what is in use. The price is that the system
    clears the pages of every picture anew, about a millisecond for 720p.

    It holds for the whole process, so commands call it and the library does not.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES))
    except (AttributeError, OSError):
        return False  # another C library, with other habits
