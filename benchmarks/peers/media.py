"""Size, rate and length of videos and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2

from steadypose.errors import InputError


def clip_rate(clip: Path) -> float:
    """Frames per second that a video tells. Raises InputError."""
    with _opened(clip) as container:
        return float(container.streams.video[0].average_rate or 25)


def clip_size(clip: Path) -> tuple[int, int]:
    """Width and height of a video in pixels. Raises InputError."""
    with _opened(clip) as container:
        stream = container.streams.video[0]
        return stream.width, stream.height


def clip_frames(clip: Path) -> int:
    """Number of pictures in a video. Raises InputError."""
    with _opened(clip) as container:
        return sum(1 for packet in container.demux(video=0) if packet.size)


@contextmanager
def _opened(clip: Path) -> Iterator[av.container.InputContainer]:
    try:
        container = av.open(str(clip))
    except (OSError, av.FFmpegError) as error:
        raise InputError(f"{clip}: cannot be opened as a video: {error}") from error
    with container:
        if not container.streams.video:
            raise InputError(f"{clip}: has no video")
        yield container


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture in pixels. Raises InputError."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise InputError(f"{path}: cannot be read as a picture")
    return picture.shape[1], picture.shape[0]
