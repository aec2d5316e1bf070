"""Where videos come from and results go: folders, or anything that fsspec has a URL for."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from steadypose.errors import InputError, OutputError
from steadypose.stream.recording import size_of
from steadypose.stream.sinks import write_summary


def is_url(text: str) -> bool:
    """True for ``s3://bucket/key`` and its like."""
    scheme, mark, _ = text.partition("://")
    return bool(mark) and scheme.replace("+", "").replace("-", "").replace(".", "").isalnum()


def file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it.

    Raises:
        InputError: fsspec, or what it needs for this kind of URL, is not installed.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise InputError(
            f"{scheme_of(url)}:// needs fsspec: pip install 'steadypose[ray]'"
        ) from error
    try:
        fs, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise InputError(f"{scheme_of(url)}:// cannot be opened: {error}") from error
    return fs, path


def scheme_of(url: str) -> str:
    """``s3`` of ``s3://bucket/key``."""
    return url.partition("://")[0]


class Place(Protocol):
    """A tree of results. Names in it have ``/`` between their parts."""

    def sizes(self, names: list[str]) -> list[int | None]:
        """Bytes of files or folders; None of what is not there."""
        ...

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON file of ours; None where it is missing or damaged."""
        ...

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON file as a whole or not at all. Raises OutputError."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file or a folder if it is there."""
        ...

    def sweep(self, name: str, spared: Iterable[str] = ()) -> None:
        """Remove what a run that was killed has left half-written of the results ``name``.

        The results ``spared`` are being written, and may be called ``name`` and more.
        """
        ...

    def writing(self, folder: str) -> contextlib.AbstractContextManager[Path]:
        """A folder on this machine whose files are, at the end, in ``folder`` of the tree."""
        ...

    def reading(self, name: str) -> contextlib.AbstractContextManager[Path]:
        """A file of the tree as a file on this machine."""
        ...


class LocalPlace:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def sizes(self, names: list[str]) -> list[int | None]:
        """Bytes of files or folders; None of what is not there."""
        paths = [self.root / name for name in names]
        return [size_of(path) if path.exists() else None for path in paths]

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON file of ours; None where it is missing or damaged."""
        try:
            value = json.loads((self.root / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON file as a whole or not at all. Raises OutputError."""
        path = self.root / name
        _make(path.parent)
        write_summary(path, value)

    def remove(self, name: str) -> None:
        """Remove a file or a folder if it is there."""
        path = self.root / name
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def sweep(self, name: str, spared: Iterable[str] = ()) -> None:
        """Remove what a run that was killed has left half-written of the results ``name``."""
        path = self.root / name
        others = tuple(f"{self.root / other}." for other in spared if other.startswith(f"{name}."))
        with contextlib.suppress(OSError):
            for left in list(path.parent.glob(f"{glob.escape(path.name)}.*.part")):
                if not str(left).startswith(others):
                    shutil.rmtree(left) if left.is_dir() else left.unlink()

    @contextlib.contextmanager
    def writing(self, folder: str) -> Iterator[Path]:
        """The folder itself: files in it are renamed when they are complete."""
        path = self.root / folder
        _make(path)
        yield path

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """The file itself."""
        yield self.root / name


class RemotePlace:
    """A tree behind a URL; results are made in a temporary folder and then sent.

    The summary, by which a video counts as done, is sent last.
    """

    def __init__(self, url: str) -> None:
        self._fs, self._root = file_system(url)
        self._shown = f"{scheme_of(url)}://{self._root}"

    def sizes(self, names: list[str]) -> list[int | None]:
        """Bytes of files or folders; None of what is not there."""
        return [self._size(self._path(name)) for name in names]

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON file of ours; None where it is missing or damaged."""
        try:
            value = json.loads(self._fs.cat_file(self._path(name)))
        except (OSError, ValueError):
            return None
        # Every store has errors of its own beside OSError.
        except Exception as error:
            raise InputError(f"{self._shown}/{name}: cannot be read: {_line(error)}") from error
        return value if isinstance(value, dict) else None

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON file as a whole or not at all. Raises OutputError."""
        text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        with self._telling(name):
            self._fs.makedirs(self._parent(name), exist_ok=True)
            self._fs.pipe_file(self._path(name), text.encode())

    def remove(self, name: str) -> None:
        """Remove a file or a folder if it is there."""
        with contextlib.suppress(OSError):
            self._fs.rm(self._path(name), recursive=True)

    def sweep(self, name: str, spared: Iterable[str] = ()) -> None:
        """Nothing is half-written here: files are sent when they are complete."""

    @contextlib.contextmanager
    def writing(self, folder: str) -> Iterator[Path]:
        """A temporary folder, whose files are sent at the end.

        Raises:
            OutputError: They cannot be sent.
        """
        with tempfile.TemporaryDirectory(prefix="steadypose-") as made:
            yield Path(made)
            files = [path for path in Path(made).rglob("*") if path.is_file()]
            for path in sorted(files, key=lambda p: (p.name.endswith(".summary.json"), str(p))):
                name = str(PurePosixPath(folder) / path.relative_to(made).as_posix())
                with self._telling(name):
                    self._fs.makedirs(self._parent(name), exist_ok=True)
                    self._fs.put_file(str(path), self._path(name))

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """A copy of the file."""
        with tempfile.TemporaryDirectory(prefix="steadypose-") as made:
            path = Path(made) / PurePosixPath(name).name
            try:
                self._fs.get_file(self._path(name), str(path))
            except OSError as error:
                raise InputError(f"{self._shown}/{name}: cannot be read: {error}") from error
            yield path

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _parent(self, name: str) -> str:
        return self._path(name).rpartition("/")[0]

    def _size(self, path: str) -> int | None:
        try:
            if self._fs.isdir(path):
                return int(self._fs.du(path))
            return int(self._fs.size(path))
        except OSError:
            return None

    @contextlib.contextmanager
    def _telling(self, name: str) -> Iterator[None]:
        try:
            yield
        # Every store has errors of its own beside OSError.
        except Exception as error:
            raise OutputError(f"{self._shown}/{name}: cannot be written: {error}") from error


def open_place(output: str) -> Place:
    """The tree of results that a folder or URL names.

    Raises:
        InputError: The URL is of no kind that can be opened.
    """
    if is_url(output):
        return RemotePlace(output)
    return LocalPlace(Path(output).expanduser())


@contextlib.contextmanager
def at_hand(source: str) -> Iterator[str]:
    """A video as something that can be opened on this machine: a URL is fetched meanwhile.

    Raises:
        InputError: It cannot be fetched.
    """
    if not is_url(source):
        yield source
        return
    fs, path = file_system(source)
    with tempfile.TemporaryDirectory(prefix="steadypose-") as made:
        name = path.partition("?")[0].rstrip("/").rpartition("/")[2] or "video"
        target = Path(made) / name[-100:]
        try:
            fs.get_file(path, str(target))
        except Exception as error:
            raise InputError(f"{name}: cannot be fetched: {_line(error)}") from error
        yield str(target)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {os.strerror(error.errno or 0)}") from error
