"""Keep freed memory: training on the CPU frees and takes the same blocks in every step."""

from __future__ import annotations

import ctypes
import sys

# Of malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_LARGEST_INT = 2**31 - 1
_AHEAD = 256 << 20


def keep_freed_memory() -> bool:
    """Let glibc's allocator keep what is freed, and tell whether it does.

    By itself it hands every large block back to the system, which then clears its pages anew in
    the next step: as much time as the arithmetic takes, on some virtual machines.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = (
        (_MMAP_THRESHOLD, _LARGEST_INT),
        (_TRIM_THRESHOLD, _LARGEST_INT),
        (_TOP_PAD, _AHEAD),
    )
    taken = [bool(mallopt(option, value)) for option, value in settings]
    return all(taken)  # musl has the function and refuses every setting
