"""What the pictures tell the tracker: cuts, camera motion, looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steadypose.configs import Config, CuesConfig, DetectorConfig
from steadypose.poses import Poses
from steadypose.stream.camera_motion import CameraMotion
from steadypose.stream.looks import LOOKS_SIZE, looks_of
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.scene_cuts import SceneCuts
from steadypose.stream.sources import open_source
from tests.stream.stand_ins import SceneSource, scene, stand_in_room, walk
from tests.trackers.figures import figures

Image = NDArray[np.uint8]
CLIPS = (
    "vtest.avi",
    "people-walking-swdee.mp4",
    "openpose_video.avi",
    "pose2sim_multi_cam01.mp4",
    "pose2sim_multi_cam02.mp4",
    "mmpose_demo.mp4",
)


def texture(seed: int, height: int = 360, width: int = 640) -> Image:
    """Blobs of all sizes, with corners to follow; each seed has its own colours."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(150):
        x, y, w, h = rng.integers(0, (width, height, 90, 60))
        colour = tuple(int(c) for c in np.clip(rng.normal(image[0, 0], 60), 0, 255))
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    return image


def seen_by(image: Image, affine: NDArray[np.float64]) -> Image:
    moved = cv2.warpAffine(
        image, affine, (image.shape[1], image.shape[0]), borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(moved, np.uint8)


def cuts(images: Iterator[Image] | list[Image]) -> list[int]:
    detector = SceneCuts()
    return [i for i, image in enumerate(images) if detector.is_cut(image)]


def test_shots_that_are_joined_are_cut_once_where_they_meet() -> None:
    shots = [[texture(seed)] * 6 for seed in (1, 2, 3)]
    assert cuts([image for shot in shots for image in shot]) == [6, 12]


def test_a_person_who_steps_into_the_picture_is_no_cut() -> None:
    assert cuts([scene(boxes) for boxes in walk(5, people=1) + walk(5, people=3)]) == []


def test_a_panning_camera_and_a_dimming_lamp_are_no_cuts() -> None:
    image = texture(1)
    pan = [np.roll(image, 25 * i, 1) for i in range(10)]
    dim = [np.asarray(image * (1 - 0.05 * i), np.uint8) for i in range(10)]
    assert cuts(pan) == cuts(dim) == []


def frames_of(path: Path, start: int, count: int) -> list[Image]:
    source = open_source(path)
    try:
        found = []
        for frame in source:
            if frame.index >= start:
                found.append(frame.image)
            if len(found) == count:
                break
        return found
    finally:
        source.close()


@pytest.mark.parametrize("clip", CLIPS)
def test_no_cut_in_a_real_shot_and_one_where_two_are_joined(data_dir: Path, clip: str) -> None:
    here = frames_of(data_dir / "videos" / clip, 0, 30)
    assert cuts(here) == cuts(here[::3]) == []
    other = CLIPS[CLIPS.index(clip) - 1]
    there = frames_of(data_dir / "videos" / other, 0, 4)
    assert cuts(here[:8] + there) == [min(8, len(here))]


@pytest.mark.parametrize(
    "affine",
    [
        [[1, 0, 9], [0, 1, -6]],
        [[1.03, 0, -4], [0, 1.03, 3]],
        [[np.cos(0.03), -np.sin(0.03), 5], [np.sin(0.03), np.cos(0.03), -5]],
    ],
    ids=["shift", "zoom", "turn"],
)
@pytest.mark.parametrize("size", [(360, 640), (720, 1280)], ids=["small", "scaled"])
def test_the_camera_motion_is_found_beside_people_who_move_otherwise(
    affine: list[list[float]], size: tuple[int, int]
) -> None:
    true = np.array(affine, float)
    before = texture(4, *size)
    after, camera = seen_by(before, true), CameraMotion()
    people = np.array([[100.0, 60, 220, 300]])
    after[60:300, 100:220] = texture(9)[:240, :120]
    before = before.copy()
    before[60:300, 100:220] = texture(9)[20:260, 30:150]
    assert camera.since_last(before) is None
    camera.keep(before.shape, people)
    found = camera.since_last(after)
    assert found is not None
    corners = np.array([[0, 0, 1], [size[1], size[0], 1]], float)
    np.testing.assert_allclose(corners @ found.T, corners @ true.T, atol=1.5)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (texture(1), texture(1)),
        (np.full((90, 160, 3), 80, np.uint8), np.full((90, 160, 3), 90, np.uint8)),
        (texture(1), texture(2)),
        (texture(1), texture(1, 240, 320)),
    ],
    ids=["still", "plain", "another-scene", "another-size"],
)
def test_nothing_is_said_where_nothing_is_known(before: Image, after: Image) -> None:
    camera = CameraMotion()
    camera.since_last(before)
    camera.keep(before.shape, np.empty((0, 4)))
    assert camera.since_last(after) is None


def dressed(colours: tuple[int, int, int]) -> tuple[Image, Poses]:
    poses = figures([(150, 150)])
    image = np.full((300, 300, 3), 128, np.uint8)
    x1, y1, x2, y2 = poses.boxes[0].astype(int)
    image[y1:y2, x1:x2] = colours
    return image, poses


def test_looks_tell_clothes_apart_and_bear_light() -> None:
    red, darker, blue = (
        looks_of(*dressed(c))[0] for c in ((20, 20, 220), (15, 15, 160), (220, 20, 20))
    )
    assert red @ darker > 0.95 * np.sqrt((red @ red) * (darker @ darker))
    assert red @ blue < 0.05 * (red @ red)


def test_stripes_that_are_not_seen_are_unknown() -> None:
    image, poses = dressed((20, 20, 220))
    poses.scores[0, 13:] = 0  # knees and ankles
    stripes = looks_of(image, poses).reshape(1, 4, -1)
    assert np.isfinite(stripes).all(2).tolist() == [[True, True, False, False]]
    assert looks_of(image, Poses.empty()).shape == (0, LOOKS_SIZE)


def test_a_leg_out_of_sight_is_stood_in_for_by_the_other() -> None:
    image, poses = dressed((20, 20, 220))
    poses.scores[0, [13, 15]] = 0  # the left one
    assert np.isfinite(looks_of(image, poses)).all()


def test_people_partly_outside_the_picture_do_no_harm() -> None:
    image, _ = dressed((20, 20, 220))
    assert np.isfinite(looks_of(image, figures([(-20, 150), (5000, 90), (150, 299)]))).all()


@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_a_cut_begins_new_identities(on: bool) -> None:
    """Two people walk; then the scene is another, with two others at the same places."""
    config = Config(detector=DetectorConfig(every=20), cues=CuesConfig(scene_cuts=on))
    source = SceneSource(walk(30), backdrop_of=lambda index: 0 if index < 12 else 50)
    got = list(Pipeline(room=stand_in_room(config)).run(source))
    assert got[11].poses.track_ids.tolist() == [1, 2]
    assert got[-1].poses.track_ids.tolist() == ([3, 4] if on else [1, 2])
    assert [r.frame.index for r in got if r.detected][:2] == [0, 12 if on else 20]


def test_every_cue_can_be_on_and_runs_agree_to_the_byte() -> None:
    config = Config(
        cues=CuesConfig(appearance=True, camera_motion=True, scene_cuts=True),
        detector=DetectorConfig(every=3),
    )
    runs = [
        [r.poses for r in Pipeline(room=stand_in_room(config)).run(SceneSource(walk(15)))]
        for _ in range(2)
    ]
    for one, other in zip(*runs, strict=True):
        assert one.track_ids.tolist() == other.track_ids.tolist() == [1, 2]
        assert one.keypoints.tobytes() == other.keypoints.tobytes()
