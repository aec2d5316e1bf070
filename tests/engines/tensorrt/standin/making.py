"""Engines on the stand-in, and what checks look at."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.engines.tensorrt.device import Gpu, find_gpu
from steadypose.engines.tensorrt.engine import TensorRtEngine
from steadypose.engines.tensorrt.flavours import Flavour
from steadypose.engines.tensorrt.manifest import EngineKey, Manifest
from steadypose.errors import SteadyposeError
from tests.engines.tensorrt.standin import fake_tensorrt as fake

VERSIONS = tuple(fake.RECORD)
VERSION = "tensorrt 10.16.1.11"
MOST = 8
SIDES = ((16, 16), (48, 64))

INPUTS = (
    ("image", "UINT8", (-1, -1, -1, 3), (1, *SIDES[0], 3), (MOST, *SIDES[1], 3)),
    ("pose", "FLOAT", (-1, 19, 3), (1, 19, 3), (MOST, 19, 3)),
    ("prior", "FLOAT", (-1, 19, 3), (1, 19, 3), (MOST, 19, 3)),
)
OUTPUTS = (("keypoints", "FLOAT", (-1, 19, 3)), ("score", "HALF", (-1, 1)))


def flavour_of(version: str = VERSION) -> Flavour:
    return Flavour.of(fake.make_module(version))


def write_plan(
    folder: Path,
    version: str = VERSION,
    *,
    content: bytes | None = None,
    inputs: Any = INPUTS,
    outputs: Any = OUTPUTS,
    key: dict[str, str] | None = None,
    **more: Any,
) -> tuple[Path, Manifest]:
    """A plan and its record, as a build leaves them."""
    plan = content or fake.make_plan(version, inputs, outputs, **more)
    path = folder / f"{hashlib.sha256(plan).hexdigest()[:8]}.plan"
    path.write_bytes(plan)
    name, number = version.split()
    values = {
        "onnx_sha256": "0" * 64,
        "flavour": name,
        "version": number,
        "capability": "portable" if name == "tensorrt_rtx" else "sm_90",
        "precision": "fp16",
        "profile": f"n1-4-{MOST} w1024 16x16 32x32 48x64",
        **(key or {}),
    }
    return path, Manifest(
        name="refiner-tiny",
        source="/models/refiner-tiny.onnx",
        key=EngineKey(**values),
        sha256=hashlib.sha256(plan).hexdigest(),
        size_bytes=len(plan),
        built_at="2026-11-24T12:00:00+00:00",
        seconds=1.0,
    )


def make_engine(version: str = VERSION, gpu: Gpu | None = None, **more: Any) -> TensorRtEngine:
    """An engine; arguments that are not its own go to ``write_plan``."""
    fake.load_stand_in()
    own = {k: more.pop(k) for k in ("max_batch", "graphs", "memory", "path") if k in more}
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("STANDIN_FOLDER")))
    plan, manifest = write_plan(folder, version, **more)
    return TensorRtEngine(plan, manifest, gpu or find_gpu("cuda"), flavour_of(version), **own)


def make_feeds(rows: int, size: tuple[int, int] = (32, 32), seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "image": random.integers(0, 256, (rows, *size, 3), np.uint8),
        "pose": random.standard_normal((rows, 19, 3), np.float32),
        "prior": random.standard_normal((rows, 19, 3), np.float32),
    }


def expected(feeds: dict[str, Any]) -> dict[str, Any]:
    rows = len(feeds["pose"])
    sums = sum(fake.row_sums(array, rows) for array in feeds.values())
    return {
        "keypoints": fake.spread_out(sums, (rows, 19, 3), np.float32),
        "score": fake.spread_out(sums, (rows, 1), np.float16),
    }


def assert_right(engine: TensorRtEngine, feeds: dict[str, Any]) -> dict[str, Any]:
    """Run it and compare with what comes out by numpy; the same kernels, so to the last bit."""
    results = engine.infer(feeds)
    for name, wanted in expected(feeds).items():
        assert results[name].dtype == wanted.dtype
        np.testing.assert_array_equal(results[name], wanted, err_msg=name)
        assert results[name].flags.owndata or results[name].base.flags.owndata
    return results


def count(name: str) -> int:
    found = int(fake.cuda.standin_count(name.encode()))
    assert found >= 0, name
    return found


def counts(*names: str) -> tuple[int, ...]:
    return tuple(count(name) for name in names)


def assert_nothing_held() -> None:
    """All is freed, nothing that was in use, and nothing was written past its end."""
    held = ("device_bytes", "device_blocks", "pinned_bytes", "pinned_blocks", "streams", "events")
    wrong = ("graphs", "executables", "overruns", "freed_busy", "destroyed_busy", "pageable")
    found = {name: count(name) for name in held + wrong}
    assert not any(found.values()), {name: n for name, n in found.items() if n}
    assert fake.alive["contexts"] == 0, fake.alive
    assert fake.cuda.standin_depth() == 0


def fail(site: str, nth: int, code: int) -> None:
    fake.cuda.standin_fail(site.encode(), nth, code)


@contextlib.contextmanager
def refused(*parts: str) -> Iterator[None]:
    """What is done inside is refused with one line, which holds all of ``parts``."""
    try:
        yield
    except SteadyposeError as error:
        line = str(error)
        assert "\n" not in line, line
        assert len(line) < 500, line
        for part in parts:
            assert part in line, f"{part!r} is not in {line!r}"
    else:
        raise AssertionError("nothing was raised")


def wait_until(holds: Callable[[], bool], timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.002)
