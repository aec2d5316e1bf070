"""pycuda's memory on the stand-in, without an engine."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np

from steadypose.engines.tensorrt.device import find_gpu
from steadypose.engines.tensorrt.memory import DeviceMemory, open_memory
from steadypose.errors import EngineError
from tests.engines.tensorrt.standin import fake_tensorrt as fake
from tests.engines.tensorrt.standin.making import assert_nothing_held, count, fail, refused

SIZE = 5000


def _open() -> DeviceMemory:
    fake.load_stand_in()
    return open_memory(find_gpu("cuda"))


def check_copies_there_and_back() -> None:
    memory = _open()
    assert memory.name.startswith("pycuda 2")
    wanted = np.random.default_rng(0).integers(0, 256, SIZE, np.uint8)
    with memory.active():
        source, target = memory.page_locked(SIZE), memory.page_locked(SIZE)
        device, stream = memory.buffer(SIZE), memory.stream()
        assert (device.nbytes, device.address % 256) == (SIZE, 0)
        source.array[:] = wanted
        target.array[:] = 0
        memory.upload(device, source, SIZE, stream)
        memory.download(target, device, 100, stream)
        assert not target.array.any()  # nothing is done before somebody waits
        stream.synchronise()
        np.testing.assert_array_equal(target.array[:100], wanted[:100])
        assert not target.array[100:].any()
    assert count("pageable") == 0
    for thing in (source, device, target, stream):
        thing.close()
    assert_nothing_held()


def check_streams_do_not_wait_for_each_other() -> None:
    memory = _open()
    with memory.active():
        host = [memory.page_locked(8) for _ in range(2)]
        device = [memory.buffer(8) for _ in range(2)]
        streams = [memory.stream() for _ in range(2)]
        for number in range(2):
            host[number].array[:] = number + 1
            memory.upload(device[number], host[number], 8, streams[number])
            memory.download(host[number], device[number], 8, streams[number])
        streams[1].synchronise()
        assert fake.cuda.cuStreamQuery(ctypes.c_void_p(streams[0].handle)) == 600
        streams[0].synchronise()


def check_events_take_the_time() -> None:
    memory = _open()
    with memory.active():
        stream, start, end = memory.stream(), memory.event(), memory.event()
        host, device = memory.page_locked(SIZE), memory.buffer(SIZE)
        start.record(stream)
        memory.upload(device, host, SIZE, stream)
        end.record(stream)
        assert end.elapsed_ms(start) > 0


def check_graphs_replay_what_was_recorded() -> None:
    memory = _open()
    with memory.active():
        stream, host, device = memory.stream(), memory.page_locked(8), memory.buffer(8)
        back = memory.page_locked(8)

        def work() -> None:
            memory.upload(device, host, 8, stream)
            memory.download(back, device, 8, stream)

        graph = memory.record(stream, work)
        assert graph is not None
        stream.synchronise()
        assert not (back.array == host.array).all() or back.array[0] == 0xA5
        for number in (3, 4):
            host.array[:] = number
            graph.launch(stream)
            stream.synchronise()
            assert (back.array == number).all()
    assert (count("captures"), count("launches"), count("graphs")) == (1, 2, 0)
    graph.close()
    graph.close()
    assert count("executables") == 0


def check_what_cannot_be_recorded() -> None:
    memory = _open()

    def refuse() -> None:
        raise EngineError("not now")

    with memory.active():
        stream = memory.stream()
        for work in (lambda: memory.buffer(10), stream.synchronise, refuse):
            graph: Any = memory.record(stream, _quietly(work))
            assert graph is None, work
        assert memory.record(stream, lambda: None) is not None
        assert memory.lost is None
    assert count("graphs") == 0


def _quietly(work: Any) -> Any:
    def run() -> None:
        try:
            work()
        except EngineError:
            raise
        except Exception as error:
            raise EngineError(str(error)) from error

    return run


def check_every_thread_gets_the_context() -> None:
    memory = _open()
    with memory.active(), memory.active():
        assert fake.cuda.standin_depth() == 1  # pycuda keeps the deeper ones itself
        memory.buffer(10).close()
    assert fake.cuda.standin_depth() == 0
    found: list[Any] = []

    def work() -> None:
        with memory.active():
            found.append(memory.buffer(10))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    found.clear()  # freed here, not where they were made
    assert_nothing_held()
    assert count("retained") == 1


def check_a_context_of_the_users_own_comes_back() -> None:
    import pycuda.driver as driver

    memory = _open()
    own = driver.Device(0).retain_primary_context()
    own.push()
    with memory.active():
        memory.buffer(10).close()
    assert driver.Context.get_current() == own
    driver.Context.pop()
    own.detach()
    assert memory.lost is None
    with memory.active():
        memory.buffer(10).close()


def check_errors_inside_are_one_line_and_the_context_is_left() -> None:
    memory = _open()
    for site, call in (
        ("alloc", lambda: memory.buffer(10)),
        ("pin", lambda: memory.page_locked(10)),
        ("stream", memory.stream),
    ):
        fail(site, 1, 1)
        with refused("cuda:0 (Stand-in 0, sm_90)", "invalid argument"), memory.active():
            call()
        assert fake.cuda.standin_depth() == 0
    with refused("my own"), memory.active():
        raise EngineError("my own")
    try:
        with memory.active(), memory.active():
            raise KeyError("mine")
    except KeyError:
        pass
    assert fake.cuda.standin_depth() == 0
    with memory.active():
        memory.buffer(10).close()


def check_the_second_gpu() -> None:
    fake.load_stand_in()
    first, second = (open_memory(find_gpu(name)) for name in ("cuda:0", "cuda:1"))
    assert first is not second
    assert open_memory(find_gpu("cuda:1")) is second
    device = ctypes.c_int()
    for number, memory in enumerate((first, second)):
        with memory.active():
            assert fake.cuda.cuCtxGetDevice(ctypes.byref(device)) == 0
            assert device.value == number
            with first.active():
                fake.cuda.cuCtxGetDevice(ctypes.byref(device))
                assert device.value == 0
            fake.cuda.cuCtxGetDevice(ctypes.byref(device))
            assert device.value == number
    with second.active():
        buffer = second.buffer(10)
    with first.active():
        buffer.close()  # of the other GPU than the active one
    assert count("device_blocks") == 0
