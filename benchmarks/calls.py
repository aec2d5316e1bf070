"""Calls of a room's networks, noted while other code makes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np

from steadypose.engines.pixels import DeviceEngine, Pixels
from steadypose.engines.runtimes import Engine
from steadypose.engines.runtimes.base import Array
from steadypose.stream.engine_room import EngineRoom


@dataclass(frozen=True, kw_only=True, eq=False)
class Call:
    """One batch that went through a network.

    Attributes:
        stage: ``detect``, ``estimate`` or ``refine``.
        engine: The network.
        shape: Of its picture input, ``(N, H, W, 3)`` or ``(N, 3, H, W)``.
        seconds: From array to array; where the engine makes the pictures, that too.
        feeds: Copies of all inputs, where they were to be kept.
    """

    stage: str
    engine: Engine
    shape: tuple[int, ...]
    seconds: float
    feeds: Mapping[str, Array] = field(default_factory=dict)


def networks(room: EngineRoom) -> dict[str, tuple[Engine, ...]]:
    """The networks of each stage."""
    found = {"detect": room.detector.engines, "estimate": (room.estimator.network.engine,)}
    return {**found, "refine": (room.refiner.engine,)} if room.refiner else found


@contextmanager
def noted(room: EngineRoom, *, keep: bool = False) -> Iterator[list[Call]]:
    """Yield a list to which every call of a network is added while the block runs.

    Args:
        room: The networks.
        keep: Also keep what goes in, to do the same calls again; where a GPU makes the pictures,
            there is nothing to keep.
    """
    calls: list[Call] = []
    with ExitStack() as stack:
        for stage, engines in networks(room).items():
            for engine in engines:
                name = "infer_pixels" if isinstance(engine, DeviceEngine) else "infer"
                way = getattr(engine, name)
                noting = _noting(calls, stage, engine, way, keep)
                stack.enter_context(patch.object(engine, name, noting))
        yield calls


def _noting(
    calls: list[Call], stage: str, engine: Engine, way: Callable[..., Any], keep: bool
) -> Callable[..., Any]:
    def infer(*inputs: Any) -> Any:
        started = time.perf_counter()
        found = way(*inputs)
        seconds = time.perf_counter() - started
        on_host = len(inputs) == 1
        shape = _picture(inputs[0]) if on_host else _described(inputs[1])
        kept = {k: np.array(v) for k, v in inputs[0].items()} if keep and on_host else {}
        call = Call(stage=stage, engine=engine, shape=shape, seconds=seconds, feeds=kept)
        calls.append(call)
        return found

    return infer


def _picture(feeds: Mapping[str, Array]) -> tuple[int, ...]:
    """Shape of the input that is a batch of pictures: the largest."""
    return max((value.shape for value in feeds.values()), key=lambda s: int(np.prod(s)))


def _described(pixels: Pixels) -> tuple[int, ...]:
    return pixels.source.shape
