"""What lies in a folder or matches a pattern, in the order a person would count it."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from steadypose.errors import InputError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""Pictures that OpenCV reads."""

VIDEO_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("3gp", "asf", "avi", "divx", "flv", "gif", "h264", "h265", "hevc", "m2ts", "m2v", "m4v"),
        *("mjpeg", "mjpg", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "mxf", "ogv", "ts", "vob"),
        *("webm", "wmv", "y4m"),
    )
)
"""What counts as video when a folder is searched. A file that is named may have any suffix."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The pictures and the videos of a folder or a pattern, each in natural order."""

    images: tuple[Path, ...]
    videos: tuple[Path, ...]
    folders: tuple[Path, ...]


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that puts ``frame2`` before ``frame10``; ties are broken by the plain name."""
    parts = re.split(r"(\d+)", path.as_posix().casefold())
    key = [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]
    return [*key, (2, 0, path.as_posix())]


def sort_out(paths: Iterable[Path]) -> Contents:
    """Tell pictures, videos and folders apart by suffix; hidden files are passed over."""
    seen = sorted((p for p in paths if not p.name.startswith(".")), key=natural_key)
    files = [p for p in seen if p.is_file()]
    return Contents(
        images=tuple(p for p in files if p.suffix.lower() in IMAGE_SUFFIXES),
        videos=tuple(p for p in files if p.suffix.lower() in VIDEO_SUFFIXES),
        folders=tuple(p for p in seen if p.is_dir()),
    )


def folder_contents(folder: Path) -> Contents:
    """What lies directly in ``folder``.

    Raises:
        InputError: The folder cannot be read.
    """
    try:
        return sort_out(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}") from error


def is_pattern(spec: str) -> bool:
    """True for a glob pattern that is not the name of something that exists."""
    return glob.has_magic(spec) and not Path(spec).exists()


def pattern_contents(pattern: str) -> Contents:
    """What matches a glob pattern; ``**`` goes through folders."""
    # Path.glob takes no absolute patterns.
    matches = glob.glob(str(Path(pattern).expanduser()), recursive=True)  # noqa: PTH207
    return sort_out(Path(match) for match in matches)
