"""TensorRT for RTX on the stand-in: it records for itself, and its kernels are kept."""

from __future__ import annotations

import tempfile
from pathlib import Path

from steadypose.engines.tensorrt.device import find_gpu
from steadypose.engines.tensorrt.engine import TensorRtEngine
from tests.engines.tensorrt.standin import fake_tensorrt as fake
from tests.engines.tensorrt.standin.making import (
    assert_nothing_held,
    assert_right,
    count,
    flavour_of,
    make_feeds,
    write_plan,
)

VERSION = "tensorrt_rtx 1.7.1.116"


def check_its_own_graphs() -> None:
    fake.load_stand_in()
    plan, manifest = write_plan(Path(tempfile.mkdtemp()), VERSION)
    flavour = flavour_of(VERSION)
    strategy = flavour.module.CudaGraphStrategy
    for graphs, wanted in ((8, strategy.WHOLE_GRAPH_CAPTURE), (0, None)):
        engine = TensorRtEngine(plan, manifest, find_gpu(), flavour, graphs=graphs)
        for seed in range(4):
            assert_right(engine, make_feeds(3, seed=seed))
        assert engine._plan._config.cuda_graph_strategy == wanted
        assert fake.alive["contexts"] == (2 if graphs else 1)
        engine.close()
    assert count("captures") == 0
    assert_nothing_held()


def check_kernels_are_kept_beside_the_engine() -> None:
    fake.load_stand_in()
    folder = Path(tempfile.mkdtemp())
    plan, manifest = write_plan(folder, VERSION)
    kept = plan.with_suffix(".kernels")
    compiled = []
    for content in (None, None, b"of another version", b""):
        if content is not None:
            kept.write_bytes(content)
        engine = TensorRtEngine(plan, manifest, find_gpu(), flavour_of(VERSION))
        for rows in (1, 2):
            assert_right(engine, make_feeds(rows))
        cache = engine._plan._config.cache
        engine.close()
        compiled.append(cache.compiled)
        assert kept.read_bytes().startswith(b"kernels ")
        assert sorted(path.suffix for path in folder.iterdir()) == [".kernels", ".plan"]
    assert compiled == [2, 0, 2, 2]


def check_kernels_that_others_may_have_written_are_compiled_again() -> None:
    fake.load_stand_in()
    plan, manifest = write_plan(Path(tempfile.mkdtemp()), VERSION)
    kept = plan.with_suffix(".kernels")
    for compiled in (1, 0, 1):
        engine = TensorRtEngine(plan, manifest, find_gpu(), flavour_of(VERSION))
        assert_right(engine, make_feeds(1))
        cache = engine._plan._config.cache
        engine.close()
        assert cache.compiled == compiled
        if not compiled:
            kept.chmod(0o666)


def check_a_folder_that_cannot_be_written() -> None:
    fake.load_stand_in()
    plan, manifest = write_plan(Path(tempfile.mkdtemp()), VERSION)
    plan.with_suffix(".kernels").mkdir()
    engine = TensorRtEngine(plan, manifest, find_gpu(), flavour_of(VERSION))
    assert_right(engine, make_feeds(1))
    engine.close()
    assert_nothing_held()
