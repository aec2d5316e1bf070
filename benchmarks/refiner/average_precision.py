"""COCO keypoint AP, pycocotools' own, and on resampled pictures."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.resampling import Interval
from steadypose.errors import EngineError
from steadypose.skeletons import COCO17

Floats = NDArray[np.float64]
Joints = NDArray[np.float32]
_COUNTED = 0.1
_NOTHING = 0.01

ScoreRule = Callable[[Joints, Joints], Floats]
"""A person's score ``(P,)`` from refined and base joints ``(P, 19, 3)``."""


def base_score(joints: Joints) -> Floats:
    """Mean of the joint scores above 0.1, as ``bench accuracy`` scores base estimators."""
    scores = joints[:, : len(COCO17), 2].astype(np.float64)
    counted = scores > _COUNTED
    mean = np.where(counted, scores, 0).sum(1) / np.maximum(counted.sum(1), 1)
    return np.where(counted.any(1), mean, _NOTHING)


def _mean(refined: Joints) -> Floats:
    return np.asarray(refined[:, : len(COCO17), 2].mean(1), np.float64)


def _weighted_mean(refined: Joints) -> Floats:
    """Mean of the probabilities, each weighted by itself: what cannot be seen counts little.

    OKS counts labelled joints alone, and what is hidden or outside the picture has hardly a label.
    """
    scores = refined[:, : len(COCO17), 2].astype(np.float64)
    total = scores.sum(1)
    return np.where(total > 0, (scores**2).sum(1) / np.maximum(total, 1e-9), 0.0)


SCORE_RULES: dict[str, ScoreRule] = {
    "mean": lambda refined, _: _mean(refined),
    "mean of those above 0.1": lambda refined, _: base_score(refined),
    "mean, each weighted by itself": lambda refined, _: _weighted_mean(refined),
    "mean x base's": lambda refined, base: _mean(refined) * base_score(base),
    "base's": lambda _, base: base_score(base),
}
"""How a refined person is scored; which of them is chosen on the validation split."""

BASE_RULES = ("mean", "mean of those above 0.1", "mean, each weighted by itself")
"""Those of them by which a base estimator's people can be scored; chosen likewise."""


class Truth:
    """A COCO annotation file. Raises EngineError where pycocotools is missing."""

    def __init__(self, path: Path) -> None:
        try:
            from pycocotools.coco import COCO
        except ImportError as error:
            raise EngineError(
                f"AP needs pycocotools ({error}); run: pip install pycocotools"
            ) from error
        with _quiet():
            self.coco = COCO(str(path))


class Evaluation:
    """The matches of results on some pictures, to be summed up over any choice of them.

    Args:
        truth: The annotations.
        image_ids: Pictures evaluated.
        results: COCO results.
    """

    def __init__(
        self, truth: Truth, image_ids: Sequence[int], results: Sequence[dict[str, Any]]
    ) -> None:
        from pycocotools.cocoeval import COCOeval

        self._ids = sorted(set(image_ids))
        self._evaluation = None
        if not results:  # pycocotools cannot load an empty list
            return
        with _quiet():
            found = truth.coco.loadRes(list(results))
            evaluation = COCOeval(truth.coco, found, "keypoints")
            evaluation.params.imgIds = list(self._ids)
            evaluation.params.areaRng = evaluation.params.areaRng[:1]
            evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
            evaluation.evaluate()
        self._evaluation, self._images = evaluation, list(evaluation.evalImgs)

    def __len__(self) -> int:
        return len(self._ids)

    def ap(self, picks: NDArray[np.intp] | None = None) -> float:
        """AP in percent over the pictures, or over ``picks`` ``(N,)`` rows of their sorted ids."""
        evaluation = self._evaluation
        if evaluation is None:
            return 0.0
        chosen = np.arange(len(self)) if picks is None else picks
        evaluation.evalImgs = [self._images[i] for i in chosen]
        ids = [self._ids[i] for i in chosen]
        evaluation.params.imgIds = evaluation._paramsEval.imgIds = ids
        with _quiet():
            evaluation.accumulate()
        precision = evaluation.eval["precision"]
        known = precision[precision > -1]
        return 100 * float(known.mean()) if known.size else float("nan")


class Compared:
    """AP of results side by side, with paired resamples over pictures.

    Args:
        evaluations: Each on the same pictures; those of one list are averaged.
        times: How many resamples.
        seed: Of the draws.
    """

    def __init__(self, evaluations: Sequence[Sequence[Evaluation]], times: int, seed: int) -> None:
        count = len(evaluations[0][0])
        picks = np.random.default_rng(seed).integers(0, count, (times, count))
        self.values = np.array([_average(side, None) for side in evaluations])
        self.draws = np.array([[_average(side, row) for row in picks] for side in evaluations])

    def side(self, which: int) -> Interval:
        """AP of one side."""
        return Interval.of(self.values[which], self.draws[which])

    def difference(self, after: int, before: int) -> Interval:
        """AP of one side less another's."""
        return Interval.of(
            self.values[after] - self.values[before], self.draws[after] - self.draws[before]
        )


def _average(side: Sequence[Evaluation], picks: NDArray[np.intp] | None) -> float:
    return float(np.mean([evaluation.ap(picks) for evaluation in side]))


def coco_results(image_ids: Sequence[int], joints: Joints, scores: Floats) -> list[dict[str, Any]]:
    """COCO results of people ``(P, 19, 3)`` with scores ``(P,)``."""
    kept = joints[:, : len(COCO17)].astype(float)
    return [
        {
            "image_id": int(image_id),
            "category_id": 1,
            "keypoints": person.reshape(-1).tolist(),
            "score": float(score),
        }
        for image_id, person, score in zip(image_ids, kept, scores, strict=True)
    ]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()):
        yield
