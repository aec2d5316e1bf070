"""A row of picture files as a source of frames."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError, SourceError
from steadypose.frame import Frame
from steadypose.stream.records import SourceInfo

DEFAULT_FPS = 25.0


class ImageSource:
    """Pictures in the order given, as frames of a clip with a steady frame rate.

    Grey, transparent and 16-bit pictures become 8-bit BGR; EXIF orientation is honoured. A
    picture that cannot be read is told in ``warnings`` and left out, and the iteration ends in
    ``SourceError``. The others keep their numbers and times: frame k is always file k.

    Args:
        paths: The files, in order.
        name: Text to show, e.g. the folder's name.
        stem: What output files are called after.
        fps: Frame rate in frames per second; frame k is at ``k / fps`` seconds.
        max_frames: Use only so many of the files.

    Raises:
        InputError: No file can be read, or ``fps`` is not above 0.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        name: str,
        stem: str,
        fps: float = DEFAULT_FPS,
        max_frames: int | None = None,
    ) -> None:
        if not (math.isfinite(fps) and fps > 0):
            raise InputError(f"frame rate for {name}: expected a number above 0, got {fps}")
        self.warnings: list[str] = []
        self._paths = tuple(paths)[:max_frames]
        self._broken: list[Path] = []
        self._stop = threading.Event()
        self._iterated = False
        # What cannot be read before the first good picture is looked at again when it is its turn.
        self._first = next(filter(None, map(_try_read, enumerate(self._paths))), None)
        if self._first is None:
            raise InputError(f"{name}: none of its {len(self._paths)} picture(s) can be read")
        height, width = self._first[1].shape[:2]
        self.info = SourceInfo(
            name=name,
            stem=stem,
            width=width,
            height=height,
            frames=len(self._paths),
            fps=fps,
            codec=self._paths[self._first[0]].suffix.lower().lstrip("."),
        )
        self._fps = fps

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; none after ``close``.

        Raises:
            SourceError: Some picture could not be read; all others have been yielded.
            InputError: The source was iterated before.
        """
        if self._stop.is_set():
            return
        if self._iterated:
            raise InputError(f"{self.info.name}: a source can be iterated only once; open it again")
        self._iterated = True
        for index, path in enumerate(self._paths):
            if self._stop.is_set():
                return
            image = self._image(index)
            if image is not None:
                yield self._frame(index, path, image)
        if self._broken and not self._stop.is_set():
            raise SourceError(
                f"{self.info.name}: {len(self._broken)} of {len(self._paths)} pictures could not "
                f"be read, the first is {self._broken[0].name}"
            )

    def close(self) -> None:
        """End the iteration at the next frame. May be called at any time from any thread."""
        self._stop.set()

    def _image(self, index: int) -> NDArray[np.uint8] | None:
        if self._first is not None and self._first[0] == index:
            image, self._first = self._first[1], None
            return image
        try:
            return read_image(self._paths[index])
        except InputError as error:
            self._broken.append(self._paths[index])
            self.warnings.append(f"frame {index} left out: {error}")
            return None

    def _frame(self, index: int, path: Path, image: NDArray[np.uint8]) -> Frame:
        return Frame(
            index=index,
            pts_s=index / self._fps,
            captured_s=time.monotonic(),
            image=image,
            source=self.info.name,
            file_name=path.name,
        )


def _try_read(numbered: tuple[int, Path]) -> tuple[int, NDArray[np.uint8]] | None:
    try:
        return numbered[0], read_image(numbered[1])
    except InputError:
        return None


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a picture as ``(H, W, 3)`` uint8 BGR, upright.

    Raises:
        InputError: The file is missing, empty, cut off, or no picture that OpenCV reads.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not data:
        raise InputError(f"{path}: the file is empty")
    if _is_cut(data):
        raise InputError(f"{path}: the picture is cut off")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise InputError(f"{path}: not a picture that OpenCV reads ({error.err})") from error
    # OpenCV's types leave out that None stands for "not a picture".
    decoded: NDArray[np.uint8] | None = image  # type: ignore[assignment]
    if decoded is None:
        raise InputError(f"{path}: not a picture that OpenCV reads")
    return decoded


def _is_cut(data: bytes) -> bool:
    """True for a JPEG or PNG without its end: some decoders fill up what is missing with grey."""
    if data.startswith(b"\xff\xd8"):
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    if data.startswith(b"\x89PNG"):
        return data.rfind(b"IEND") < 0
    return False
