from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steadypose.benchmarks.trackers.footage import person_boxes, thinned
from steadypose.benchmarks.trackers.truth import is_for_tuning, load_truth
from steadypose.errors import InputError
from steadypose.skeletons import POSETRACK15, POSETRACK17
from tests.benchmarks.trackers.made_up import (
    figures_of,
    posetrack17,
    posetrack18,
    video,
    write,
)


def test_both_forms_tell_the_same(tmp_path: Path) -> None:
    points = figures_of(3)
    write(tmp_path, new=posetrack18(points), old=posetrack17(points))
    new, old = load_truth(tmp_path)
    assert (new.footage.name, old.footage.name) == ("new", "old")
    assert new.footage.people.skeleton is POSETRACK17
    assert old.footage.people.skeleton is POSETRACK15
    assert new.footage.people.track_ids.tolist() == [1, 2] * 3
    order = [POSETRACK17.index(name) for name in POSETRACK15.keypoints]
    found = new.footage.people.keypoints[:, order]
    np.testing.assert_allclose(found, old.footage.people.keypoints, atol=1e-4)
    np.testing.assert_allclose(new.footage.people.boxes, old.footage.people.boxes, atol=1e-3)
    # PCKh: 0.6 of the diagonal of 30 x 40.
    np.testing.assert_allclose(new.heads, 30.0)
    np.testing.assert_allclose(old.heads, 30.0)
    np.testing.assert_allclose(new.footage.pts_s, [0, 0.04, 0.08])


def test_frames_that_are_not_labelled_are_left_out(tmp_path: Path) -> None:
    content = posetrack18(figures_of(4))
    content["images"][1]["is_labeled"] = False
    (truth,) = load_truth(write(tmp_path, a=content))
    assert np.diff(truth.footage.offsets).tolist() == [2, 2, 2]


def test_people_without_extent_are_left_out(tmp_path: Path) -> None:
    content = posetrack18(figures_of(2))
    content["annotations"][0]["keypoints"][3:] = [0] * 48
    content["annotations"][1]["keypoints"] = [0] * 51
    (truth,) = load_truth(write(tmp_path, a=content))
    assert np.diff(truth.footage.offsets).tolist() == [0, 2]


def broken(**changes: Any) -> dict[str, Any]:
    content = posetrack18(figures_of(1))
    content["annotations"][0].update(changes)
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(broken(keypoints=[1, 2]), "annotation 0: 'keypoints': expected 51", id="few"),
        pytest.param({"images": []}, "'annotations': expected a list", id="no list"),
        pytest.param({"annolist": 3}, "'annolist': expected a list", id="annolist"),
        pytest.param({"images": [], "annotations": []}, "no annotated people", id="nobody"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, content: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_truth(write(tmp_path, a=content))


def test_a_folder_without_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no PoseTrack annotations"):
        load_truth(tmp_path)


@pytest.mark.parametrize(
    ("name", "tuning"),
    [
        ("train_000003", True),
        ("annotations/train/000003_mpii", True),
        ("val/000342_mpii_test", False),
        ("test_000002", False),
    ],
)
def test_names_say_what_is_tuned_on(name: str, tuning: bool) -> None:
    assert is_for_tuning(name) == tuning


def test_other_names_are_parted_for_good() -> None:
    sides = [is_for_tuning(f"clip{n}") for n in range(200)]
    assert sides == [is_for_tuning(f"clip{n}") for n in range(200)]
    assert 70 < sum(sides) < 130


def test_fewer_frames_keep_their_times_and_people() -> None:
    whole = video(people=3, seconds=0.4).footage
    some = thinned(whole, 4, first=1)
    np.testing.assert_allclose(some.pts_s, whole.pts_s[[1, 5, 9]])
    frames = list(whole)
    for (_, people), number in zip(some, (1, 5, 9), strict=True):
        np.testing.assert_array_equal(people.keypoints, frames[number][1].keypoints)


def test_a_box_has_an_area_where_the_joints_have_an_extent() -> None:
    line = np.array([[[10.0, 0.0], [10.0, 100.0]]])
    np.testing.assert_allclose(person_boxes(line), [[5, -10, 15, 110]])
