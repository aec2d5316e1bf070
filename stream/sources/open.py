"""From what a user names to a source of frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from steadypose.configs import LiveConfig
from steadypose.errors import InputError
from steadypose.stream.records import Source
from steadypose.stream.sources.addresses import is_live
from steadypose.stream.sources.camera_lists import Camera, is_camera_list, read_cameras
from steadypose.stream.sources.folders import (
    IMAGE_SUFFIXES,
    Contents,
    folder_contents,
    is_pattern,
    pattern_contents,
)
from steadypose.stream.sources.images import DEFAULT_FPS, ImageSource
from steadypose.stream.sources.live import LiveSource
from steadypose.stream.sources.video import VideoSource


def open_source(
    spec: str | Path | Camera,
    *,
    max_frames: int | None = None,
    decoder_threads: int | None = None,
    image_fps: float = DEFAULT_FPS,
    live: LiveConfig | None = None,
) -> Source:
    """Open a video file, a folder, pattern or file of pictures, a camera or a network stream.

    A folder or pattern with a single video and no pictures opens that video; with pictures and
    videos it opens the pictures (``expand_sources`` gives the videos too).

    Args:
        spec: What to open.
        max_frames: Stop after so many frames.
        decoder_threads: Threads that decode video; None for half of the cores, four at most.
        image_fps: Frame rate of pictures in frames per second.
        live: How cameras and network streams are read.

    Raises:
        InputError: It is missing or cannot be used; one line names it and says why.
    """
    if max_frames is not None and max_frames < 1:
        raise InputError(f"max_frames: expected a whole number above 0, got {max_frames}")
    if isinstance(spec, Camera):
        settings = spec.config(live or LiveConfig())
        return LiveSource(spec.url, settings=settings, name=spec.name, max_frames=max_frames)
    text = str(spec)
    if isinstance(spec, str) and is_live(spec):
        return LiveSource(spec, settings=live, max_frames=max_frames)
    if is_camera_list(text):
        raise InputError(f"{text}: a list of cameras; its cameras are opened one by one")
    path = Path(text).expanduser()
    if is_pattern(text):
        images, video = _single(text, pattern_contents(text))
        name, stem = text, _pattern_stem(path)
    elif path.is_dir():
        images, video = _single(text, folder_contents(path))
        name = stem = path.resolve().name or "images"
    elif path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
        images, video, name, stem = (path,), None, path.name, path.stem
    else:
        images, video, name, stem = (), path, "", ""
    if video is not None:
        return VideoSource(video, max_frames=max_frames, decoder_threads=decoder_threads)
    return ImageSource(images, name=name, stem=stem, fps=image_fps, max_frames=max_frames)


def expand_sources(specs: Sequence[str]) -> list[str | Camera]:
    """The sources that folders and patterns stand for, each to be opened by itself.

    A folder or pattern gives its pictures together as one source, then each of its videos in
    natural order; a folder that matches a pattern is looked into as well. Nothing is left out
    but hidden files and files of other kinds. Names, cameras and URLs are passed through; a list of
    cameras (``.streams`` or YAML) gives its cameras.

    Raises:
        InputError: A folder or pattern holds neither pictures nor videos, or a list is wrong.
    """
    return [source for spec in specs for source in _expand(spec)]


def _single(spec: str, contents: Contents) -> tuple[tuple[Path, ...], Path | None]:
    """The pictures, or the one video, that a folder or pattern stands for."""
    if contents.images:
        return contents.images, None
    if len(contents.videos) == 1:
        return (), contents.videos[0]
    if contents.videos:
        raise InputError(f"{spec}: holds {len(contents.videos)} videos; name one of them")
    raise _nothing(spec)


def _expand(spec: str) -> list[str | Camera]:
    if is_live(spec):
        return [spec]
    if is_camera_list(spec):
        return list(read_cameras(Path(spec).expanduser()))
    if is_pattern(spec):
        contents = pattern_contents(spec)
    elif Path(spec).expanduser().is_dir():
        contents = folder_contents(Path(spec).expanduser())
    else:
        return [spec]
    found: list[str | Camera] = [spec] if contents.images else []
    found += [str(video) for video in contents.videos]
    if is_pattern(spec):
        found += [s for folder in contents.folders if _useful(folder) for s in _expand(str(folder))]
    if not found:
        raise _nothing(spec)
    return found


def _useful(folder: Path) -> bool:
    contents = folder_contents(folder)
    return bool(contents.images or contents.videos)


def _nothing(spec: str) -> InputError:
    if is_pattern(spec):
        return InputError(f"{spec}: no file matches, or none is a picture or a video")
    return InputError(f"{spec}: the folder holds neither pictures nor videos")


def _pattern_stem(pattern: Path) -> str:
    """The name of the folder that holds the pictures; ``images`` where that is a pattern too."""
    folder = pattern.parent.resolve().name
    return folder if folder and not is_pattern(str(pattern.parent)) else "images"
