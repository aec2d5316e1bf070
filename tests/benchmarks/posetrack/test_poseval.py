"""``official`` against what poseval printed for the same files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.evaluation import Evaluation
from steadypose.benchmarks.posetrack.formats import read_clips
from steadypose.benchmarks.posetrack.joints import row
from tests.benchmarks.posetrack.made_up import changed, crowd

ORDER = (8, 7, 5, 1, 2, 6, 4, 3)
"""The order in which poseval found the files; it decides between equal scores."""
KINDS = [f"{kind}{year}" for year in (17, 18) for kind in ("perfect", "swap", "noisy")]
NAMES = {"AP": "ap", "MOTA": "mota", "MOTP": "motp", "precision": "pre", "recall": "rec"}


def pairs(pack: Path, kind: str) -> list[tuple[Clip, Clip]]:
    files = [f"90000{n}_bonn_test.json" for n in ORDER]
    folders = (pack / f"pairs/gt{kind[-2:]}", pack / f"pairs/pred_{kind}")
    return [tuple(read_clips(folder / file)[0] for folder in folders) for file in files]


@pytest.mark.parametrize("kind", KINDS)
def test_equals_poseval(data_dir, kind):
    pack = data_dir / "poseval_pack"
    evaluation = Evaluation(("ap", "mota"), "official")
    for truth, found in pairs(pack, kind):
        evaluation.add(truth, found)
    for name, result in {**evaluation.clips, "total": evaluation.total()}.items():
        for part, file in ((result.ap, "AP"), (result.mota, "MOT")):
            expected = json.loads(
                (pack / f"expected/{kind}/{name}_{file}_metrics.json").read_text()
            )
            for metric, score in part.items():
                wanted = np.array(expected[NAMES[metric]])
                ours = np.append(score.joints, score.total)
                np.testing.assert_allclose(
                    ours, wanted, rtol=0, atol=1e-9, err_msg=f"{name} {metric}"
                )


def test_the_two_formats_agree(data_dir):
    pack = data_dir / "poseval_pack"
    for (t17, f17), (t18, f18) in zip(pairs(pack, "noisy17"), pairs(pack, "noisy18"), strict=True):
        for old, new in ((t17, t18), (f17, f18)):
            np.testing.assert_array_equal(old.persons.points, new.persons.points)
            np.testing.assert_array_equal(old.persons.track_ids, new.persons.track_ids)
            np.testing.assert_array_equal(old.images.ids, new.images.ids)
            assert old.images.files == new.images.files


def test_perturbed_mmpose_files(data_dir):
    evaluation = Evaluation(("ap",), "official")
    folder = data_dir / "mmpose_samples/posetrack18/annotations/val"
    for file in sorted(folder.glob("*.json")):
        (truth,) = read_clips(file)
        persons = truth.persons
        moved = replace(
            persons,
            points=persons.points * (0.98, 1.02),
            scores=np.where(persons.there, 0.8, np.nan),
        )
        evaluation.add(truth, changed(truth, moved))
    ap = evaluation.total().ap["AP"]
    printed = [73.5257, 68.8776, 72.6327, 76.0331, 60.9467, 59.0, 59.0, 67.5705]
    assert [round(value, 4) for value in row(ap.joints, ap.total)] == printed


def official(truth: Clip, found: Clip) -> dict[str, float]:
    evaluation = Evaluation(("ap", "mota"), "official")
    evaluation.add(truth, found)
    total = evaluation.total()
    return {
        name: score.total for part in (total.ap, total.mota) for name, score in part.items()
    } | {
        "MOTA": total.mota["MOTA"].total,
        "precision": total.mota["precision"].total,
        "recall": total.mota["recall"].total,
    }


def with_new_ids(truth: Clip, image: int) -> Clip:
    ids = truth.persons.track_ids.copy()
    ids[truth.persons.image == image] += 500
    return changed(truth, replace(truth.persons, track_ids=ids))


@pytest.mark.parametrize(
    ("image", "mota"), [(1, 50.0), (3, 75.0), (4, 100.0)], ids=["twice", "once", "last"]
)
def test_new_ids_on_one_frame_of_five(image, mota):
    truth = crowd(frames=5, people=14)
    assert official(truth, with_new_ids(truth, image))["MOTA"] == pytest.approx(mota)


@pytest.fixture
def samples(data_dir) -> list[Clip]:
    """Three public sequences of one frame, repeated to five, and AP of the truth as prediction."""
    folder = data_dir / "mmpose_samples/posetrack18/annotations/val"
    return [repeated(read_clips(file)[0], 5) for file in sorted(folder.glob("*.json"))]


def repeated(one: Clip, frames: int) -> Clip:
    persons = one.persons[np.tile(np.arange(len(one.persons)), frames)]
    persons = replace(persons, image=np.repeat(np.arange(frames), len(one.persons)))
    persons = replace(persons, scores=np.where(persons.there, 1.0, np.nan))
    return replace(one.take(np.zeros(frames, np.intp)), persons=persons)


def of_all(truths: list[Clip], founds: list[Clip]) -> dict[str, float]:
    evaluation = Evaluation(("ap", "mota"), "official")
    for truth, found in zip(truths, founds, strict=True):
        evaluation.add(truth, found)
    total = evaluation.total()
    return {"AP": total.ap["AP"].total} | {n: score.total for n, score in total.mota.items()}


def test_printed_experiments(samples):
    """What poseval printed for these files, changed in these ways."""
    same = of_all(samples, samples)
    assert [same[n] for n in ("AP", "MOTA", "precision", "recall")] == pytest.approx([100.0] * 4)
    assert round(same["MOTP"], 3) == 99.443
    for image, mota in ((1, 50.0), (3, 75.0), (4, 100.0)):
        assert of_all(samples, [with_new_ids(t, image) for t in samples])["MOTA"] == pytest.approx(
            mota
        )
    nobody = of_all(samples, [without(t, 99) for t in samples])
    assert [round(nobody[n], 1) for n in ("MOTA", "precision", "recall")] == [84.4, 92.2, 92.2]
    crowded = max(range(3), key=lambda n: len(samples[n].persons))
    few = [without(t, 10) if n == crowded else t for n, t in enumerate(samples)]
    assert round(of_all(samples, few)["MOTA"], 1) == 81.8


def three_crowds() -> list[Clip]:
    """Three clips of 5 frames with 1, 2 and 11 people."""
    return [replace(crowd(5, people), name=f"00000{people}_mpii_test") for people in (1, 2, 11)]


def of_three(founds: list[Clip]) -> tuple[float, float, float]:
    evaluation = Evaluation(("mota",), "official")
    for truth, found in zip(three_crowds(), founds, strict=True):
        evaluation.add(truth, found)
    mota = evaluation.total().mota
    return tuple(round(mota[n].total, 1) for n in ("MOTA", "precision", "recall"))


def without(truth: Clip, people: int, image: int = 1) -> Clip:
    """The last so many people of an image are not predicted."""
    persons = truth.persons
    rank = np.unique(persons.track_ids, return_inverse=True)[1]
    kept = rank < rank.max() + 1 - people
    return changed(truth, persons[(persons.image != image) | kept])


def test_a_frame_without_predictions_costs_less_than_one_with_few():
    """An empty frame counts as one miss and one false positive of each joint, whoever was there."""
    truths = three_crowds()
    nobody = of_three([without(t, 99) for t in truths])
    # 3 clips x (1 miss + 1 false positive); the dummy is what is left of the people of the frame.
    objects = 14 * 3 + 3
    assert nobody == (
        round(100 * (1 - 6 / objects), 1),
        round(100 * 42 / 45, 1),
        round(100 * 42 / 45, 1),
    )
    ten_of_eleven = of_three([*truths[:2], without(truths[2], 10)])
    assert ten_of_eleven[0] == round(100 * (1 - 10 / 56), 1)
    assert ten_of_eleven[0] < nobody[0]
