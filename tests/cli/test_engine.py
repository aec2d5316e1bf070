from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from steadypose.configs import load_config
from steadypose.engines.runtimes import gpu as accelerators
from steadypose.engines.tensorrt import device, housekeeping
from steadypose.engines.tensorrt.build import Built
from steadypose.engines.tensorrt.cache import EngineCache, record_of
from steadypose.engines.tensorrt.device import Gpu
from steadypose.engines.tensorrt.manifest import EngineKey
from steadypose.engines.tensorrt.obtain import key_of, spec_of
from steadypose.engines.tensorrt.samples import Samples
from steadypose.poses import Poses
from steadypose.stream.cli import engine_build
from steadypose.stream.cli.engine_models import wanted_models
from tests.cli.conftest import Run
from tests.cli.reading import one_line
from tests.engines.refiner.tiny_refiner import write_tiny_refiner
from tests.engines.tensorrt.kept import built, verified
from tests.engines.tensorrt.networks import write_network
from tests.media import write_pictures

GPU = Gpu(index=0, name="a GPU", capability=(9, 0), memory_bytes=1 << 34)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineCache:
    """An empty cache, on a machine without a GPU."""
    monkeypatch.setenv("STEADYPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STEADYPOSE_TENSORRT", raising=False)
    monkeypatch.setattr(device, "LIBRARY", "libno-such-driver.so.1")
    monkeypatch.setattr(device, "_answer", None)
    monkeypatch.setattr(accelerators, "_found", {})
    return EngineCache()


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A refiner's file, which gives back the pose that it is given, moved by 2 crop pixels."""
    return write_tiny_refiner(tmp_path / "net.onnx")


@pytest.fixture
def rtx(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """TensorRT for RTX that builds at once."""
    flavour = SimpleNamespace(
        name="tensorrt_rtx", version="1.7.1", rtx=True, runs_on=lambda _capability: True
    )
    monkeypatch.setattr(engine_build, "find_flavour", lambda _name: flavour)
    monkeypatch.setattr(housekeeping, "find_flavour", lambda _name: flavour)
    return flavour


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The specs of what is built, without building."""
    specs: list[Any] = []

    def build(path: Path, spec: Any, flavour: Any, *, report: Any) -> Built:
        specs.append(spec)
        report("building", 0.5)
        of = key_of(path, spec, flavour, GPU)
        return built(of, profile=spec.profile)

    monkeypatch.setattr("steadypose.engines.tensorrt.obtain.build_engine", build)
    return specs


def test_a_real_engine_is_built_listed_and_removed(
    run: Run, cache: EngineCache, tmp_path: Path
) -> None:
    pytest.importorskip("tensorrt_rtx")
    # A network is small where it is not what matters; those of the refiners are built elsewhere.
    small = write_network(tmp_path / "small.onnx", shape=("N", 64, 48, 3))
    arguments = ["engine", "build", small, "--flavour", "tensorrt_rtx"]
    code, printed, errors = run(*arguments)
    assert code == 0, errors
    (path,) = cache.folder.glob("*.engine")
    line = one_line(printed)
    assert line.startswith("small: tensorrt_rtx ")
    assert line.endswith(f", {path}")
    size = path.stat().st_size / 1e6
    assert ", portable, fp16 (" in line
    share = re.search(r"\(([\d.]+)% of its weights are FP16\)", line)
    assert share is not None
    assert float(share[1]) > 90
    assert f", {size:.1f} MB, built in " in line
    assert "not verified: no NVIDIA driver" in one_line(errors)

    again = run(*arguments)
    assert again[0] == 0
    assert one_line(again[1]) == line.replace(", built in", ", at hand, built in")

    listed = run("engine", "list")
    heads, row = listed[1].splitlines()
    assert heads.split()[:5] == ["model", "runtime", "capability", "precision", "profile"]
    assert row.startswith("small  tensorrt_rtx ")
    assert row.endswith("  no        fresh")

    assert run("engine", "clean")[1] == f"0.0 MB freed in {cache.folder}\n"
    code, printed, _ = run("engine", "clean", "--all")
    assert code == 0
    assert printed.splitlines()[0].startswith("small: not wanted any more, ")
    assert printed.splitlines()[1].endswith(f"MB freed in {cache.folder}")
    assert list(cache.folder.glob("*.*")) == []


def test_options_reach_the_build(
    run: Run, cache: EngineCache, net: Path, rtx: SimpleNamespace, builds: list[Any]
) -> None:
    code, printed, errors = run("engine", "build", net)
    assert code == 0, errors
    options = ["--batch", "1,2,16", "--workspace", "64", "--precision", "fp32"]
    assert run("engine", "build", net, *options, "--version-compatible")[0] == 0
    refiner = load_config().refiner
    first, second = builds
    assert first.batches == (1, refiner.max_batch, refiner.max_batch)
    assert first.sizes == second.sizes == refiner.sizes
    assert (first.half, first.version_compatible, first.timing_cache) == (True, False, None)
    assert second.batches == (1, 2, 16)
    assert second.workspace_bytes == 64 << 20
    assert (second.half, second.version_compatible) == (False, True)
    assert run("engine", "build", net, "--force")[0] == 0
    assert run("engine", "build", net)[0] == 0
    assert len(builds) == 3
    assert "net: tensorrt_rtx 1.7.1, portable, fp16 (99.0% of its weights are FP16)" in printed


def test_settings_choose_batches_and_sizes(
    run: Run, net: Path, tmp_path: Path, rtx: SimpleNamespace, builds: list[Any]
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "refiner: {max_batch: 3, sizes: [[64, 64], [96, 64]]}\nruntime: {precision: fp32}\n"
    )
    assert run("engine", "build", net, "--config", own)[0] == 0
    (spec,) = builds
    assert (spec.batches, spec.sizes, spec.half) == ((1, 3, 3), ((64, 64), (96, 64)), False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "refiner-fest"], "did you mean 'refiner-fast'"),
        (["build", "demo-clip"], "unknown model 'demo-clip'"),
        (["build", "no.onnx"], "no.onnx: no such file"),
        (["build", "movenet-thunder"], "steadypose models fetch movenet-thunder"),
        (["build", "--config", "quick"], "unknown preset 'quick'"),
        (["build", "--batch", "4,2,8"], "expected 1 <= MIN <= OPT <= MAX, got '4,2,8'"),
        (["build", "--batch", "8"], "expected 1 <= MIN <= OPT <= MAX, got '8'"),
        (["build", "--workspace", "0"], "expected a whole number above 0"),
        (["build", "--optimisation-level", "6"], "invalid choice: "),
        (["build", "--precision", "int8"], "unknown value 'int8'"),
        (["build", "--flavour", "tensorrt_rt"], "did you mean 'tensorrt_rtx'"),
        (["build", "refiner-fast", "--device", "gpu"], "expected auto, cpu, cuda or cuda:N"),
        (["verify", "--image", "x"], "did you mean '--images'"),
        (["verify", "--device", "cpu"], "engines run on a GPU"),
        (["list", "--jsn"], "did you mean '--json'"),
        (["clear"], "did you mean 'clean'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    run: Run, rtx: SimpleNamespace, arguments: list[str], words: str
) -> None:
    code, printed, errors = run("engine", *arguments)
    assert code == 2
    assert printed == ""
    assert words in one_line(errors)


@pytest.mark.parametrize(
    "option", [["--timing-cache"], ["--hardware-compatible"], ["--optimisation-level", "0"]]
)
def test_what_rtx_has_not_is_refused(
    run: Run, net: Path, rtx: SimpleNamespace, option: list[str]
) -> None:
    code, _, errors = run("engine", "build", net, *option)
    assert code == 2
    assert f"{option[0]}: " in one_line(errors)


def test_without_a_gpu_tensorrt_does_not_build(run: Run, net: Path, rtx: SimpleNamespace) -> None:
    rtx.name, rtx.rtx = "tensorrt", False
    code, _, errors = run("engine", "build", net)
    assert code == 2
    assert "cannot build here: no NVIDIA driver" in one_line(errors)
    assert "--device cpu" not in errors


def test_without_a_gpu_nothing_is_verified(run: Run) -> None:
    code, printed, errors = run("engine", "verify", "refiner-fast")
    assert (code, printed) == (2, "")
    assert "engines cannot be run here: no NVIDIA driver" in one_line(errors)


def test_one_network_that_fails_spares_the_others(
    run: Run,
    net: Path,
    tmp_path: Path,
    rtx: SimpleNamespace,
    builds: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x00")
    code, _, errors = run("engine", "build", net, broken)
    assert code == 2
    assert "not a readable ONNX file" in one_line(errors)
    other = write_tiny_refiner(tmp_path / "other.onnx", joints=18)
    run("engine", "build", other)
    (path,) = EngineCache().folder.glob("*.engine")
    path.chmod(0o666)
    code, printed, errors = run("engine", "build", other, net)
    assert code == 2
    assert "others may write to it" in errors.splitlines()[0]
    assert [line.split(":")[0] for line in printed.splitlines()] == ["net"]


def test_list_says_what_is_stale(
    run: Run, cache: EngineCache, net: Path, rtx: SimpleNamespace, builds: list[Any]
) -> None:
    code, printed, _ = run("engine", "list")
    assert (code, printed) == (0, f"no engines in {cache.folder}; run: steadypose engine build\n")
    run("engine", "build", net)
    (path,) = cache.folder.glob("*.engine")
    cache.record_verified(path, verified())
    (told,) = json.loads(run("engine", "list", "--json")[1])
    assert (told["path"], told["fresh"], told["stale"]) == (str(path), True, False)
    assert told["manifest"]["key"]["precision"] == "fp16"
    assert told["manifest"]["verified"]["p99_px"] == 0.3
    assert "  p99 0.30 px  fresh\n" in run("engine", "list")[1]
    rtx.version = "1.8.0"
    line = run("engine", "list")[1].splitlines()[1]
    assert line.endswith("stale: built with tensorrt_rtx 1.7.1, here is 1.8.0")
    (told,) = json.loads(run("engine", "list", "--json")[1])
    assert (told["fresh"], told["stale"]) == (False, True)
    record_of(path).write_text("{")
    line = run("engine", "list")[1].splitlines()[1]
    assert line.startswith(path.name)
    assert "stale: damaged (" in line
    _, printed, _ = run("engine", "clean")
    assert printed.startswith(f"{path.name}: damaged (")
    assert "no engines in" in run("engine", "list")[1]


class StandIn:
    """In the place of an engine on a GPU: its network on the processor, moved."""

    move_px = 0.0
    closed = 0

    def __init__(self, plan: Path, manifest: Any, gpu: Gpu, flavour: Any, **options: Any) -> None:
        from steadypose.engines.tensorrt.samples import reference_engine

        assert plan.is_file()
        assert gpu is GPU
        self._inner = reference_engine(options["path"])
        self.path, self.name, self.runtime = self._inner.path, self._inner.name, "stand-in"
        self.inputs, self.outputs = self._inner.inputs, self._inner.outputs

    def infer(self, feeds: Any) -> Any:
        found = self._inner.infer(feeds)
        found["keypoints"][..., 0] += self.move_px
        return found

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch, rtx: SimpleNamespace) -> type[StandIn]:
    """A GPU with TensorRT for RTX, and somebody in all pictures."""
    on = SimpleNamespace(flavour=rtx, gpu=GPU, memory=None)
    monkeypatch.setattr(engine_build, "find_accelerator", lambda _device: on)
    monkeypatch.setattr(engine_build, "find_gpu", lambda _device: GPU)
    monkeypatch.setattr(engine_build, "open_memory", lambda _gpu: None)
    monkeypatch.setattr("steadypose.engines.tensorrt.agreement.TensorRtEngine", StandIn)

    def find(images: list[Any]) -> Samples:
        boxes = np.array([[10, 10, 60, 90]], np.float32)
        points = np.full((1, 17, 2), 40, np.float32)
        poses = Poses.create(points, boxes=boxes)
        return Samples(images=images, poses=[poses] * len(images), priors=[None] * len(images))

    monkeypatch.setattr("steadypose.engines.tensorrt.samples.find_people", find)
    monkeypatch.setattr(StandIn, "move_px", 0.0)
    monkeypatch.setattr(StandIn, "closed", 0)
    return StandIn


def test_an_engine_is_verified(
    run: Run,
    cache: EngineCache,
    net: Path,
    tmp_path: Path,
    builds: list[Any],
    on_gpu: type[StandIn],
) -> None:
    pictures = write_pictures(tmp_path / "pictures", 3)
    code, _, errors = run("engine", "verify", net, "--images", pictures)
    assert code == 2
    assert f"net: it has no engine; run: steadypose engine build {net}" in one_line(errors)

    code, printed, errors = run("engine", "build", net)
    assert code == 0
    assert "net: not verified: model 'demo-clip' is not at hand" in one_line(errors)
    code, printed, errors = run("engine", "verify", net, "--images", pictures)
    assert (code, errors) == (0, "")
    assert "net: agrees with FP32 on the processor: p50 0.000 px, p99 0.000 px" in one_line(printed)
    (path,) = cache.folder.glob("*.engine")
    record = cache.manifest(path).verified
    assert record is not None
    assert (record.ok, record.people, record.gpu) == (True, 3, "cuda:0 (a GPU, sm_90)")

    on_gpu.move_px = 20.0
    code, printed, _ = run("engine", "verify", net, "--images", pictures)
    assert code == 2
    assert "net: does not agree with FP32" in one_line(printed)
    record = cache.manifest(path).verified
    assert record is not None
    assert not record.ok
    assert "steadypose engine build --force" in run("engine", "build", net)[2]
    assert on_gpu.closed == 2


def test_a_stale_engine_is_not_verified(
    run: Run, net: Path, builds: list[Any], on_gpu: type[StandIn], rtx: SimpleNamespace
) -> None:
    run("engine", "build", net)
    rtx.version = "1.8.0"
    code, _, errors = run("engine", "verify", net)
    assert code == 2
    assert "net: its engine is built with tensorrt_rtx 1.7.1, here is" in one_line(errors)


def test_tracking_finds_what_was_built_beforehand(net: Path, rtx: SimpleNamespace) -> None:
    config = load_config("fast")
    (wanted,) = wanted_models(config, [str(net)])
    ours: EngineKey = key_of(wanted.path, spec_of(wanted.shapes), rtx, GPU)
    assert ours.shapes.batches[-1] == config.refiner.max_batch
    assert ours.shapes.sides[-1] == (192, 128)
