"""Random people with neighbours, for the tests of the synthetic errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from steadypose.skeletons import COCO19

K = len(COCO19)


def scene(seed: int, others: int, spread: float = 200.0, labels: float = 0.8) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "truth": rng.uniform(0, spread, (K, 2)).astype(np.float32),
        "labelled": rng.random(K) < labels,
        "area": float(rng.uniform(500, 40_000)),
        "neighbours": rng.uniform(-spread / 2, 1.5 * spread, (others, K, 2)).astype(np.float32),
        "neighbours_labelled": rng.random((others, K)) < labels,
    }
