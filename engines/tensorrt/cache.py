"""Where built engines are kept: each whole, with its manifest, built once, rebuilt when stale.

An engine ``X.engine`` and its manifest ``X.json`` lie in ``engines/`` of the user's cache; ``X``
says what for and ends in a hash of all that the engine depends on. The manifest comes last: an
engine without one is not loaded. ``locks/`` holds one lock for each engine, which stays: to remove
one that another process waits for could let both build.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from steadypose.engines import zoo
from steadypose.engines.tensorrt.locks import hold
from steadypose.engines.tensorrt.manifest import (
    MAX_BYTES,
    MAX_PLAN_BYTES,
    EngineKey,
    Manifest,
    Verified,
)
from steadypose.engines.tensorrt.owned import (
    NotOwnedError,
    check_folder,
    make_folder,
    read_owned,
    write_owned,
)
from steadypose.engines.zoo.cache import clear_write_errors
from steadypose.errors import EngineError

if TYPE_CHECKING:
    from steadypose.engines.tensorrt.build import Built

Report = Callable[[str], None]
"""Takes one line of what happens."""

ENGINE, RECORD, PART = ".engine", ".json", ".part"
"""Ends of the names of engines, of their manifests, and of what is being written."""


@dataclass(frozen=True)
class Stale:
    """There is an engine, and it cannot be used.

    Attributes:
        reason: Why not, in a few words, e.g. ``"built with tensorrt 10.0.1, here is ..."``.
    """

    reason: str


class EngineCache:
    """Engines in a folder. May be used by several threads and processes at once.

    Args:
        folder: By default ``engines/`` in ``zoo.cache_folder()``. It must belong to the user and be
            writable for nobody else.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or zoo.cache_folder() / "engines"

    def path_of(self, key: EngineKey) -> Path:
        """Where the engine of this key lies, or would lie."""
        return self.folder / (key.stem + ENGINE)

    def find(self, key: EngineKey, name: str, *, exact: bool = False) -> Path | Stale | None:
        """The engine for this key: of those that will do, the one built last.

        Args:
            key: What is wanted.
            name: What the network is called.
            exact: Take the engine of this very key only, none that covers it; see
                ``EngineKey.unlike``.

        Returns:
            Its file, read and compared with its SHA-256; why those of this name will not do; or
            None where there is none of this name.

        Raises:
            EngineError: Others may write to the cache, or to the engine.
        """
        if not check_folder(self.folder):
            return None
        damaged = None
        if exact:
            listed = [self.path_of(key)] if self.path_of(key).exists() else []
        else:
            listed = self._usable(key)
        for path in listed:
            try:
                self.load(path)
                return path
            except NotOwnedError:
                raise
            except EngineError as error:
                damaged = damaged or Stale(f"damaged ({error})")
        return damaged or self._nearest(key, name)

    def load(self, path: Path) -> tuple[bytes, Manifest]:
        """An engine's content and manifest, checked: what is to be handed to TensorRT.

        Raises:
            EngineError: It does not lie in this cache, others may write to it, there is no manifest
                beside it, or it is not what its manifest says.
        """
        if path.parent != self.folder:
            raise EngineError(f"{path}: not in the cache of engines {self.folder}; not loaded")
        manifest = self.manifest(path)
        if self.path_of(manifest.key) != path:
            raise EngineError(f"{path}: its manifest is another engine's")
        return read_plan(path, manifest), manifest

    def manifest(self, path: Path) -> Manifest:
        """The manifest of the engine at ``path``. Raises EngineError where it cannot be read."""
        record = record_of(path)
        with _readable(record):
            content = read_owned(record, MAX_BYTES)
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise EngineError(f"{record}: not a text") from error
        return Manifest.from_json(text, str(record))

    def get_or_build(
        self,
        key: EngineKey,
        name: str,
        build: Callable[[], Built],
        report: Report | None = None,
        *,
        source: Path | None = None,
        exact: bool = False,
        force: bool = False,
    ) -> tuple[Path, Manifest]:
        """The engine for this key, built where there is none that can be used.

        Of several processes that want it at the same time one builds, and the others wait.

        Args:
            key: What is wanted.
            name: What the network is called.
            build: Makes the engine.
            report: Told in one line why an engine is built anew, and when another process is
                waited for.
            source: The network's file, for the manifest.
            exact: See ``find``.
            force: Build even where there is one.

        Raises:
            EngineError: The engine did not agree with its network when it was last verified; the
                build failed; others may write to the cache.
            OutputError: The cache cannot be written, or its disk is full.
        """
        say = report or (lambda _line: None)
        found = None if force else self.find(key, name, exact=exact)
        if isinstance(found, Path):
            return found, self._agreed(found)
        with self.locked(key.stem, name, say):
            if not force:  # another process may have built it meanwhile
                found = self.find(key, name, exact=exact)
            if isinstance(found, Path):
                return found, self._agreed(found)
            if isinstance(found, Stale):
                say(f"{name}: engine {found.reason}; building anew")
            built = build()
            with clear_write_errors(self.folder.parent):
                return self._publish(key, name, built, source)

    def record_verified(self, path: Path, verified: Verified) -> Manifest:
        """Note in an engine's manifest how it compares with its network, and return the manifest.

        Raises:
            EngineError: There is no such engine, or it is damaged.
            OutputError: The cache cannot be written.
        """
        with self.locked(path.stem, path.stem):
            manifest = self.load(path)[1].with_verified(verified)
            with clear_write_errors(self.folder.parent):
                write_owned(record_of(path), manifest.to_json().encode())
        return manifest

    @contextlib.contextmanager
    def locked(self, stem: str, name: str, report: Report | None = None) -> Iterator[None]:
        """Hold the lock of the file ``stem``, which is part of the engine of ``name``.

        Raises:
            EngineError: Others may write to the cache.
            OutputError: The cache cannot be written.
        """

        def waiting() -> None:
            if report is not None:
                report(f"{name}: waiting for another steadypose that is building its engine")

        with contextlib.ExitStack() as held:
            with clear_write_errors(self.folder.parent):
                held.enter_context(hold(self.lock_path(stem), waiting))
            yield

    def lock_path(self, stem: str) -> Path:
        """The lock's file of ``stem``, in a folder that is made where there is none."""
        locks = self.folder / "locks"
        make_folder(self.folder)
        make_folder(locks)
        return locks / (stem + ".lock")

    def records(self) -> Iterator[tuple[Path, Manifest]]:
        """Engines, undamaged or not, that have a readable manifest, the one built last first."""
        found = []
        for path in sorted(self.folder.glob("*" + ENGINE)):
            with contextlib.suppress(EngineError):
                found.append((path, self.manifest(path)))
        yield from sorted(found, key=lambda item: item[1].built_at, reverse=True)

    def _usable(self, key: EngineKey) -> list[Path]:
        """Engines that will do, and the one of this very key even where its manifest is broken."""
        listed = [path for path, manifest in self.records() if not manifest.key.unlike(key)]
        own = self.path_of(key)
        return listed if own in listed or not own.exists() else [*listed, own]

    def _nearest(self, key: EngineKey, name: str) -> Stale | None:
        """Why the engine of this name that was built last will not do."""
        for path, manifest in self.records():
            if manifest.name == name and path != self.path_of(key):
                why = manifest.key.unlike(key)
                return Stale(why) if why else None
        return None

    def _agreed(self, path: Path) -> Manifest:
        manifest = self.manifest(path)
        assert_agrees(manifest)
        return manifest

    def _publish(
        self, key: EngineKey, name: str, built: Built, source: Path | None
    ) -> tuple[Path, Manifest]:
        for field in ("onnx_sha256", "flavour", "version", "precision"):
            if built.facts[field] != getattr(key, field):
                raise EngineError(
                    f"{name}: was to be built from {field} {getattr(key, field)}, and was from "
                    f"{built.facts[field]}; did the file change? build it again"
                )
        manifest = Manifest(
            name=name,
            source=str(source) if source is not None else name,
            key=key,
            sha256=hashlib.sha256(built.plan).hexdigest(),
            size_bytes=len(built.plan),
            built_at=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            seconds=float(built.facts["seconds"]),
            facts=built.facts,
        )
        path, record = self.path_of(key), manifest.to_json()
        # Never an engine beside the manifest of the one before it.
        record_of(path).unlink(missing_ok=True)
        write_owned(path, built.plan)
        write_owned(record_of(path), record.encode())
        return path, manifest


def assert_agrees(manifest: Manifest) -> None:
    """Raise EngineError where an engine was compared with its network and did not agree."""
    verified = manifest.verified
    if verified is not None and not verified.ok:
        raise EngineError(
            f"{manifest.name}: its engine does not agree with its network (p99 "
            f"{verified.p99_px:.1f} px, {verified.agreement:.1%} within reach); build another: "
            "steadypose engine build --force"
        )


def read_plan(path: Path, manifest: Manifest) -> bytes:
    """An engine's content, compared with its manifest.

    Raises:
        EngineError: Others may write to the file or its folder, or it is not what the manifest
            says.
    """
    check_folder(path.parent)
    with _readable(path):
        plan = read_owned(path, MAX_PLAN_BYTES)
    if len(plan) != manifest.size_bytes:
        raise EngineError(f"{path}: {len(plan)} bytes, expected {manifest.size_bytes}")
    if hashlib.sha256(plan).hexdigest() != manifest.sha256:
        raise EngineError(f"{path}: its SHA-256 is not what its manifest says")
    return plan


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` of reading into an ``EngineError`` of one line."""
    try:
        yield
    except FileNotFoundError as error:
        raise EngineError(f"{path}: missing") from error
    except OSError as error:
        raise EngineError(f"{path}: cannot be read: {error.strerror}") from error


def record_of(path: Path) -> Path:
    """The manifest's file of the engine at ``path``."""
    return path.with_suffix(RECORD)
