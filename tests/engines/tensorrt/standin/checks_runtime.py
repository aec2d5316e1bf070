"""The way from ``load_engine`` to a batch on the GPU, with engines that lie in the cache."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
from pathlib import Path

from steadypose.benchmarks.engines.contenders import Copies
from steadypose.benchmarks.engines.tensorrt_contender import TensorRtContender
from steadypose.engines.runtimes import RuntimeOptions, Shapes, gpu, load_engine
from steadypose.engines.tensorrt.build import Built
from steadypose.engines.tensorrt.cache import EngineCache
from steadypose.engines.tensorrt.device import find_gpu
from steadypose.engines.tensorrt.obtain import key_of, spec_of
from tests.engines.tensorrt.standin import fake_tensorrt as fake
from tests.engines.tensorrt.standin.making import (
    INPUTS,
    MOST,
    OUTPUTS,
    VERSION,
    assert_right,
    flavour_of,
    make_feeds,
    refused,
)

NO_NETWORK = b"\xff" * 16
SHAPES = Shapes(max_batch=MOST, sizes=((16, 16), (32, 32), (48, 64)))


def kept_network(precision: str = "fp16") -> Path:
    """A network's file whose engine lies in the cache, and a TensorRT to run it."""
    os.environ["STEADYPOSE_CACHE"] = tempfile.mkdtemp()
    os.environ["STEADYPOSE_TENSORRT"] = "tensorrt"
    fake.load_stand_in()
    sys.modules["tensorrt"] = fake.make_module(VERSION)
    path = Path(tempfile.mkdtemp()) / "refiner-tiny.onnx"
    path.write_bytes(NO_NETWORK)
    flavour = flavour_of()
    key = key_of(path, spec_of(SHAPES, precision), flavour, find_gpu("cuda"))
    facts = {
        "onnx_sha256": hashlib.sha256(NO_NETWORK).hexdigest(),
        "flavour": flavour.name,
        "version": flavour.version,
        "precision": precision,
        "seconds": 1.0,
    }
    plan = fake.make_plan(VERSION, INPUTS, OUTPUTS)
    EngineCache().get_or_build(key, path.stem, lambda: Built(plan=plan, facts=facts))
    return path


def check_a_network_runs_on_the_gpu() -> None:
    path = kept_network()
    for device in ("auto", "cuda", "cuda:0"):
        engine = load_engine(path, RuntimeOptions(device=device), shapes=SHAPES)
        assert engine.runtime == f"{VERSION} fp16 sm_90", engine.runtime
        assert (engine.path, engine.name) == (path, "refiner-tiny")
        for rows in (1, 3, MOST, 2 * MOST + 1):
            assert_right(engine, make_feeds(rows))
        assert_right(engine, make_feeds(2, (48, 64)))


def check_an_engine_built_for_more_will_do() -> None:
    path = kept_network()
    engine = load_engine(
        path, RuntimeOptions(device="cuda"), shapes=Shapes(max_batch=2, sizes=((32, 32),))
    )
    assert_right(engine, make_feeds(2))


def check_precision_is_what_was_asked_for() -> None:
    path = kept_network("fp32")
    engine = load_engine(path, RuntimeOptions(device="cuda", precision="fp32"), shapes=SHAPES)
    assert engine.runtime == f"{VERSION} fp32 sm_90"
    # The file is no network, so that an engine of another precision cannot be built from it.
    with refused("refiner-tiny.onnx"):
        load_engine(path, RuntimeOptions(device="cuda"), shapes=SHAPES)


def check_what_does_not_build_runs_on_the_processor_under_auto() -> None:
    path = kept_network("fp32")
    lines: list[str] = []

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logging.getLogger("steadypose.engines.runtimes").addHandler(Heard())
    # The processor does not take the file either, but it was asked.
    with refused("ONNX Runtime cannot load it"):
        load_engine(path, RuntimeOptions(device="auto"), shapes=SHAPES)
    (line,) = (text for text in lines if "runs on the processor" in text)
    assert "refiner-tiny runs on the processor, not on" in line
    assert "\n" not in line


def check_a_gpu_that_is_not_there() -> None:
    path = kept_network()
    with refused("device 'cuda:9'", "there is only cuda:0"):
        load_engine(path, RuntimeOptions(device="cuda:9"), shapes=SHAPES)
    assert gpu.find_accelerator("cpu") is None


def check_the_benchmark_counts_copies_and_takes_the_gpus_time() -> None:
    contender = TensorRtContender(kept_network(), "auto", "fp16", SHAPES)
    assert contender.engine.startswith(f"{VERSION} fp16 sm_90, pycuda ")
    for rows in (1, 4, MOST):
        feeds = make_feeds(rows)
        assert_right(contender, feeds)
        assert contender.copies(feeds) == Copies(up=1, down=1)
        spent = contender.device_ms(feeds, 4)
        assert spent is not None
        assert len(spent) == 4
        assert all(ms >= 0 for ms in spent)
    assert contender.copies(make_feeds(MOST + 1)) == Copies(up=2, down=2)
    assert isinstance(contender.device_bytes(), int)
    contender.close()
    contender.close()
    with refused("closed"):
        contender.infer(make_feeds(1))


def check_the_benchmark_refuses_the_processor() -> None:
    with refused("device 'cpu' is no GPU"):
        TensorRtContender(kept_network(), "cpu", "fp16", SHAPES)
