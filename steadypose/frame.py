"""One decoded picture of a source, with the two clocks that belong to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture and when it was. Later stages add to a frame's results, never to the frame.

    Attributes:
        index: Position in the source, from 0, counted in presentation order.
        pts_s: Presentation time in seconds, from the container's time base. Steps may vary
            (variable frame rate) and the first need not be 0.
        captured_s: ``time.monotonic()`` when the picture was decoded, in seconds. Only ever
            compared with the same clock, never with ``pts_s``.
        image: ``(H, W, 3)`` uint8, BGR, read-only.
        source: Name of the source, free of credentials.
        epoch: Counts the connections of a live source; 0 for files. Nothing that was learned
            about people carries over from one epoch to the next.
        pts: The container's own integer time stamp in units of ``time_base_s``; None where the
            source has none (folders of images).
        file_name: Name of the picture's own file for folders of images, else None.
    """

    index: int
    pts_s: float
    captured_s: float
    image: NDArray[np.uint8]
    source: str = ""
    epoch: int = 0
    pts: int | None = None
    file_name: str | None = None

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise InputError(
                f"frame {self.index} of {self.source or 'source'}: expected a (H, W, 3) uint8 "
                f"image, got {self.image.shape} {self.image.dtype}"
            )
        self.image.flags.writeable = False

    @property
    def height(self) -> int:
        """Rows, in pixels."""
        return int(self.image.shape[0])

    @property
    def width(self) -> int:
        """Columns, in pixels."""
        return int(self.image.shape[1])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, in pixels."""
        return self.height, self.width
