from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steadypose.engines import zoo
from steadypose.engines.runtimes import Shapes
from steadypose.engines.tensorrt import obtain
from steadypose.engines.tensorrt.build import Built
from steadypose.engines.tensorrt.cache import EngineCache
from steadypose.engines.tensorrt.device import Gpu
from steadypose.engines.tensorrt.locks import hold_if_free
from steadypose.engines.tensorrt.manifest import PORTABLE
from steadypose.engines.tensorrt.obtain import key_of, obtain_engine, spec_of
from steadypose.engines.tensorrt.spec import BuildSpec
from steadypose.errors import EngineError, ModelError
from tests.engines.tensorrt.kept import built

GPU = Gpu(index=1, name="a GPU", capability=(12, 0), memory_bytes=1 << 34)
SPEC = spec_of(Shapes(max_batch=6, sizes=((64, 32), (128, 96))))
FLAVOUR: Any = SimpleNamespace(name="tensorrt", version="10.3.0", rtx=False)
RTX: Any = SimpleNamespace(name="tensorrt_rtx", version="1.7.1", rtx=True)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net\x07.onnx"
    path.write_bytes(b"a network")
    return path


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


class Made:
    """What was built, and whether the GPU was the thread's own then."""

    def __init__(self) -> None:
        self.specs: list[BuildSpec] = []
        self.active: list[bool] = []
        self._is_active = False

    @contextmanager
    def active_now(self) -> Iterator[None]:
        self._is_active = True
        yield
        self._is_active = False

    def build(self, path: Path, spec: BuildSpec, flavour: Any, *, report: object) -> Built:
        self.specs.append(spec)
        self.active.append(self._is_active)
        if spec.timing_cache is not None:
            lock = spec.timing_cache.parent / "locks" / (spec.timing_cache.name + ".lock")
            with hold_if_free(lock) as free:
                assert not free
            spec.timing_cache.write_bytes(b"times")
        return built(key_of(path, spec, flavour, GPU))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    found = Made()
    monkeypatch.setattr(obtain, "build_engine", found.build)
    return found


def test_engines_are_tuned_for_full_batches() -> None:
    assert (SPEC.batches, SPEC.sizes, SPEC.half) == ((1, 6, 6), ((64, 32), (128, 96)), True)
    assert not spec_of(Shapes(), "fp32").half


def test_a_key_names_the_gpu_unless_the_engine_is_portable(net: Path) -> None:
    key = key_of(net, SPEC, FLAVOUR, GPU)
    assert (key.capability, key.profile) == ("sm_120", SPEC.profile)
    assert key.onnx_sha256 == zoo.file_sha256(net)
    assert key_of(net, SPEC, RTX, None).capability == PORTABLE
    assert key_of(net, BuildSpec(ampere_plus=True), FLAVOUR, None).capability == PORTABLE
    with pytest.raises(EngineError, match="there is none"):
        key_of(net, SPEC, FLAVOUR, None)
    with pytest.raises(ModelError, match="cannot be read"):
        key_of(net.with_name("no.onnx"), SPEC, FLAVOUR, GPU)


def test_times_are_kept_for_one_build_at_a_time(net: Path, cache: EngineCache, made: Made) -> None:
    memory: Any = SimpleNamespace(active=made.active_now)
    path, manifest = obtain_engine(net, SPEC, FLAVOUR, GPU, cache=cache, memory=memory)
    assert (manifest.name, manifest.source) == ("net?", str(net))
    assert made.specs[0].timing_cache == cache.folder / "tensorrt-10.3.0-sm_120.timings"
    assert made.active == [True]
    assert obtain_engine(net, SPEC, FLAVOUR, GPU, cache=cache)[0] == path
    assert len(made.specs) == 1


def test_no_times_where_none_are_wanted_or_measured(
    net: Path, cache: EngineCache, made: Made
) -> None:
    obtain_engine(net, SPEC, FLAVOUR, GPU, cache=cache, timings=False)
    obtain_engine(net, SPEC, RTX, None, cache=cache, name="own")
    assert [spec.timing_cache for spec in made.specs] == [None, None]
    assert made.active == [False, False]
    assert {manifest.name for _, manifest in cache.records()} == {"net?", "own"}
