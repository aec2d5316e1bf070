"""What the cache of engines holds, what of it is of no more use, and removing that."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from steadypose._version import __version__
from steadypose.engines import zoo
from steadypose.engines.tensorrt.cache import ENGINE, PART, RECORD, EngineCache, record_of
from steadypose.engines.tensorrt.flavours import find_flavour
from steadypose.engines.tensorrt.kernels import CODE
from steadypose.engines.tensorrt.locks import hold_if_free
from steadypose.engines.tensorrt.manifest import Manifest
from steadypose.engines.tensorrt.obtain import TIMINGS
from steadypose.engines.tensorrt.owned import NotOwnedError, check_folder
from steadypose.engines.zoo.cache import clear_write_errors
from steadypose.errors import EngineError

KERNELS = ".kernels"
"""End of the names of what TensorRT for RTX compiled for an engine; see ``kernel_cache``."""

_UNWANTED = "not wanted any more"
_STEM_END = re.compile(r"\.(?:engine|json|kernels|timings|cubin)(?:\.|$)")
_ENDS = (ENGINE, RECORD, TIMINGS, KERNELS, CODE)
_PARTS = tuple(end + "*" + PART for end in _ENDS)


@dataclass(frozen=True, kw_only=True)
class CachedEngine:
    """An engine in the cache, or what is left of one.

    Attributes:
        path: The engine's file, which may be missing.
        size_bytes: Of all its files.
        manifest: None where it cannot be read.
        problem: Why it cannot be used here, in a few words; empty where it can.
        stale: Whether it will not be used again, here or by a user of another environment.
    """

    path: Path
    size_bytes: int
    manifest: Manifest | None
    problem: str
    stale: bool


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What was removed, or left.

    Attributes:
        name: What it was, in a few words.
        reason: Why.
        size_bytes: How much room it took; 0 where it was left.
    """

    name: str
    reason: str
    size_bytes: int


def list_engines(cache: EngineCache, capability: str | None = None) -> list[CachedEngine]:
    """The engines of a cache, by name and age.

    Args:
        cache: Whose.
        capability: Of the GPU here, e.g. ``"sm_90"``; None where there is none to go by.

    Raises:
        EngineError: Others may write to the cache.
    """
    if not check_folder(cache.folder):
        return []
    judge = _Judge(cache, capability)
    files = [p for end in (ENGINE, RECORD, KERNELS) for p in cache.folder.glob("*" + end)]
    found = [judge.look(path) for path in sorted({p.with_suffix(ENGINE) for p in files})]
    return sorted(found, key=_order)


def clean_engines(
    cache: EngineCache, capability: str | None = None, *, everything: bool = False
) -> list[Removed]:
    """Remove stale engines, what is left of others, and files that were never finished.

    What another process is building is left.

    Args:
        cache: Whose.
        capability: See ``list_engines``.
        everything: Remove all engines, measured times and compiled kernels too.

    Raises:
        EngineError: Others may write to the cache.
        OutputError: A file cannot be removed.
    """
    removed = []
    for engine in list_engines(cache, capability):
        if everything or engine.stale:
            removed.append(_remove_engine(cache, engine, capability, everything))
    for pattern in _PARTS:
        for path in sorted(cache.folder.glob("*" + pattern)):
            removed.append(_remove(cache, [path], path.name, "never finished"))
    if everything:
        for end in (TIMINGS, CODE):
            for path in sorted(cache.folder.glob("*" + end)):
                removed.append(_remove(cache, [path], path.name, _UNWANTED))
    return removed


class _Judge:
    """Says what is wrong with engines; remembers what is slow to find out."""

    def __init__(self, cache: EngineCache, capability: str | None) -> None:
        self._cache, self._capability = cache, capability
        self._versions: dict[str, str | None] = {}
        self._hashes: dict[str, str | None] = {}

    def look(self, path: Path) -> CachedEngine:
        size = sum(_size(file) for file in _files_of(path))
        manifest = None
        try:
            manifest = self._cache.load(path)[1]
            problem, stale = self._problem(manifest)
        except NotOwnedError as error:
            problem, stale = str(error), True
        except EngineError as error:
            with contextlib.suppress(EngineError):
                manifest = self._cache.manifest(path)
            problem, stale = f"damaged ({error})", True
        return CachedEngine(
            path=path, size_bytes=size, manifest=manifest, problem=problem, stale=stale
        )

    def _problem(self, manifest: Manifest) -> tuple[str, bool]:
        """What is wrong, and whether for good."""
        key = manifest.key
        sha256 = self._hash_of(manifest.source)
        if sha256 is None:
            return f"its network is gone ({manifest.source})", True
        if sha256 != key.onnx_sha256:
            return "built from another ONNX file than the one there now", True
        if key.steadypose != __version__:
            return f"built by steadypose {key.steadypose}, this is {__version__}", True
        version = self._version_of(key.flavour)
        if version is None:
            return f"{key.flavour} is not installed here", False
        if not key.loads_in(version):
            return f"built with {key.flavour} {key.version}, here is {version}", True
        if self._capability is not None and not key.runs_on(self._capability):
            return f"built for {key.capability}, the GPU here is {self._capability}", True
        if manifest.verified is not None and not manifest.verified.ok:
            return "does not agree with its network", False
        return "", False

    def _version_of(self, flavour: str) -> str | None:
        if flavour not in self._versions:
            try:
                self._versions[flavour] = find_flavour(flavour).version
            except EngineError:
                self._versions[flavour] = None
        return self._versions[flavour]

    def _hash_of(self, source: str) -> str | None:
        if source not in self._hashes:
            try:
                self._hashes[source] = zoo.file_sha256(Path(source))
            except OSError:
                self._hashes[source] = None
        return self._hashes[source]


def _remove_engine(
    cache: EngineCache, engine: CachedEngine, capability: str | None, everything: bool
) -> Removed:
    name = engine.path.name if engine.manifest is None else engine.manifest.name

    def still() -> bool:  # somebody may just have built it anew
        return everything or _Judge(cache, capability).look(engine.path).stale

    return _remove(cache, _files_of(engine.path), name, engine.problem or _UNWANTED, still)


def _remove(
    cache: EngineCache,
    files: list[Path],
    name: str,
    reason: str,
    still: Callable[[], bool] = lambda: True,
) -> Removed:
    """Remove files of one engine, unless somebody is at work on it."""
    size, stem = 0, _STEM_END.split(files[-1].name)[0]
    if TIMINGS in files[-1].name:
        stem += TIMINGS
    with clear_write_errors(cache.folder.parent), hold_if_free(cache.lock_path(stem)) as free:
        if not free:
            return Removed(name=name, reason="left, as it is being built", size_bytes=0)
        if not still():
            return Removed(name=name, reason="left, as it was built anew", size_bytes=0)
        for file in files:
            size += _size(file)
            file.unlink(missing_ok=True)
    return Removed(name=name, reason=reason, size_bytes=size)


def _files_of(path: Path) -> list[Path]:
    """The manifest first: an engine without one is not loaded."""
    return [record_of(path), path.with_suffix(KERNELS), path]


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:
        return 0


def _order(engine: CachedEngine) -> tuple[str, str]:
    manifest = engine.manifest
    return ("~" if manifest is None else manifest.name, manifest.built_at if manifest else "")
