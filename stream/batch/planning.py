"""From what a user names to the videos of a batch."""

from __future__ import annotations

import errno
import glob
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from steadypose.errors import InputError
from steadypose.stream.batch.naming import Found, name_results
from steadypose.stream.batch.places import file_system, is_url, scheme_of
from steadypose.stream.batch.videos import Video
from steadypose.stream.sources import masked
from steadypose.stream.sources.folders import (
    VIDEO_SUFFIXES,
    folder_contents,
    is_pattern,
    natural_key,
    pattern_contents,
)

_LIST_MARK = "@"
_MAX_LIST_BYTES = 100_000_000
_ODD_NAME = "its name is not valid UTF-8; rename it"


def plan(paths: Sequence[str], output: str) -> list[Video]:
    """The videos that the user named, each once, with a place for its results.

    * a file: its results go directly into the output;
    * a folder: all videos below it, and every folder below it that holds pictures and no video, as
      one clip; its tree is mirrored. Hidden names and the output itself are passed over;
    * a glob pattern: what matches, with folders; the tree below its fixed part is mirrored;
    * ``@FILE`` (``@-``: standard input): one of all these a line; a relative path keeps its folder;
    * a URL of a file, a folder or a pattern, for which fsspec has a file system.

    A file that is named and is not there becomes a video with a problem, so that the others go on.

    Raises:
        InputError: A list cannot be read, a URL is of no known kind, or nothing was found at all.
    """
    found = [one for path in paths for one in _expand(path, output)]
    once = list({one.source: one for one in found}.values())
    if not once:
        raise InputError(f"{', '.join(paths)}: no videos found")
    return name_results(once)


def _expand(path: str, output: str) -> Iterator[Found]:
    if path.startswith(_LIST_MARK) and not Path(path).exists():
        for line in _read_list(path[1:]):
            keep = "" if is_url(line) or Path(line).is_absolute() else _parent(line)
            yield from _expand_one(line, keep, output)
    else:
        yield from _expand_one(path, "", output)


def _expand_one(path: str, keep: str, output: str) -> Iterator[Found]:
    """What a path stands for; a file's results go into the folder ``keep``."""
    if is_url(path):
        yield from _remote(path)
    elif is_pattern(path):
        yield from _pattern(path, output)
    elif Path(path).expanduser().is_dir():
        folder = Path(path).expanduser()
        yield from _walk(folder, folder, output)
    else:
        yield _file(Path(path).expanduser(), keep)


def _read_list(name: str) -> list[str]:
    try:
        if name == "-":
            text = sys.stdin.read(_MAX_LIST_BYTES)
        else:
            with Path(name).open(encoding="utf-8") as file:
                text = file.read(_MAX_LIST_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(f"@{name}: the list cannot be read: {reason}") from error
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _pattern(pattern: str, output: str) -> Iterator[Found]:
    root = _fixed_part(pattern)
    contents = pattern_contents(pattern)
    if contents.images and not contents.videos:
        name = _relative(contents.images[0].parent, root)
        stem = contents.images[0].parent.resolve().name or "images"
        size = sum(path.stat().st_size for path in contents.images)
        yield _found(pattern, _parent(name), stem, stem, size)
    for video in contents.videos:
        yield _file(video, _relative(video.parent, root))
    for folder in contents.folders:
        yield from _walk(folder, root, output)


def _walk(top: Path, root: Path, output: str) -> Iterator[Found]:
    """All videos below ``top``, with their folders as seen from ``root``."""
    own = None if is_url(output) else Path(output).expanduser().resolve()
    closed: list[OSError] = []
    for name, folders, files in os.walk(top, onerror=closed.append):
        here = Path(name)
        if here.resolve() == own and here != top:
            folders.clear()
            continue
        folders[:] = sorted((f for f in folders if not f.startswith(".")), key=_natural)
        try:
            contents = folder_contents(here)
        except (InputError, OSError):
            closed.append(PermissionError(errno.EACCES, "", name))
            continue
        for video in [*contents.videos, *_dead_links(here, files)]:
            yield _file(video, _relative(here, root))
        if contents.images and not contents.videos:
            stem = here.resolve().name or "images"
            size = sum(path.stat().st_size for path in contents.images)
            yield _found(str(here), _parent(_relative(here, root)), stem, stem, size)
    for error in closed:
        here = Path(error.filename)
        problem = f"cannot be read: {os.strerror(error.errno or 0)}"
        yield _found(str(here), _relative(here.parent, root), here.name, here.name, 0, problem)


def _dead_links(folder: Path, names: Sequence[str]) -> list[Path]:
    """Links to videos that are gone: they are to fail by name, not to be passed over."""
    paths = [folder / name for name in sorted(names, key=_natural) if not name.startswith(".")]
    videos = (path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES)
    return [path for path in videos if path.is_symlink() and not path.exists()]


def _file(path: Path, folder: str) -> Found:
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    return _found(str(path), folder, path.name, path.stem or path.name, size)


def _found(
    source: str, folder: str, file_name: str, stem: str, size: int, problem: str = ""
) -> Found:
    shown = masked(source)
    try:
        f"{source}{folder}".encode()
    except UnicodeEncodeError:
        # Such names come from old archives; no output file could hold them.
        shown, folder, file_name, stem = (
            text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            for text in (shown, folder, file_name, stem)
        )
        problem = _ODD_NAME
    return Found(
        source=source,
        shown=shown,
        folder=folder,
        file_name=file_name,
        stem=stem,
        size=size,
        problem=problem,
    )


def _remote(url: str) -> Iterator[Found]:
    scheme = scheme_of(url)
    if scheme in ("http", "https"):
        yield _remote_file(url, "", url.partition("?")[0], 0)
        return
    fs, path = file_system(url)
    try:
        files, root = _remote_files(fs, path)
    # Every store has errors of its own.
    except Exception as error:
        raise InputError(f"{masked(url)}: cannot be listed: {error}") from error
    for name, size in files:
        folder = str(PurePosixPath(name).parent.relative_to(root)) if root else ""
        yield _remote_file(f"{scheme}://{name}", folder, name, size)


def _remote_files(fs: Any, path: str) -> tuple[list[tuple[str, int]], str]:
    """Files with their sizes, and the folder from which their places are counted."""
    if glob.has_magic(path):
        names, root = fs.glob(path, detail=True), _fixed_part(path).as_posix()
    elif fs.isdir(path):
        names, root = fs.find(path, detail=True), path
    else:
        return [(path, 0)], ""
    videos = [
        (name, int(info.get("size") or 0))
        for name, info in names.items()
        if info.get("type") != "directory" and PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES
    ]
    return sorted(videos, key=lambda item: natural_key(Path(item[0]))), root.rstrip("/")


def _remote_file(url: str, folder: str, name: str, size: int) -> Found:
    base = PurePosixPath(name.rstrip("/")).name or "video"
    return _found(url, "" if folder == "." else folder, base, PurePosixPath(base).stem, size)


def _fixed_part(pattern: str) -> Path:
    """The folders of a pattern before its first special character."""
    parts = Path(pattern).expanduser().parts
    fixed = next(n for n, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def _relative(path: Path, root: Path) -> str:
    relative = Path(os.path.relpath(path, root)).as_posix()
    return "" if relative == "." or relative.startswith("..") else relative


def _parent(name: str) -> str:
    parent = PurePosixPath(name).parent
    return "" if parent == PurePosixPath() or ".." in parent.parts else str(parent)


def _natural(name: str) -> list[tuple[int, int, str]]:
    return natural_key(Path(name))
