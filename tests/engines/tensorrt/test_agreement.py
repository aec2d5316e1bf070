"""Engines that tracking builds by itself are compared with their networks once."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from steadypose.engines.runtimes import Shapes
from steadypose.engines.runtimes.gpu import Accelerator
from steadypose.engines.tensorrt import agreement
from steadypose.engines.tensorrt.cache import EngineCache
from steadypose.engines.tensorrt.device import Gpu
from steadypose.engines.tensorrt.obtain import key_of
from steadypose.engines.tensorrt.samples import Samples, clip_pictures, reference_engine, spread
from steadypose.errors import EngineError, InputError, OutputError
from steadypose.poses import Poses
from tests.engines.refiner.tiny_refiner import write_tiny_refiner
from tests.engines.tensorrt.kept import built
from tests.engines.tensorrt.networks import zoo_model

GPU = Gpu(index=0, name="a GPU", capability=(9, 0), memory_bytes=1 << 34)
FLAVOUR = SimpleNamespace(name="tensorrt", version="10.9.0", rtx=False)
SHAPES = Shapes(max_batch=4, sizes=((64, 64), (128, 96)))


class OnGpu:
    """In the place of an engine on a GPU: its network on the processor, moved."""

    move_px = 0.0
    batches: list[int]

    def __init__(self, plan: Path, manifest: Any, gpu: Gpu, flavour: Any, **options: Any) -> None:
        assert plan.is_file()
        self._inner = reference_engine(options["path"])
        self.path, self.name, self.runtime = self._inner.path, self._inner.name, "on a GPU"
        self.inputs, self.outputs = self._inner.inputs, self._inner.outputs

    def infer(self, feeds: Any) -> Any:
        self.batches.append(len(feeds["pose"]))
        found = self._inner.infer(feeds)
        found["keypoints"][..., 0] += self.move_px
        return found

    def close(self) -> None: ...


def everybody(pictures: list[Any]) -> Samples:
    """Five people in each picture."""
    boxes = np.tile(np.array([[10, 10, 60, 90]], np.float32), (5, 1))
    poses = Poses.create(np.full((5, 17, 2), 40, np.float32), boxes=boxes)
    return Samples(images=pictures, poses=[poses] * len(pictures), priors=[None] * len(pictures))


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network's file, a cache, and a clip of two pictures."""
    monkeypatch.setenv("STEADYPOSE_CACHE", str(tmp_path / "cache"))
    pictures = [np.zeros((96, 96, 3), np.uint8)] * 2
    monkeypatch.setattr(agreement, "clip_pictures", lambda most: pictures[:most])
    monkeypatch.setattr(agreement, "find_people", everybody)
    monkeypatch.setattr(agreement, "TensorRtEngine", OnGpu)
    monkeypatch.setattr("steadypose.engines.tensorrt.engine.TensorRtEngine", OnGpu)
    monkeypatch.setattr(OnGpu, "move_px", 0.0)
    monkeypatch.setattr(OnGpu, "batches", [], raising=False)

    def build(path: Path, spec: Any, flavour: Any, *, report: Any) -> Any:
        report("building", None)
        return built(key_of(path, spec, flavour, GPU), profile=spec.profile)

    monkeypatch.setattr("steadypose.engines.tensorrt.obtain.build_engine", build)
    return write_tiny_refiner(tmp_path / "net.onnx")


def load(net: Path, *, insisted: bool = True) -> Any:
    memory: Any = None
    on = Accelerator(gpu=GPU, flavour=FLAVOUR, memory=memory, insisted=insisted)  # type: ignore[arg-type]
    return on.load(net, "fp16", SHAPES)


def record() -> Any:
    ((_, manifest),) = EngineCache().records()
    return manifest.verified


def test_a_new_engine_is_compared_once_and_its_manifest_tells(net: Path) -> None:
    for _ in range(2):
        assert load(net).runtime == "on a GPU"
        assert record().ok
        assert (record().people, record().gpu) == (10, str(GPU))
        # At both sizes, ten people one by one and as many at once as the engine takes.
        assert sorted(OnGpu.batches) == [1] * 20 + [2] * 2 + [4] * 4


def test_one_that_does_not_agree_is_refused_now_and_later(
    net: Path, caplog: pytest.LogCaptureFixture
) -> None:
    OnGpu.move_px = 20.0
    for _ in range(2):
        with pytest.raises(EngineError, match=r"net: its engine does not agree .*--force$"):
            load(net)
        assert not record().ok
    caplog.clear()
    assert load(net, insisted=False) is None
    (line,) = (r.getMessage() for r in caplog.records)
    assert line.startswith("net runs on the processor, not on a GPU: net: its engine does not ag")


def test_without_the_clip_a_line_says_so(
    net: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(agreement, "clip_pictures", clip_pictures)
    assert load(net).runtime == "on a GPU"
    assert record() is None
    assert caplog.records[-1].levelno == logging.WARNING
    line = caplog.records[-1].getMessage()
    assert line.startswith("net: its engine is not compared with FP32: model 'demo-clip' is not")
    assert "steadypose models fetch demo-clip" in line


def test_what_cannot_be_noted_is_judged_all_the_same(
    net: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_arguments: Any) -> None:
        raise OutputError("no space left for the cache")

    monkeypatch.setattr(EngineCache, "record_verified", full)
    assert load(net).runtime == "on a GPU"
    assert caplog.records[-1].getMessage() == "net: no space left for the cache"
    OnGpu.move_px = 20.0
    with pytest.raises(EngineError, match="does not agree"):
        load(net)


def test_a_cache_that_cannot_be_written_leaves_the_processor(
    net: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError):
        load(net)
    assert load(net, insisted=False) is None
    assert caplog.records[-1].getMessage().startswith("net runs on the processor, not on a GPU: ")


def test_frames_are_spread() -> None:
    frames = [np.full((1, 1, 3), n, np.uint8) for n in range(50)]
    assert [int(f[0, 0, 0]) for f in spread(iter(frames), 16, "x")] == list(range(0, 50, 4))
    assert len(spread(iter(frames[:3]), 16, "x")) == 3
    with pytest.raises(InputError, match=r"^x: holds no pictures"):
        spread(iter([]), 16, "x")


def test_pictures_of_the_sample_clip() -> None:
    zoo_model("demo-clip")
    pictures = clip_pictures(8)
    assert 4 <= len(pictures) <= 8
    assert len({hashlib.sha256(p.tobytes()).digest() for p in pictures}) == len(pictures)
    assert not any(p.flags.writeable for p in pictures)
