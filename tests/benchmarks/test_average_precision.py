from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks.accuracy.run import CocoSet, evaluate
from steadypose.benchmarks.refiner.average_precision import (
    SCORE_RULES,
    Compared,
    Evaluation,
    Truth,
    base_score,
    coco_results,
)
from tests.benchmarks.made_up import for_pycocotools
from tests.engines.refiner.data.made_up import STANDING, write_coco

pytest.importorskip("pycocotools")

IDS = list(range(1, 9))


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    path, _ = write_coco(tmp_path, len(IDS))
    for_pycocotools(path)
    return path


def poses(away_px: np.ndarray) -> np.ndarray:
    joints = np.ones((len(away_px), 19, 3), np.float32)
    joints[..., :2] = STANDING + away_px[:, None, None]
    return joints


def evaluation(annotations: Path, away_px: list[float]) -> Evaluation:
    results = coco_results(IDS, poses(np.array(away_px)), np.linspace(1, 0.5, len(IDS)))
    return Evaluation(Truth(annotations), IDS, results)


def test_known_results(annotations: Path) -> None:
    assert evaluation(annotations, [0] * 8).ap() == pytest.approx(100)
    assert evaluation(annotations, [500] * 8).ap() == 0
    assert Evaluation(Truth(annotations), IDS, []).ap() == 0


def test_it_is_what_pycocotools_says(annotations: Path) -> None:
    away = [0.0, 1, 2, 3, 5, 8, 12, 500]
    results = coco_results(IDS, poses(np.array(away)), np.linspace(1, 0.5, len(IDS)))
    blank = np.zeros((40, 30, 3), np.uint8)
    data = CocoSet(path=annotations, images=dict.fromkeys(IDS, blank), boxes={})
    ap = evaluation(annotations, away).ap()
    assert 10 < ap < 90
    assert round(ap, 2) == evaluate(data, results)["AP"]


def test_resampled_pictures_count_as_often_as_drawn(annotations: Path) -> None:
    half = evaluation(annotations, [0] * 4 + [500] * 4)
    assert half.ap(np.array([0, 1, 1, 3, 3, 3, 0, 2])) == pytest.approx(100)
    assert half.ap(np.array([4, 5, 5, 6, 7, 7, 7, 7])) == 0
    three_quarters = half.ap(np.array([0, 0, 1, 1, 2, 3, 4, 5]))
    assert three_quarters == pytest.approx(75, abs=1)
    assert half.ap() == pytest.approx(50, abs=1)  # and nothing is left over from the draws


def test_the_difference_is_paired(annotations: Path) -> None:
    one = evaluation(annotations, [0, 2, 4, 6, 8, 10, 12, 500])
    same = evaluation(annotations, [0, 2, 4, 6, 8, 10, 12, 500])
    worse = evaluation(annotations, [500] * 8)
    compared = Compared([[one], [same], [worse], [one, worse]], times=50, seed=0)
    none = compared.difference(1, 0)
    assert (none.value, none.low, none.high) == (0, 0, 0)
    assert compared.side(0).low < compared.side(0).value < compared.side(0).high
    loss = compared.difference(2, 0)
    assert loss.high <= 0
    assert loss.value == -compared.side(0).value
    assert compared.side(3).value == pytest.approx(compared.side(0).value / 2)


def test_scores_of_people() -> None:
    base = np.zeros((2, 19, 3), np.float32)
    base[0, :4, 2] = (0.05, 0.2, 0.4, 0.6)
    base[:, 17:, 2] = 1  # head top and neck are not COCO's
    refined = base.copy()
    refined[0, :17, 2] = np.where(np.arange(17) < 10, 0.8, 0.2)
    assert base_score(base) == pytest.approx([0.4, 0.01])
    told = {name: rule(refined, base)[0] for name, rule in SCORE_RULES.items()}
    mean = (10 * 0.8 + 7 * 0.2) / 17
    assert told == pytest.approx(
        {
            "mean": mean,
            "mean of those above 0.1": mean,
            "mean, each weighted by itself": (10 * 0.64 + 7 * 0.04) / (10 * 0.8 + 7 * 0.2),
            "mean x base's": 0.4 * mean,
            "base's": 0.4,
        }
    )
    nobody = np.zeros((1, 19, 3), np.float32)
    assert SCORE_RULES["mean, each weighted by itself"](nobody, nobody) == 0
