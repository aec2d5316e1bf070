"""Where joints lie in a crop, and what is put before them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from steadypose.engines.crops import cut
from steadypose.engines.refiner.data.absence import empty_box, ghost
from steadypose.engines.refiner.data.covering import (
    COVERED_WEIGHT,
    CoverSettings,
    can_be_pasted,
    paste_person,
    paste_view,
    put_block,
)
from steadypose.engines.refiner.data.photometry import PhotometrySettings, change_pixels
from steadypose.engines.refiner.data.records import Person, Picture
from steadypose.engines.refiner.data.scene import Scene, scene_of
from steadypose.engines.refiner.data.views import (
    PADDING,
    View,
    ViewSettings,
    draw_view,
    plain_view,
)
from steadypose.errors import ConfigError
from steadypose.skeletons import COCO19
from tests.engines.refiner.data.made_up import joints_of, person, picture

SIZE = (256, 192)
LEFT, RIGHT = COCO19.index("left_wrist"), COCO19.index("right_wrist")


def dot_at(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Centre of brightness (x, y)."""
    light = image.max(2).astype(float)
    rows, columns = np.indices(light.shape)
    return np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()


@given(seed=st.integers(0, 2**32 - 1))
def test_a_dot_on_a_joint_is_where_the_joint_is_in_any_view(seed: int) -> None:
    someone = person((120, 20))
    image = np.zeros((240, 320, 3), np.uint8)
    x, y = someone.keypoints[LEFT].astype(int)
    cv2.circle(image, (int(x), int(y)), 3, (255, 255, 255), -1)
    view = draw_view(np.random.default_rng(seed), ViewSettings(), someone.box, SIZE)
    points = view.points(someone.keypoints)
    # Somebody's left hand is what a mirror image shows as a right hand.
    at = points[RIGHT if view.flipped else LEFT]
    if ((at > 12) & (at < np.array([SIZE[1], SIZE[0]]) - 12)).all():
        assert np.abs(dot_at(view.cut(image)) - at).max() < 0.6


def test_mirrored_views_rename_left_and_right_everywhere() -> None:
    settings = ViewSettings(flip=1, rotate=0, shift=0, zoom=(1, 1), truncate=0)
    teacher = joints_of(person().keypoints)
    teacher[LEFT, 2] = 0.3
    someone = person(unlabelled=("left_wrist",), estimates={"teacher": teacher})
    view = draw_view(np.random.default_rng(0), settings, someone.box, SIZE)
    new = scene_of(picture_without_file(someone), someone, np.zeros((240, 320, 3), np.uint8), view)
    assert view.flipped
    assert new.weight[LEFT] == 1
    assert new.weight[RIGHT] == 0
    assert not new.labelled[RIGHT]
    assert new.estimates["teacher"][RIGHT, 2] == pytest.approx(0.3)
    assert new.estimates["teacher"][LEFT, 2] == pytest.approx(0.9)
    assert np.allclose(new.estimates["teacher"][:, :2], new.target, atol=1e-3)
    left, right = new.target[[COCO19.index("left_hip"), COCO19.index("right_hip")]]
    assert left[0] > right[0], "who faces the camera has their left on the right, mirrored or not"


def picture_without_file(*persons: Person) -> Picture:
    return Picture(path=Path("none"), key="1", persons=persons, source="coco", group="1")


def test_the_plain_view_is_that_of_the_running_system() -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 255, (240, 320, 3)).astype(np.uint8)
    box = np.array([40, 10, 150, 230], np.float32)
    view, crops = plain_view(box, SIZE), cut([image], box[None], SIZE, PADDING)
    assert np.array_equal(view.cut(image), crops.images[0])
    points = view.points(person().keypoints)
    assert np.allclose(crops.to_frame(points[None])[0], person().keypoints, atol=1e-3)
    assert view.scale == pytest.approx(crops.scales[0])


@given(seed=st.integers(0, 2**32 - 1))
def test_truncation_cuts_the_person(seed: int) -> None:
    settings = ViewSettings(truncate=1, rotate=0, shift=0, zoom=(1, 1), truncation=(0.3, 0.3))
    someone = person()
    view = draw_view(np.random.default_rng(seed), settings, someone.box, SIZE)
    inside = view.inside(view.points(someone.keypoints))
    assert 0 < inside.sum() < len(inside)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: ViewSettings(flip=1.5), id="flip"),
        pytest.param(lambda: ViewSettings(zoom=(0, 1)), id="zoom"),
        pytest.param(lambda: ViewSettings(truncation=(0.5, 1.0)), id="truncation"),
        pytest.param(lambda: PhotometrySettings(jpeg=-0.1), id="jpeg"),
        pytest.param(lambda: CoverSettings(paste=2), id="paste"),
    ],
)
def test_settings_out_of_range_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        make()


@pytest.mark.parametrize("change", ["colour", "grey", "blur", "coarse", "noise", "jpeg"])
def test_each_change_of_pixels_changes_them_and_keeps_the_picture(change: str) -> None:
    rng = np.random.default_rng(1)
    image = cv2.resize(rng.integers(0, 255, (16, 12, 3)).astype(np.uint8), (192, 256))
    none = dict.fromkeys(["colour", "grey", "blur", "coarse", "noise", "jpeg"], 0.0)
    settings = PhotometrySettings(**(none | {change: 1.0}))
    changed = change_pixels(np.random.default_rng(5), settings, image)
    again = change_pixels(np.random.default_rng(5), settings, image)
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert np.array_equal(changed, again)
    assert not np.array_equal(changed, image)
    assert np.corrcoef(changed.ravel(), image.ravel())[0, 1] > 0.4
    same = change_pixels(np.random.default_rng(5), PhotometrySettings(**none), image)
    assert np.array_equal(same, image)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    someone = person()
    new = picture(tmp_path, "1", someone)
    view = plain_view(someone.box, SIZE)
    return scene_of(new, someone, np.full((240, 320, 3), 40, np.uint8), view)


def guest_view(scene: Scene, shift_px: float) -> View:
    """The guest of ``person()`` stands on the person, ``shift_px`` to the right."""
    view = plain_view(person().box, SIZE)
    matrix = view.matrix.copy()
    matrix[0, 2] += shift_px
    return replace(view, matrix=matrix)


WHITE = np.full((240, 320, 3), 255, np.uint8)


def test_a_guest_before_the_person_takes_weight_from_what_they_cover(scene: Scene) -> None:
    view = guest_view(scene, 45)
    pasted = paste_person(scene, person(), WHITE, view, behind=False, most=1.0)
    for row in range(len(scene.target)):
        x, y = np.rint(scene.target[row]).astype(int)
        hidden = pasted.image[y, x].min() > 148  # more than half of the guest's white over 40
        assert pasted.weight[row] == pytest.approx(COVERED_WEIGHT if hidden else 1)
    assert 0 < (pasted.weight < 1).sum() < 19
    assert len(pasted.others) == 1
    assert np.allclose(pasted.others[0], view.points(person().keypoints))
    assert scene.weight.min() == 1, "the scene given is left alone"


def test_a_guest_behind_the_person_covers_nothing(scene: Scene) -> None:
    pasted = paste_person(scene, person(), WHITE, guest_view(scene, 45), behind=True, most=1.0)
    assert pasted.weight.min() == 1
    assert pasted.image.max() == 255, "and yet is there"
    assert len(pasted.others) == 1


def test_a_guest_who_covers_too_much_stays_away(scene: Scene) -> None:
    pasted = paste_person(scene, person(), WHITE, guest_view(scene, 0), behind=False, most=0.5)
    assert pasted is scene


@given(seed=st.integers(0, 2**32 - 1))
def test_guests_are_about_as_large_as_the_person(seed: int) -> None:
    someone, guest = person(), person(head_px=60.0)
    view = plain_view(someone.box, SIZE)
    image = np.zeros((240, 320, 3), np.uint8)
    scene = scene_of(picture_without_file(someone), someone, image, view)
    there = paste_view(np.random.default_rng(seed), scene, guest, SIZE)
    assert 0.3 < guest.head_px / there.scale / scene.head < 3


def test_who_can_be_cut_out() -> None:
    assert can_be_pasted(person())
    assert not can_be_pasted(person(unlabelled=("left_hip",)))
    assert not can_be_pasted(
        person(unlabelled=COCO19.keypoints[:5] + COCO19.keypoints[9:10] + COCO19.keypoints[13:])
    )


@given(seed=st.integers(0, 2**32 - 1))
def test_a_block_takes_weight_from_just_what_it_changes(seed: int) -> None:
    someone = person()
    image = np.random.default_rng(9).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    view = plain_view(someone.box, SIZE)
    before = scene_of(picture_without_file(someone), someone, image, view)
    after = put_block(np.random.default_rng(seed), before, most=1.0)
    # Lines of the crop in which nothing at all changed have no block before them.
    changed = (after.image != before.image).any(2)
    for row in np.flatnonzero(after.weight < before.weight):
        x, y = np.rint(before.target[row]).astype(int)
        assert changed[:, x].any()
        assert changed[y].any()
        assert after.weight[row] == pytest.approx(COVERED_WEIGHT * before.weight[row])
    untouched = put_block(np.random.default_rng(seed), before, most=0.0)
    assert untouched.weight.min() == 1


@given(seed=st.integers(0, 2**32 - 1))
def test_empty_boxes_hardly_touch_anybody(seed: int) -> None:
    someone = person()
    box = empty_box(np.random.default_rng(seed), picture_without_file(someone), (320, 240))
    if box is not None:
        low = np.maximum(box[:2], someone.box[:2])
        high = np.minimum(box[2:], someone.box[2:])
        shared = np.maximum(high - low, 0).prod()
        assert shared <= 0.1001 * (box[2:] - box[:2]).prod()
        assert (box >= 0).all()
        assert (box[2:] <= (320, 240)).all()


def test_a_full_picture_has_no_empty_box() -> None:
    everywhere = person(box=np.array([0, 0, 320, 240], np.float32))
    rng = np.random.default_rng(0)
    assert empty_box(rng, picture_without_file(everywhere), (320, 240)) is None


def test_a_ghost_fits_its_box() -> None:
    teacher = joints_of(person().keypoints)
    someone = person(estimates={"teacher": teacher})
    box = np.array([200, 100, 240, 180], np.float32)
    moved = ghost(someone, box)
    points = moved.keypoints
    assert (points >= box[:2]).all()
    assert (points <= box[2:]).all()
    scale = moved.head_px / someone.head_px
    assert moved.area == pytest.approx(someone.area * scale**2)
    assert np.allclose(moved.estimates["teacher"][:, :2], points)
    assert np.array_equal(moved.estimates["teacher"][:, 2], teacher[:, 2])
