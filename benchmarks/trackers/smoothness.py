"""Section ``smoothness``: what a smoother takes of the jitter, and how late it makes the motion.

People walk as simulated (so that the truth is known between frames too), and are observed with
jitter alone. *Lag* is the delay by which the shown motion fits the true one best; *acceleration
error* the mean distance between shown and true second differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.trackers.noise import Noise
from steadypose.benchmarks.trackers.rows import Row
from steadypose.benchmarks.trackers.walkers import walk
from steadypose.poses import Poses
from steadypose.skeletons import COCO17
from steadypose.trackers.observations import AREA_SHARE
from steadypose.trackers.smoothing import SmoothingSettings, make_smoother, smooth_all

Floats = NDArray[np.float64]

Curve = tuple[str, str, tuple[dict[str, float], ...]]
"""Name of a curve, kind of smoother, and the settings along it."""

CURVES: tuple[Curve, ...] = (
    ("off", "off", ({},)),
    ("one-euro (default)", "one-euro", ({},)),
    (
        "one-euro",
        "one-euro",
        tuple(
            {"min_cutoff_hz": cutoff, "beta": beta}
            for beta in (0.0, 2.0, 4.0, 8.0)
            for cutoff in (0.5, 1.0, 1.5, 3.0, 6.0)
        ),
    ),
    ("fixed-lag (default)", "fixed-lag", ({},)),
    (
        "fixed-lag",
        "fixed-lag",
        tuple(
            {"lag_s": lag, "acceleration": acceleration}
            for acceleration in (1.5, 3.0, 6.0)
            for lag in (0.0, 0.1, 0.2, 0.3, 0.5)
        ),
    ),
)
_PEOPLE, _HEIGHT = 6, 200.0
_LONGEST_LAG_S, _LAG_STEP_S = 0.3, 0.002


def measure(
    fps: float, seed: int, curves: Sequence[Curve] = CURVES, seconds: float = 16.0
) -> Iterator[Row]:
    """A row for each setting of each smoother: the curve of lag against acceleration error."""
    pts_s = np.arange(round(seconds * fps)) / fps
    motions, noisy = _people(pts_s, seed)
    for name, kind, curve in curves:
        for settings in curve:
            smoother = make_smoother(kind, SmoothingSettings(**settings))
            frames = list(zip(pts_s.tolist(), noisy, strict=True))
            shown = smooth_all(frames, smoother) if smoother else noisy
            points = np.stack([people.keypoints for people in shown]).astype(np.float64)
            waits = SmoothingSettings(**settings).lag_s if kind == "fixed-lag" else 0.0
            yield Row(
                section="smoothness",
                case=f"{fps:g} frames/s",
                name=name,
                values={**_figures(pts_s, points, motions), "waits ms": 1e3 * waits},
                settings=settings,
            )


def _people(pts_s: Floats, seed: int) -> tuple[list[Callable[[Floats], Floats]], list[Poses]]:
    """Each one's true joints as a function of time, and what is observed frame by frame."""
    rng = np.random.default_rng(seed)
    motions: list[Callable[[Floats], Floats]] = []
    for speed in np.linspace(0.0, 1.6, _PEOPLE):  # from one who stands still to one who runs
        phase = float(rng.uniform(0, 2 * np.pi))
        motions.append(
            lambda t, s=float(speed), p=phase: walk(t, _HEIGHT, s, p, 1.0)  # type: ignore[misc]
        )
    true = np.stack([motion(pts_s) for motion in motions], 1)
    half = np.array([0.3, 0.55]) * _HEIGHT
    middle = true.mean(2)
    boxes = np.concatenate([middle - half, middle + half], 2)
    size = float(np.sqrt(4 * half.prod()))
    spread = 2 * COCO17.sigmas[:, None] * np.sqrt(AREA_SHARE) * size
    seen = true + Noise().jitter * spread * rng.standard_normal(true.shape)
    ids = np.arange(1, _PEOPLE + 1)
    scores = np.full(true.shape[1:3], 0.8)
    return motions, [
        Poses.create(points, scores, box, track_ids=ids)
        for points, box in zip(seen, boxes, strict=True)
    ]


def _figures(
    pts_s: Floats, shown: Floats, motions: list[Callable[[Floats], Floats]]
) -> dict[str, float]:
    """Lag, acceleration error and error, from the second second on."""
    late = pts_s >= 1.0
    true = np.stack([motion(pts_s) for motion in motions], 1)
    dt_s = float(pts_s[1] - pts_s[0])
    error = np.linalg.norm((shown - true)[late], axis=-1)
    second = np.diff(shown[late], 2, axis=0) - np.diff(true[late], 2, axis=0)
    delays = np.arange(0, _LONGEST_LAG_S, _LAG_STEP_S)
    moving = range(1, len(motions))  # the first stands still and has no lag
    misfit = [
        np.mean([((shown[late][:, i] - motions[i](pts_s[late] - d)) ** 2).mean() for i in moving])
        for d in delays
    ]
    return {
        "lag ms": float(1e3 * delays[int(np.argmin(misfit))]),
        "acceleration error heights/s^2": float(
            np.linalg.norm(second, axis=-1).mean() / dt_s**2 / _HEIGHT
        ),
        "error % of height": float(100 * error.mean() / _HEIGHT),
        "standing still %": float(100 * error[:, 0].mean() / _HEIGHT),
    }
