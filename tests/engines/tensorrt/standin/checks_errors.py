"""What goes wrong on the stand-in: one line each, and what still works afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.engines.tensorrt import engine as engine_module
from steadypose.engines.tensorrt.device import find_gpu
from steadypose.engines.tensorrt.engine import TensorRtEngine
from tests.engines.tensorrt.standin import fake_tensorrt as fake
from tests.engines.tensorrt.standin.making import (
    INPUTS,
    MOST,
    OUTPUTS,
    VERSION,
    VERSIONS,
    assert_nothing_held,
    assert_right,
    count,
    fail,
    flavour_of,
    make_engine,
    make_feeds,
    refused,
    write_plan,
)

LAUNCH_FAILED, INVALID_VALUE, OUT_OF_MEMORY = 719, 1, 2


def _load(path: Path, manifest: Any, version: str = VERSION) -> TensorRtEngine:
    fake.load_stand_in()
    return engine_module.TensorRtEngine(path, manifest, find_gpu("cuda"), flavour_of(version))


def check_damaged_plans() -> None:
    folder = Path(tempfile.mkdtemp())
    path, manifest = write_plan(folder)
    whole = path.read_bytes()
    for content, words in ((whole[:-1], "bytes, expected"), (b"X" + whole[1:], "its SHA-256")):
        path.write_bytes(content)
        with refused(str(path), words):
            _load(path, manifest)
    path.unlink()
    with refused(str(path), "missing"):
        _load(path, manifest)
    assert_nothing_held()


def check_plans_that_others_may_have_written() -> None:
    folder = Path(tempfile.mkdtemp())
    path, manifest = write_plan(folder)
    for place, mode in ((path, 0o660), (folder, 0o777)):
        before = place.stat().st_mode
        place.chmod(mode)
        with refused(str(place), "others may write to it", "chmod go-w"):
            _load(path, manifest)
        place.chmod(before)
    elsewhere = path.rename(path.with_name("elsewhere"))
    path.symlink_to(elsewhere)
    with refused(str(path), "cannot be read"):
        _load(path, manifest)


def check_plans_that_tensorrt_refuses() -> None:
    for version in VERSIONS:
        other = next(v for v in VERSIONS if v != version)
        for content, word in (
            (b"not a plan at all", "MALFORMED_ENGINE"),
            (fake.make_plan(other, INPUTS, OUTPUTS), "VERSION_MISMATCH"),
        ):
            path, manifest = write_plan(Path(tempfile.mkdtemp()), version, content=content)
            told = word.lower().replace("_", " ") if "rtx" in version else word
            with refused(str(path), version, told):
                _load(path, manifest, version)
    assert fake.alive == {"runtimes": 0, "engines": 0, "contexts": 0}


def check_foreign_plans() -> None:
    folder = Path(tempfile.mkdtemp())
    for key, words in (
        ({"capability": "sm_80"}, ("built for sm_80", "sm_90")),
        ({"version": "10.3.0"}, ("built with tensorrt 10.3.0", VERSION)),
        ({"flavour": "tensorrt_rtx"}, ("built with tensorrt_rtx", VERSION)),
    ):
        path, manifest = write_plan(folder, key=key)
        with refused(str(path), *words, "build it again"):
            _load(path, manifest)


def check_version_compatible_plans_may_bring_code() -> None:
    profile = f"n1-4-{MOST} w1024 16x16 32x32 48x64"
    for added, allowed in (("", False), (" vc", True)):
        engine = make_engine(key={"profile": profile + added})
        assert engine._plan._runtime.engine_host_code_allowed is allowed
        engine.close()


def check_wrong_feeds() -> None:
    engine = make_engine()
    good = make_feeds(2)
    cases: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({k: v for k, v in good.items() if k != "pose"}, ("missing: pose",)),
        ({**good, "poze": good["pose"]}, ("unknown: poze",)),
        ({**good, "pose": good["pose"].astype(np.float64)}, ("'pose' is float64", "float32")),
        ({**good, "image": good["image"].astype(np.float32)}, ("'image' is float32", "uint8")),
        ({**good, "image": good["image"][..., 0]}, ("'image' is (2, 32, 32)", "16 to 48")),
        ({**good, "pose": good["pose"][:, :17]}, ("'pose' is (2, 17, 3)", "(N, 19, 3)")),
        ({**good, "pose": good["pose"][:1]}, ("different numbers of rows", "image 2", "pose 1")),
        (make_feeds(2, (8, 32)), ("(2, 8, 32, 3)", "(N, 16 to 48, 16 to 64, 3)")),
        (make_feeds(2, (48, 65)), ("(2, 48, 65, 3)",)),
    ]
    for feeds, words in cases:
        with refused("refiner-tiny", *words):
            engine.infer(feeds)
    assert count("kernels") == 0
    assert_right(engine, good)


def check_batches_below_the_least() -> None:
    inputs = [("x", "FLOAT", (-1, 4), (3, 4), (8, 4))]
    engine = make_engine(inputs=inputs, outputs=[("y", "FLOAT", (-1, 2))])
    with refused("a batch of 2", "3 to 8"):
        engine.infer({"x": np.zeros((2, 4), np.float32)})
    assert engine.infer({"x": np.zeros((17, 4), np.float32)})["y"].shape == (17, 2)
    assert engine.infer({"x": np.zeros((0, 4), np.float32)})["y"].shape == (0, 2)
    with refused("max_batch 2", "3"):
        make_engine(inputs=inputs, outputs=[("y", "FLOAT", (-1, 2))], max_batch=2)


def check_tensors_that_cannot_be_run() -> None:
    with refused("'x' is INT4"):
        make_engine(inputs=[("x", "INT4", (-1, 4), (1, 4), (8, 4))])
    with refused("'pose' is a shape"):
        make_engine(location={"pose": 1})
    engine = make_engine(outputs=[("y", "FLOAT", (-1, -1))])
    with refused("output 'y'", "depends on what is seen"):
        engine.infer(make_feeds(1))
    engine = make_engine(outputs=[("y", "FLOAT", (1, 2))])
    assert engine.infer(make_feeds(1))["y"].shape == (1, 2)
    with refused("output 'y'", "whole batch"):
        engine.infer(make_feeds(MOST + 1))


def check_out_of_memory() -> None:
    engine = make_engine(activations=1 << 20)
    fake.cuda.standin_limit(1 << 20)
    for _ in range(3):
        with refused("cuda:0 (Stand-in 0, sm_90) is out of memory", "smaller batches"):
            engine.infer(make_feeds(MOST))
        assert_nothing_held()  # what was had is given back
    fake.cuda.standin_limit(1 << 30)
    assert_right(engine, make_feeds(MOST))
    fake.cuda.standin_limit(count("device_bytes"))
    assert_right(engine, make_feeds(2))  # fits into what is there
    fail("pin", 1, OUT_OF_MEMORY)
    engine.close()
    other = make_engine()
    with refused("out of memory"):
        other.infer(make_feeds(1))
    assert_right(other, make_feeds(1))


def check_out_of_memory_before_there_are_rows() -> None:
    engine = make_engine()
    assert_right(engine, make_feeds(1, (16, 16)))
    fake.cuda.standin_limit(count("device_bytes"))
    with refused("out of memory"):
        engine.infer(make_feeds(0, (48, 64)))
    assert_nothing_held()  # nor is a lane left whose buffers are gone
    fake.cuda.standin_limit(1 << 30)
    assert_right(engine, make_feeds(1, (16, 16)))


def check_a_context_that_cannot_be_made() -> None:
    engine = make_engine(contexts=2)
    assert_right(engine, make_feeds(1))
    assert_right(engine, make_feeds(1))
    assert_right(engine, make_feeds(2))
    with refused("cannot start it", "createExecutionContext: out of memory"):
        engine.infer(make_feeds(2))
    engine.close()
    assert_nothing_held()


def _passing(site: str) -> Callable[[], None]:
    """A fault that is gone when the next batch comes."""

    def check() -> None:
        for runs_before in range(4):  # of all phases of a shape's life
            engine = make_engine()
            for seed in range(runs_before):
                assert_right(engine, make_feeds(3, seed=seed))
            fail(site, 1, INVALID_VALUE)
            with refused("cuda:0 (Stand-in 0, sm_90)", "invalid argument"):
                for _ in range(9):
                    engine.infer(make_feeds(3))
            assert_nothing_held()
            for seed in range(4):
                assert_right(engine, make_feeds(3, seed=seed))
            engine.close()
            assert_nothing_held()

    return check


def check_an_upload_that_fails() -> None:
    _passing("upload")()


def check_a_download_that_fails() -> None:
    _passing("download")()


def check_a_wait_that_fails() -> None:
    _passing("sync")()


def check_a_launch_that_fails() -> None:
    engine = make_engine()
    fail("launch", 2, INVALID_VALUE)
    with refused("refiner-tiny", VERSION, "failed", "Cuda failure"):
        engine.infer(make_feeds(3))
    for seed in range(4):
        assert_right(engine, make_feeds(3, seed=seed))
    fail("launch", 1, INVALID_VALUE)
    with refused("cuda:0", "invalid argument"):
        engine.infer(make_feeds(3))  # of a graph
    assert_nothing_held()
    assert_right(engine, make_feeds(3))


def check_a_recording_that_fails() -> None:
    for site in ("capture", "instantiate", "launch"):
        engine = make_engine()
        assert_right(engine, make_feeds(2))
        # Two launches are those of the second batch itself.
        fail(site, 3 if site == "launch" else 1, INVALID_VALUE)
        for seed in range(3):
            assert_right(engine, make_feeds(2, seed=seed))
        assert count("graphs") == count("executables") == 0, site
        engine.close()
        assert_nothing_held()


def check_a_kernel_that_crashes() -> None:
    _crash(0)


def check_a_kernel_that_crashes_before_it_is_recorded() -> None:
    _crash(1)


def check_a_kernel_that_crashes_in_a_graph() -> None:
    _crash(3)


def _crash(runs_before: int) -> None:
    """Nothing is left of the GPU, and everything says so in the same line."""
    engine, other = make_engine(), make_engine()
    assert_right(other, make_feeds(1))
    for seed in range(runs_before):
        assert_right(engine, make_feeds(3, seed=seed))
    fail("kernel", 1, LAUNCH_FAILED)
    lines = set()
    for one in (engine, engine, other, other):
        with refused("unspecified launch failure", "until the program is started again"):
            try:
                one.infer(make_feeds(1))
            except Exception as error:
                lines.add(str(error))
                raise
    assert len(lines) == 1, lines
    with refused("unspecified launch failure"):
        make_engine()
    engine.close()
    other.close()
    other.close()
    with refused("closed"):
        engine.infer(make_feeds(1))


def check_a_context_that_cannot_be_left() -> None:
    import threading

    engine = make_engine()
    assert_right(engine, make_feeds(1))

    def work() -> None:
        fail("pop", 1, LAUNCH_FAILED)
        engine.infer(make_feeds(1))

    # Unless pycuda forgets the context it aborts the process when this thread ends.
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    with refused("unspecified launch failure", "started again"):
        engine.infer(make_feeds(1))


def check_the_gpu_cannot_be_had() -> None:
    fake.load_stand_in()
    fail("retain", 1, OUT_OF_MEMORY)
    with refused("cuda:0 (Stand-in 0, sm_90) cannot be used", "out of memory"):
        make_engine()
    make_engine()
    fail("push", 1, INVALID_VALUE)
    with refused("cuda:0", "invalid argument"):
        make_engine()


def check_manifest_of_another_network() -> None:
    folder = Path(tempfile.mkdtemp())
    path, manifest = write_plan(folder)
    with refused(str(path), "SHA-256"):
        _load(path, replace(manifest, sha256="1" * 64))
