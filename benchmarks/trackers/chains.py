"""Random processes in continuous time, sampled at the frames of a video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def lasting(
    rng: np.random.Generator, steps_s: Floats, memory_s: float, shape: tuple[int, ...]
) -> Floats:
    """Standard normal noise ``(F, *shape)`` that forgets itself over time (Ornstein-Uhlenbeck).

    Args:
        rng: Source of chance.
        steps_s: ``(F,)`` seconds since the value before; the first is not read.
        memory_s: Time in which the correlation falls to 1/e, seconds.
        shape: Of each value.
    """
    noise = rng.standard_normal((len(steps_s), *shape))
    keep = np.exp(-steps_s / memory_s)
    for i in range(1, len(noise)):
        noise[i] = keep[i] * noise[i - 1] + np.sqrt(1 - keep[i] ** 2) * noise[i]
    return noise


def spells(
    rng: np.random.Generator, steps_s: Floats, begin_rate: Floats, end_rate: Floats
) -> NDArray[np.bool_]:
    """``(F,)`` whether a spell is on: it begins and ends at the rates (1/s) ``(F,)`` of its time.

    Args:
        rng: Source of chance.
        steps_s: ``(F,)`` seconds since the frame before.
        begin_rate: ``(F,)`` how often one begins, at each frame.
        end_rate: ``(F,)`` how often one ends.
    """
    chance = rng.random(len(steps_s))
    on, found = False, np.zeros(len(steps_s), bool)
    for i, step in enumerate(steps_s):
        rate = end_rate[i] if on else begin_rate[i]
        if chance[i] < 1 - np.exp(-rate * step):
            on = not on
        found[i] = on
    return found
