"""Freeing on the stand-in: in any order, from any thread, at the end; and nothing leaks."""

from __future__ import annotations

import gc
import os
import threading
import time
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.engines.tensorrt.device import find_gpu
from steadypose.engines.tensorrt.engine import TensorRtEngine
from steadypose.engines.tensorrt.memory import open_memory
from steadypose.errors import EngineError
from tests.engines.tensorrt.standin import fake_tensorrt as fake
from tests.engines.tensorrt.standin.making import (
    MOST,
    assert_nothing_held,
    assert_right,
    count,
    counts,
    make_engine,
    make_feeds,
    refused,
    wait_until,
)

BATCHES = 10_000
MOST_GROWTH_BYTES = 2 << 20


def check_ten_thousand_batches_take_nothing() -> None:
    engine = make_engine()
    feeds = [make_feeds(rows, (16, 16), seed=rows) for rows in (MOST, 1, 5)]
    for one in feeds * 40:
        assert_right(engine, one)
    names = ("device_bytes", "device_blocks", "pinned_bytes", "pinned_blocks", "streams", "events")
    held = (*names, "graphs", "executables", "allocations", "pins", "captures")
    gc.collect()
    before, resident = counts(*held), _resident_bytes()
    for i in range(BATCHES):
        engine.infer(feeds[i % len(feeds)])
    gc.collect()
    assert counts(*held) == before
    growth = _resident_bytes() - resident
    assert growth < MOST_GROWTH_BYTES, f"{growth} bytes"
    assert_right(engine, feeds[0])


def check_engines_come_and_go() -> None:
    for i in range(60):
        engine = make_engine()
        for seed in range(3):
            assert_right(engine, make_feeds(1 + i % 3, seed=seed))
        if i % 2:
            engine.close()
        del engine
        assert_nothing_held()
        assert fake.alive == {"runtimes": 0, "engines": 0, "contexts": 0}
    assert count("retained") == 1


def check_threads_come_and_go() -> None:
    engine = make_engine()
    for i in range(30):
        thread = threading.Thread(
            target=lambda: [assert_right(engine, make_feeds(2)) for _ in "123"]
        )
        thread.start()
        thread.join()
        wait_until(lambda: count("streams") == 0)
        assert_nothing_held()
        if i == 20:
            fresh = _resident_bytes()
    assert _resident_bytes() - fresh < MOST_GROWTH_BYTES


def check_every_order_of_closing() -> None:
    """Engines, and a buffer, page-locked memory, a stream, an event and a graph beside them."""
    memory = open_memory(find_gpu("cuda"))
    for number, order in enumerate(permutations(range(6), 6)):
        if number % 4:  # a quarter of the 720, spread over all first and last ones
            continue
        with memory.active():
            stream = memory.stream()
            graph = memory.record(stream, lambda: None)
            assert graph is not None
            things: list[Any] = [
                memory.buffer(1000),
                memory.page_locked(1000),
                stream,
                memory.event(),
                graph,
            ]
        engine = make_engine()
        assert_right(engine, make_feeds(1))
        things.append(engine)
        del engine, stream, graph
        for i in order:
            if number % 8:
                things[i].close()
                things[i].close()
            things[i] = None  # or dropped alone
        assert_nothing_held()
    assert fake.alive == {"runtimes": 0, "engines": 0, "contexts": 0}


def check_parts_of_an_engine_in_every_order() -> None:
    for order in permutations(range(4)):
        engine = make_engine()
        for seed in range(3):
            assert_right(engine, make_feeds(2, seed=seed))
        lane = engine._lane()
        step = next(iter(lane._steps.values()))
        closings = [engine.close, lane.close, step.close, engine._lanes.clear]
        for i in order:
            closings[i]()
        del closings, lane, step
        with refused("closed"):
            engine.infer(make_feeds(2))
        del engine
        assert_nothing_held()


def check_closing_from_another_thread_waits_for_the_batch() -> None:
    engine = make_engine()
    assert_right(engine, make_feeds(1))
    ended: list[str] = []
    started = threading.Event()

    def work() -> None:
        started.set()
        try:
            for seed in range(10**6):
                assert_right(engine, make_feeds(2, seed=seed % 5))
        except Exception as error:
            ended.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    started.wait()
    time.sleep(0.05)
    closers = [threading.Thread(target=engine.close) for _ in range(2)]
    for thread in closers:
        thread.start()
    for thread in threads + closers:
        thread.join()
    assert ended == ["refiner-tiny: the engine is closed"] * 3, ended
    engine.close()
    assert_nothing_held()


def check_freed_by_the_garbage_collector_in_another_thread() -> None:
    class Ring:
        def __init__(self, engine: TensorRtEngine) -> None:
            self.engine, self.self = engine, self

    gc.disable()
    ring = Ring(make_engine())
    assert_right(ring.engine, make_feeds(1))
    del ring
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread.join()
    assert_nothing_held()


def check_freed_while_a_graph_is_recorded() -> None:
    """The garbage collector may come at any time; freeing then would spoil the recording."""
    engine, other = make_engine(), make_engine()
    assert_right(other, make_feeds(1))
    assert_right(engine, make_feeds(2))
    enqueue = type(engine._lane())._enqueue
    left = [other]
    del other

    def enqueue_and_drop(*arguments: Any) -> None:
        if fake.cuda.standin_recording():
            left.clear()
            gc.collect()
        enqueue(*arguments)

    type(engine._lane())._enqueue = enqueue_and_drop  # type: ignore[method-assign]
    assert_right(engine, make_feeds(2))
    assert not left
    assert count("executables") == 1
    assert count("streams") == 1
    assert_right(engine, make_feeds(2))
    engine.close()
    assert_nothing_held()


def check_an_exception_from_outside_leaves_no_work_behind() -> None:
    engine = make_engine()
    for seed in range(3):
        assert_right(engine, make_feeds(2, seed=seed))

    class Interrupting:
        shape = (2, 32, 32, 3)
        table = np.zeros(2, np.uint8)

        def make(self, *_arguments: Any) -> None:
            raise KeyboardInterrupt

    others = {k: v for k, v in make_feeds(2).items() if k != "image"}
    try:
        engine.run(others, {"image": Interrupting()})
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("swallowed")
    assert_nothing_held()
    assert_right(engine, make_feeds(2))


_kept: list[Any] = []


def ending_with_all_open() -> None:
    """Engines, threads' lanes and buffers are left to the end of the program."""
    _kept.extend(make_engine(version) for version in ("tensorrt 8.6.1", "tensorrt_rtx 1.7.1.116"))
    for engine in _kept[:]:
        for seed in range(3):
            assert_right(engine, make_feeds(2, seed=seed))
    memory = open_memory(find_gpu("cuda"))
    with memory.active():
        _kept.extend((memory.buffer(10), memory.page_locked(10), memory.stream(), memory.event()))


def ending_with_a_thread_at_work() -> None:
    """A daemon thread, in the middle of its batches."""
    engine = make_engine()
    busy = threading.Event()

    def work() -> None:
        try:
            while True:
                assert_right(engine, make_feeds(2))
                busy.set()
        except EngineError as error:
            if "closed" not in str(error):
                raise

    threading.Thread(target=work, daemon=True).start()
    busy.wait()
    _kept.append(engine)


def ending_by_an_error() -> None:
    """A batch that fails is the last thing that happens."""
    engine = make_engine()
    assert_right(engine, make_feeds(1))
    _kept.append(engine)
    fake.cuda.standin_fail(b"kernel", 1, 719)
    engine.infer(make_feeds(1))


def ending_without_a_context_of_this_thread() -> None:
    """The GPU was opened by a thread that has ended."""
    thread = threading.Thread(target=lambda: _kept.append(make_engine()))
    thread.start()
    thread.join()
    assert_right(_kept[0], make_feeds(1))


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
