"""The observations that all trackers are given: videos x frame rates x repeats, by split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.trackers.footage import Footage, thinned
from steadypose.benchmarks.trackers.noise import Noise
from steadypose.benchmarks.trackers.simulation import simulate
from steadypose.benchmarks.trackers.truth import ANNOTATED_FPS, Truth, is_for_tuning


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenes:
    """Observed videos of one split at one frame rate, those of a video one after the other.

    Attributes:
        truths: What is true in each.
        observed: What is observed in each.
        groups: Number of the video of each, for resampling.
    """

    truths: Sequence[Truth]
    observed: Sequence[Footage]
    groups: NDArray[np.int64]

    @property
    def people(self) -> int:
        """True people, counted in each frame."""
        return sum(len(truth.footage.people) for truth in self.truths)


def step_of(fps: float) -> int:
    """Every how many annotated frames make about ``fps`` frames a second."""
    return max(1, round(ANNOTATED_FPS / fps))


def make_scenes(
    videos: Sequence[Truth], fps: float, repeats: int, noise: Noise, seed: int, *, tuning: bool
) -> Scenes:
    """Observe the videos of a split ``repeats`` times.

    A repeat has its own noise, and begins with another frame where frames are left out.

    Args:
        videos: The annotated videos of both splits.
        fps: Frames per second, of which the nearest whole step of the annotated rate is made.
        repeats: Times that each video is observed.
        noise: What goes wrong.
        seed: Of the chance.
        tuning: Which split.
    """
    truths, observed, groups = [], [], []
    chosen = [video for video in videos if is_for_tuning(video.footage.name) == tuning]
    step = step_of(fps)
    for group, video in enumerate(chosen):
        for repeat in range(repeats):
            truth = _thinned(video, step, repeat % step)
            truths.append(truth)
            observed.append(simulate(truth.footage, noise, seed, repeat))
            groups.append(group)
    return Scenes(truths=truths, observed=observed, groups=np.array(groups, np.int64))


def _thinned(video: Truth, step: int, first: int) -> Truth:
    kept = np.isin(video.footage.frame_of, np.arange(first, len(video.footage), step))
    return Truth(footage=thinned(video.footage, step, first), heads=video.heads[kept])
