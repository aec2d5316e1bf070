"""Batches on the stand-in: results, copies, graphs, splitting."""

from __future__ import annotations

import gc
import threading
from itertools import product
from typing import Any

import numpy as np

from tests.engines.tensorrt.standin.making import (
    MOST,
    VERSIONS,
    assert_nothing_held,
    assert_right,
    count,
    counts,
    expected,
    make_engine,
    make_feeds,
    refused,
    wait_until,
)

SIZES = ((48, 64), (16, 16), (32, 32), (17, 33))


def check_every_version_gives_the_right_results() -> None:
    for version in VERSIONS:
        engine = make_engine(version)
        for round_number, rows in product(range(3), (1, 3, MOST, 2)):
            assert_right(engine, make_feeds(rows, seed=round_number))
        graphs = 0 if "rtx" in version else 4
        assert count("executables") == graphs, version
        assert engine.runtime == f"{version} fp16 sm_90"
        engine.close()
        assert_nothing_held()


def check_one_upload_and_one_download_a_batch() -> None:
    engine = make_engine()
    names = ("uploads", "downloads", "waits")
    for _ in range(3):  # in all shapes' context, in its own, as a graph
        before = counts(*names)
        assert_right(engine, make_feeds(5))
        assert [b - a for a, b in zip(before, counts(*names), strict=True)] == [1, 1, 1]
    # No more bytes than there are, each tensor rounded up to 256.
    before = count("upload_bytes"), count("download_bytes")
    feeds = make_feeds(2, (16, 16))
    results = assert_right(engine, feeds)
    up, down = count("upload_bytes") - before[0], count("download_bytes") - before[1]
    assert up == sum(-(-a.nbytes // 256) * 256 for a in feeds.values())
    assert down == sum(-(-a.nbytes // 256) * 256 for a in results.values())
    assert count("pageable") == 0


def check_a_graph_for_each_batch_and_size() -> None:
    engine = make_engine()
    shapes = list(product((MOST, 1, 2), SIZES))  # the largest first: buffers do not grow
    for seed in range(4):
        for rows, size in shapes:
            assert_right(engine, make_feeds(rows, size, seed))
    assert count("executables") == count("captures") == len(shapes)
    # The first run and the one that sets the graph's context up are not launches.
    assert count("launches") == 2 * len(shapes)


def check_graphs_are_bounded_and_the_oldest_goes() -> None:
    engine = make_engine(graphs=3)
    for seed, rows in product(range(3), range(1, MOST + 1)):
        assert_right(engine, make_feeds(rows, seed=seed))
        assert count("executables") <= 3
    assert count("executables") == 0  # none came twice before it was forgotten
    for rows in (1, 2, 3):
        for seed in range(3):
            assert_right(engine, make_feeds(rows, seed=seed))
    assert count("executables") == 3
    assert_right(engine, make_feeds(1))  # now used last
    for _ in range(2):
        assert_right(engine, make_feeds(4))
    launched = count("launches")
    assert_right(engine, make_feeds(1))
    assert count("launches") == launched + 1
    engine.close()
    assert_nothing_held()


def check_without_graphs() -> None:
    engine = make_engine(graphs=0)
    for seed, rows in product(range(3), (1, 4, 2)):
        assert_right(engine, make_feeds(rows, seed=seed))
    assert count("captures") == 0


def check_what_cannot_be_recorded_runs_without_a_graph() -> None:
    engine = make_engine(unrecordable=True)
    for seed in range(4):
        assert_right(engine, make_feeds(3, seed=seed))
    assert count("captures") == 1  # not tried again
    assert counts("graphs", "executables", "launches") == (0, 0, 0)


def check_nothing_is_allocated_after_the_largest_batch() -> None:
    engine = make_engine()
    assert_right(engine, make_feeds(MOST, (48, 64)))
    names = ("allocations", "pins", "device_bytes", "pinned_bytes", "streams")
    before = counts(*names)
    for seed, (rows, size) in product(range(3), product((MOST, 1, 3), SIZES)):
        assert_right(engine, make_feeds(rows, size, seed))
    assert counts(*names) == before


def check_buffers_grow_with_the_batch() -> None:
    engine = make_engine()
    for rows, size in ((1, (16, 16)), (2, (32, 32)), (MOST, (48, 64)), (1, (16, 16))):
        for seed in range(3):
            assert_right(engine, make_feeds(rows, size, seed))
    assert count("device_blocks") == 3  # activations, inputs, outputs
    assert count("freed_busy") == 0


def check_larger_batches_are_split_evenly() -> None:
    engine = make_engine()
    for rows, parts in ((MOST, 1), (MOST + 1, 2), (3 * MOST, 3), (3 * MOST + 5, 4)):
        before = count("uploads")
        assert_right(engine, make_feeds(rows))
        assert count("uploads") - before == parts
    smaller = make_engine(max_batch=3)
    assert smaller.max_batch == 3
    before = count("uploads")
    assert_right(smaller, make_feeds(7))
    assert count("uploads") - before == 3


def check_a_batch_of_none() -> None:
    engine = make_engine()
    for size in ((16, 16), (48, 64)):
        results = engine.infer(make_feeds(0, size))
        assert {k: v.shape for k, v in results.items()} == {
            "keypoints": (0, 19, 3),
            "score": (0, 1),
        }
        assert results["score"].dtype == np.float16
    assert count("kernels") == 0
    assert_right(engine, make_feeds(1))


def check_results_are_the_callers() -> None:
    engine = make_engine()
    feeds = [make_feeds(3, seed=seed) for seed in range(5)]
    results = [engine.infer(one) for one in feeds]
    for one, result in zip(feeds, results, strict=True):
        np.testing.assert_array_equal(result["keypoints"], expected(one)["keypoints"])
        result["keypoints"][:] = 0


def check_feeds_of_any_layout() -> None:
    engine = make_engine()
    feeds = make_feeds(4, (48, 48))
    turned = {
        "image": feeds["image"].transpose(0, 2, 1, 3)[:, ::-1],
        "pose": np.asfortranarray(feeds["pose"]),
        "prior": np.broadcast_to(feeds["prior"][:1], (4, 19, 3)),
    }
    for array in turned.values():
        assert not array.flags.c_contiguous
    for _ in range(3):
        results = engine.infer(turned)
        np.testing.assert_array_equal(results["keypoints"], expected(turned)["keypoints"])


def check_specifications() -> None:
    engine = make_engine()
    told = {n: (str(s.dtype), s.shape) for n, s in {**engine.inputs, **engine.outputs}.items()}
    assert told == {
        "image": ("uint8", (None, None, None, 3)),
        "pose": ("float32", (None, 19, 3)),
        "prior": ("float32", (None, 19, 3)),
        "keypoints": ("float32", (None, 19, 3)),
        "score": ("float16", (None, 1)),
    }
    assert (engine.name, str(engine.path)) == ("refiner-tiny", "/models/refiner-tiny.onnx")
    assert engine.max_batch == MOST


def check_a_fixed_network() -> None:
    engine = make_engine(
        inputs=[("x", "FLOAT", (2, 5), (2, 5), (2, 5))], outputs=[("y", "FLOAT", (2, 3))]
    )
    x = np.arange(10, dtype=np.float32).reshape(2, 5)
    for _ in range(3):
        y = engine.infer({"x": x})["y"]
        np.testing.assert_array_equal(y, x.sum(1)[:, None] % 2048 + np.arange(3))
    with refused("x", "(1, 5)", "(2, 5)"):
        engine.infer({"x": x[:1]})


class _Ramp:
    """Makes the network's image on the device: row i is full of i + offset."""

    def __init__(self, rows: int, offset: int) -> None:
        self.shape = (rows, 32, 32, 3)
        self.table = np.arange(offset, offset + rows, dtype=np.uint8)
        self.kept: list[Any] = []

    @property
    def image(self) -> Any:
        return np.broadcast_to(self.table[:, None, None, None], self.shape).copy()

    def make(self, target: int, table: int, memory: Any, stream: Any) -> None:
        import ctypes

        from tests.engines.tensorrt.standin import fake_tensorrt as fake

        def work(_argument: Any) -> int:
            rows = (ctypes.c_uint8 * len(self.table)).from_address(table)
            out = (ctypes.c_uint8 * int(np.prod(self.shape))).from_address(target)
            image = np.frombuffer(out, np.uint8).reshape(self.shape)
            image[:] = np.frombuffer(rows, np.uint8)[:, None, None, None]
            return 0

        self.kept.append(fake._KERNEL(work))
        assert fake.cuda.standin_launch(ctypes.c_void_p(stream.handle), self.kept[-1], None) == 0


def check_inputs_that_are_made_on_the_device() -> None:
    engine = make_engine()
    for rows, offset in ((2, 0), (2, 7), (2, 9), (MOST, 3), (2, 1)):
        feeds, ramp = make_feeds(rows), _Ramp(rows, offset)
        feeds["image"] = ramp.image
        others = {name: feeds[name] for name in ("pose", "prior")}
        before = counts("uploads", "upload_bytes")
        results = engine.run(others, {"image": ramp})
        np.testing.assert_array_equal(results["keypoints"], expected(feeds)["keypoints"])
        assert count("uploads") - before[0] == 1
        assert count("upload_bytes") - before[1] < feeds["image"].nbytes
        assert_right(engine, feeds)  # the same rows, fed
    with refused("refiner-tiny", "9", "8"):
        feeds = make_feeds(MOST + 1)
        engine.run({n: feeds[n] for n in ("pose", "prior")}, {"image": _Ramp(MOST + 1, 0)})


def check_many_threads_at_once() -> None:
    engine = make_engine()
    failures: list[BaseException] = []
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        try:
            barrier.wait()
            for i in range(25):
                assert_right(engine, make_feeds(1 + (number + i) % MOST, seed=number * 100 + i))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    wait_until(lambda: count("streams") == 0)  # each thread took its own with it
    gc.collect()
    assert_nothing_held()
    assert_right(engine, make_feeds(1))
    assert count("streams") == 1


def check_two_engines_in_one_thread() -> None:
    engines = [make_engine(), make_engine("tensorrt 8.6.1")]
    for seed, engine in product(range(4), engines):
        assert_right(engine, make_feeds(2, seed=seed))
    assert count("streams") == 2
    assert count("retained") == 1
