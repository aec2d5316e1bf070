"""Batches made ahead of the loop, in the order of their numbers. Workers do not load torch."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeAlias

import cv2

from steadypose.engines.refiner.data.records import Batch
from steadypose.errors import EngineError

BatchMaker: TypeAlias = Callable[[int], Batch]
"""Batch number n (0, 1, ...). The same number gives the same batch, in any process: that is what
lets a run go on exactly after a stop. Must be picklable where workers are used."""

_AHEAD = 3

_maker: BatchMaker | None = None  # of a worker process, set once when it starts


def batches(make: BatchMaker, first: int, last: int, workers: int) -> Generator[Batch]:
    """Batches ``first`` to ``last - 1``.

    Args:
        make: Makes a batch from its number.
        first: Number of the first batch.
        last: Number after the last batch.
        workers: Processes that make them ahead; 0 makes each when it is asked for.

    Raises:
        EngineError: A worker process died.
    """
    if workers == 0:
        yield from (make(number) for number in range(first, last))
        return
    # A fresh interpreter: torch's threads do not survive a fork.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (make,))
    waiting: deque[Future[Batch]] = deque()
    try:
        for number in range(first, last):
            while len(waiting) < _AHEAD * workers and number + len(waiting) < last:
                waiting.append(pool.submit(_make, number + len(waiting)))
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise EngineError(
            "a process that makes batches died, perhaps for want of memory; "
            "set fewer machine.workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker(make: BatchMaker) -> None:
    global _maker
    _maker = make
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the loop ends its workers itself
    cv2.setNumThreads(1)


def _make(number: int) -> Batch:
    assert _maker is not None  # noqa: S101 - set by the pool's initialiser
    return _maker(number)
