"""PoseRefiner on a tiny network with known outputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.engines.crops import CropPolicy, cut, pixels_per_crop_pixel
from steadypose.engines.refiner import PoseRefiner
from steadypose.engines.refiner.refine import in_coco19
from steadypose.errors import ConfigError, InputError
from steadypose.poses import Poses
from steadypose.skeletons import COCO17, COCO19, LSP14, POSETRACK17
from tests.engines.refiner.tiny_refiner import MOVE_PX, Recorded, tiny_refiner

IMAGE = np.zeros((300, 400, 3), np.uint8)
BOX = np.array([100.0, 40, 200, 240])
SIZE = (256, 192)


def people(count: int = 1, score: float = 0.8) -> Poses:
    rng = np.random.default_rng(3)
    boxes = BOX + 20 * np.arange(count)[:, None]
    inside = rng.uniform(0.1, 0.9, (count, 19, 2))
    points = boxes[:, None, :2] + inside * (boxes[:, None, 2:] - boxes[:, None, :2])
    scores = np.full((count, 19), score)
    return Poses.create(points, scores, boxes, track_ids=np.arange(count) + 5, skeleton=COCO19)


def prior_of(poses: Poses, certainty: float = 0.6) -> np.ndarray:
    sure = np.full((len(poses), 19, 1), certainty, np.float32)
    return np.concatenate([poses.keypoints, sure], 2)


@pytest.fixture
def tiny(tmp_path: Path) -> tuple[PoseRefiner, Recorded]:
    return tiny_refiner(tmp_path, policy=CropPolicy(sizes=(SIZE,)))


def test_joints_go_into_the_crop_and_come_back(tiny: tuple[PoseRefiner, Recorded]) -> None:
    refiner, engine = tiny
    given_poses = people(2)
    refined = refiner.refine(IMAGE, given_poses, prior_of(given_poses))
    scale = pixels_per_crop_pixel(BOX[None], SIZE, 1.15)[0]
    assert np.allclose(refined.keypoints - given_poses.keypoints, [MOVE_PX * scale, 0], atol=1e-3)
    assert np.allclose(refined.scores, 0.5 * 0.8 + 0.25 * 0.6)
    assert np.allclose(refined.box_scores, 0.55)
    assert refined.skeleton is COCO19
    assert np.array_equal(refined.boxes, given_poses.boxes)
    assert refined.track_ids.tolist() == [5, 6]
    (feeds,) = engine.feeds
    assert {name: (f.shape, f.dtype.name) for name, f in feeds.items()} == {
        "image": ((2, *SIZE, 3), "uint8"),
        "pose": ((2, 19, 3), "float32"),
        "prior": ((2, 19, 3), "float32"),
    }
    middle = cut([IMAGE] * 2, given_poses.boxes, SIZE, 1.15).from_frame(given_poses.keypoints)
    assert np.allclose(feeds["pose"][..., :2], middle)
    assert np.allclose(feeds["prior"][..., :2], middle)


def test_callable_like_refine(tiny: tuple[PoseRefiner, Recorded]) -> None:
    refiner, _ = tiny
    poses = people()
    same = refiner(IMAGE, poses, prior_of(poses))
    assert np.array_equal(same.keypoints, refiner.refine(IMAGE, poses, prior_of(poses)).keypoints)


def test_missing_joints_are_zeros_and_can_be_made(tiny: tuple[PoseRefiner, Recorded]) -> None:
    refiner, engine = tiny
    poses = people().drop_joints(0.9)
    assert not poses.present.any()
    prior = prior_of(people())
    prior[0, 3] = np.nan
    prior[0, 4, 2] = 0
    refined = refiner.refine(IMAGE, poses, prior)
    assert not engine.feeds[0]["pose"].any()
    assert not engine.feeds[0]["prior"][0, 3:5].any()
    found = np.delete(np.arange(19), [3, 4])
    assert refined.present[0].tolist() == [i in found for i in range(19)]
    assert np.allclose(refined.keypoints[0, found], prior[0, found, :2], atol=1e-3)


def test_without_priors_none_goes_in(tiny: tuple[PoseRefiner, Recorded]) -> None:
    refiner, engine = tiny
    refiner.refine(IMAGE, people(3))
    assert not engine.feeds[0]["prior"].any()
    assert engine.feeds[0]["pose"].all()


@pytest.mark.parametrize(
    ("threshold", "kept"), [(0.0, 18), (0.11, 14), (0.25, 8), (0.44, 1), (0.46, 0)]
)
def test_joints_at_or_below_the_threshold_are_dropped(
    tmp_path: Path, threshold: float, kept: int
) -> None:
    refiner, _ = tiny_refiner(tmp_path, threshold=threshold)
    scores = np.arange(19) / 20
    given_poses = Poses.create(people().keypoints, scores[None], BOX[None], skeleton=COCO19)
    refined = refiner.refine(IMAGE, given_poses)
    assert refined.present.sum() == kept
    gone = ~refined.present[0]
    assert np.isnan(refined.keypoints[0, gone]).all()
    assert not refined.scores[0, gone].any()
    assert refined.box_scores[0] == pytest.approx(scores.mean() / 2)


def test_the_mirrored_crop_takes_back_what_the_plain_one_adds(tmp_path: Path) -> None:
    refiner, engine = tiny_refiner(tmp_path, flip=True, policy=CropPolicy(sizes=(SIZE,)))
    image = np.random.default_rng(0).integers(0, 255, IMAGE.shape, np.uint8)
    given_poses = people(2)
    refined = refiner.refine(image, given_poses, prior_of(given_poses))
    assert np.allclose(refined.keypoints, given_poses.keypoints, atol=1e-3)
    plain, mirrored = engine.feeds
    assert np.array_equal(mirrored["image"], plain["image"][:, :, ::-1])
    left, right = COCO19.index("left_wrist"), COCO19.index("right_wrist")
    for name in ("pose", "prior"):
        there, back = plain[name][:, left], mirrored[name][:, right]
        assert np.allclose(there[:, 0] + back[:, 0], SIZE[1] - 1)
        assert np.allclose(there[:, 1:], back[:, 1:])
    assert np.allclose(refined.scores, engine_scores(image, given_poses), atol=1e-4)


def engine_scores(image: np.ndarray, poses: Poses) -> np.ndarray:
    light = cut([image] * len(poses), poses.boxes, SIZE, 1.15).images.mean((1, 2, 3))
    scores: np.ndarray = np.repeat(0.55 + 0.25 * light[:, None] / 255, 19, 1)
    return scores


def test_mirrored_results_far_apart_are_not_averaged(tmp_path: Path) -> None:
    refiner, engine = tiny_refiner(tmp_path, flip=True, policy=CropPolicy(sizes=(SIZE,)))
    inner = engine.engine
    calls = 0

    class Sided:
        def infer(self, feeds):  # type: ignore[no-untyped-def]
            nonlocal calls
            calls += 1
            found = inner.infer(feeds)["keypoints"].copy()
            if calls == 2:
                found[..., 1] += 60
                found[..., 2] += 0.1
            return {"keypoints": found}

    refiner.engine = Sided()  # type: ignore[assignment]
    given_poses = people()
    refined = refiner.refine(IMAGE, given_poses)
    scale = pixels_per_crop_pixel(BOX[None], SIZE, 1.15)[0]
    way = refined.keypoints - given_poses.keypoints
    assert np.allclose(way, [-MOVE_PX * scale, 60 * scale], atol=1e-3)
    odds = (np.log(0.4 / 0.6) + 0) / 2
    assert np.allclose(refined.scores, 1 / (1 + np.exp(-odds)), atol=1e-5)


@pytest.mark.parametrize(
    ("score", "far_px", "keep_below", "kept"),
    [
        (0.1, 40.0, 0.25, True),
        (0.8, 40.0, 0.25, False),
        (0.6, 40.0, 0.5, True),
        (0.1, 3.0, 0.25, False),
        (0.1, 40.0, 0.0, False),
    ],
)
def test_unsure_joints_are_not_moved_far(
    tmp_path: Path, score: float, far_px: float, keep_below: float, kept: bool
) -> None:
    refiner, engine = tiny_refiner(
        tmp_path, policy=CropPolicy(sizes=(SIZE,)), keep_below=keep_below
    )
    run = engine.infer

    def move(feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = run(feeds)
        found["keypoints"][..., 1] += far_px
        return found

    engine.infer = move  # type: ignore[method-assign]
    poses = people(score=score)
    poses.scores[0, 3] = 0  # what was missing has no place to stay at
    refined = refiner.refine(IMAGE, poses, prior_of(poses, 0.6))
    stayed = np.abs(refined.keypoints - poses.keypoints).max(2)[0] < 1e-3
    assert stayed.tolist() == [kept and joint != 3 for joint in range(19)]
    assert np.allclose(np.delete(refined.scores[0], 3), 0.5 * score + 0.25 * 0.6)


def test_a_joint_moved_a_little_goes_part_of_the_way_back(tmp_path: Path) -> None:
    refiner, _ = tiny_refiner(tmp_path, policy=CropPolicy(sizes=(SIZE,)), given_weight=0.5)
    poses = people()
    poses.scores[0, 3] = 0
    refined = refiner.refine(IMAGE, poses, prior_of(poses))
    scale = pixels_per_crop_pixel(BOX[None], SIZE, 1.15)[0]
    moved = (refined.keypoints - poses.keypoints)[0, :, 0]
    expected = np.full(19, MOVE_PX / 2 * scale)
    expected[3] = 0  # it was missing: only the prior told where it is
    assert np.allclose(moved, expected, rtol=0.02, atol=1e-3)
    assert np.allclose(np.delete(refined.scores[0], 3), 0.5 * 0.8 + 0.25 * 0.6)


def test_people_of_several_frames_share_batches_of_one_size(tmp_path: Path) -> None:
    policy = CropPolicy(sizes=((128, 96), SIZE), max_zoom=1.0)
    refiner, engine = tiny_refiner(tmp_path, policy=policy, max_batch=3)
    heights = [[300, 60, 310, 70], [], [80, 90, 100]]
    frames = []
    for row in heights:
        boxes = np.array([[10.0 * i, 5, 10 * i + 20, 5 + h] for i, h in enumerate(row)])
        boxes = boxes.reshape(-1, 4)
        points = np.repeat((boxes[:, :2] + boxes[:, 2:])[:, None] / 2, 19, 1)
        frames.append(Poses.create(points, boxes=boxes, skeleton=COCO19))
    dark, light = IMAGE, np.full((800, 800, 3), 255, np.uint8)
    found = refiner.refine_many([dark, dark, light], frames)
    shapes = [feeds["image"].shape[:3] for feeds in engine.feeds]
    assert shapes == [(3, 128, 96), (2, 128, 96), (2, 256, 192)]
    assert [len(poses) for poses in found] == [4, 0, 3]
    for before, after in zip(frames, found, strict=True):
        assert np.allclose(before.keypoints[..., 1], after.keypoints[..., 1], atol=1e-3)
    assert np.allclose(found[0].scores, 0.5)
    # The leftmost crop reaches beyond the picture's edge, where it is black.
    assert (found[2].scores[1:] > 0.6).all()


def test_nobody_and_no_frames_cost_no_call(tiny: tuple[PoseRefiner, Recorded]) -> None:
    refiner, engine = tiny
    assert len(refiner.refine(IMAGE, Poses.empty(COCO17))) == 0
    assert refiner.refine_many([], []) == []
    assert engine.feeds == []


def test_warming_up_runs_the_largest_batch_once(tmp_path: Path) -> None:
    policy = CropPolicy(sizes=((128, 96), (192, 64), (192, 128)))
    refiner, engine = tiny_refiner(tmp_path, policy=policy, max_batch=5)
    refiner.warm_up()
    assert [feeds["image"].shape for feeds in engine.feeds] == [(5, 192, 128, 3)]


@pytest.mark.parametrize(
    ("skeleton", "known", "neck"),
    [(COCO17, 17, False), (COCO19, 19, True), (LSP14, 14, True), (POSETRACK17, 17, True)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_joints_are_taken_by_name_and_none_is_guessed(skeleton, known: int, neck: bool) -> None:  # type: ignore[no-untyped-def]
    points = np.random.default_rng(0).uniform(0, 99, (2, len(skeleton), 2))
    poses = Poses.create(points, skeleton=skeleton)
    same = in_coco19(poses)
    assert same.present.sum(1).tolist() == [known, known]
    assert same.present[0, COCO19.index("neck")] == neck
    wrist = skeleton.index("left_wrist")
    assert np.array_equal(same.keypoints[:, COCO19.index("left_wrist")], poses.keypoints[:, wrist])


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (9, 9, 5, 5), (0, 0, np.nan, 9)])
def test_a_box_without_area_is_refused(
    tiny: tuple[PoseRefiner, Recorded], box: tuple[float, ...]
) -> None:
    poses = Poses.create(np.ones((1, 19, 2)), boxes=[box], skeleton=COCO19)
    with pytest.raises(InputError, match=r"poses\.boxes: person 0"):
        tiny[0].refine(IMAGE, poses)


def test_priors_of_another_shape_are_refused(tiny: tuple[PoseRefiner, Recorded]) -> None:
    with pytest.raises(InputError, match=r"priors: expected shape \(1, 19, 3\), got \(1, 17, 3\)"):
        tiny[0].refine(IMAGE, people(), np.zeros((1, 17, 3)))


@pytest.mark.parametrize("threshold", [-0.1, 1.0])
def test_thresholds_out_of_range_are_refused(tmp_path: Path, threshold: float) -> None:
    for name in ("threshold", "given_weight", "keep_below"):
        with pytest.raises(ConfigError, match=f"refiner {name}"):
            tiny_refiner(tmp_path, **{name: threshold})


@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(2, 900), st.floats(2, 900), st.data())
def test_from_frame_is_the_way_back_of_to_frame(
    x: float, y: float, width: float, height: float, data: st.DataObject
) -> None:
    box = np.array([[x, y, x + width, y + height]])
    crops = cut([np.zeros((4, 4, 3), np.uint8)], box, (64, 32), 1.15)
    shares = data.draw(st.lists(st.floats(-1, 2), min_size=2, max_size=2))
    points = (box[:, :2] + np.array(shares) * (width, height))[:, None]
    back = crops.to_frame(crops.from_frame(points).astype(np.float64))
    assert np.allclose(back, points, atol=1e-3 * max(width, height))
