"""The source as an MP4 video with the people drawn in."""

from __future__ import annotations

import contextlib
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from steadypose.errors import OutputError
from steadypose.stream.records import FrameResult, SourceInfo
from steadypose.stream.sinks.drawing import draw_poses
from steadypose.stream.sinks.encoding import Mp4Encoder, is_ours

_DEFAULT_FPS = 25.0


class OverlaySink:
    """Writes a video with every frame at the time it has in the source.

    Pictures without time stamps are shown at the source's frame rate.

    Args:
        path: The file.
        info: The source.
        draw_score: Joints with a lower score are not drawn (0..1).

    Raises:
        OutputError: The file cannot be made, or a video that we did not write, such as the
            source itself, has its name.
    """

    def __init__(self, path: Path, info: SourceInfo, *, draw_score: float = 0.2) -> None:
        if path.exists() and not is_ours(path):
            raise OutputError(
                f"{path}: is there already and was not written by Steadypose; choose another folder"
            )
        self.paths: tuple[Path, ...] = (path,)
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._fps = info.fps or _DEFAULT_FPS
        self._time_base = info.time_base
        self._draw_score = draw_score
        self._encoder: Mp4Encoder | None = None
        try:
            self._part.touch()
        except OSError as error:
            raise self._failure(error) from error

    def write(self, result: FrameResult) -> None:
        """Draw and encode a frame. Raises OutputError when it cannot be written."""
        frame = result.frame
        image = self.picture(result)
        if frame.pts is None or self._time_base is None:
            unit, pts = 1 / Fraction(self._fps).limit_denominator(1001), frame.index
        else:
            unit, pts = self._time_base, frame.pts
        try:
            if self._encoder is None:
                size = (frame.width, frame.height)
                self._encoder = Mp4Encoder(self._part, size, unit, self._fps)
            self._encoder.write(image, pts)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def picture(self, result: FrameResult) -> NDArray[np.uint8]:
        """What is shown of a frame: a new ``(H, W, 3)`` uint8 BGR picture."""
        return draw_poses(result.frame.image, result.poses, draw_score=self._draw_score)

    def close(self, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """Complete the file. Raises OutputError when it cannot be written."""
        encoder, self._encoder = self._encoder, None
        try:
            if encoder is not None:
                encoder.close()
                self._part.replace(self._path)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what was begun."""
        if self._encoder is not None:
            self._encoder.abandon()
            self._encoder = None
        with contextlib.suppress(OSError):
            self._part.unlink()

    def _failure(self, error: Exception) -> OutputError:
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if number and 0 < number < 200 else str(error)
        return OutputError(f"{self._path}: cannot be written: {reason}")
