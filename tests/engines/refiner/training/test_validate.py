from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from .made_up import Spots

torch = pytest.importorskip("torch")


class Says(torch.nn.Module):
    """Gives the pose that it was told, whatever goes in."""

    def __init__(self, answers: np.ndarray) -> None:
        super().__init__()
        self.answers = torch.from_numpy(answers)

    def forward(self, image: object, pose: object, prior: object) -> object:
        return self.answers


@pytest.fixture
def batch() -> object:
    return Spots(0, size=4)(0)


def look(batch: object, answers: np.ndarray) -> dict[str, float]:
    from steadypose.engines.refiner.training.validate import figures, predict

    return figures(predict(Says(answers), [batch], torch.device("cpu")))


def answer(batch: object, *, off_heads: float = 0.0, score: float = 1.0) -> np.ndarray:
    found = np.full((len(batch), 19, 3), score, np.float32)
    found[..., :2] = batch.target
    found[..., 0] += off_heads * batch.unit[:, None]
    return found


def test_the_truth_is_perfect(batch: object) -> None:
    found = look(batch, answer(batch))
    assert (found["oks"], found["pck"], found["error"], found["harm"]) == (1, 1, 0, 0)
    assert found["mended"] == 1
    assert found["ece"] == pytest.approx(0)


@pytest.mark.parametrize(("off_heads", "pck"), [(0.49, 1.0), (0.51, 0.0)])
def test_a_joint_is_right_within_half_a_head(batch: object, off_heads: float, pck: float) -> None:
    found = look(batch, answer(batch, off_heads=off_heads))
    assert found["pck"] == pck
    assert found["error"] == pytest.approx(off_heads, abs=1e-3)
    assert found["harm"] == 1 - pck


def test_giving_the_input_back_changes_nothing_where_there_was_a_pose(batch: object) -> None:
    found = look(batch, batch.pose)
    assert found["error"] == pytest.approx(found["error_in"])
    assert found["harm"] == 0
    assert found["mended"] == 0


def test_missing_input_joints_are_wrong_and_have_no_error(batch: object) -> None:
    pose = batch.pose.copy()
    pose[..., 2] = 0
    found = look(replace(batch, pose=pose), answer(batch))
    assert (found["pck_in"], found["oks_in"]) == (0, 0)
    assert np.isnan(found["error_in"])
    assert found["mended"] == 1


def test_unlabelled_joints_and_absent_people_do_not_count(batch: object) -> None:
    found = answer(batch)
    found[~batch.labelled] = 1e6
    found[0] = (0, 0, 0.25)
    result = look(batch, found)
    assert result["pck"] == 1
    assert result["score_absent"] == pytest.approx(0.25)


def test_oks_by_hand(batch: object) -> None:
    from steadypose.skeletons import COCO19

    found = look(batch, answer(batch, off_heads=0.5))
    terms = np.exp(-(4.0**2) / (2 * 1500 * (2 * COCO19.sigmas) ** 2))
    on = batch.labelled[batch.present]
    expected = np.mean([terms[row].mean() for row in on])
    assert found["oks"] == pytest.approx(expected, abs=1e-4)
