from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steadypose.engines import zoo
from steadypose.engines.crops import pixels_per_crop_pixel
from steadypose.engines.refiner.load import REFINERS, refiner_path
from steadypose.engines.refiner.refine import PADDING
from steadypose.engines.runtimes import TensorSpec
from steadypose.engines.runtimes.onnx_runtime import OnnxRuntimeEngine
from steadypose.engines.tensorrt.graph import prepare_graph
from steadypose.engines.tensorrt.samples import Samples, find_people, reference_engine
from steadypose.engines.tensorrt.verify import REACH, summary, verify
from steadypose.errors import InputError, ModelError
from steadypose.poses import Poses
from steadypose.skeletons import COCO17
from steadypose.stream.sources import open_source

SIZE = (256, 192)
BOXES = np.array([[20, 10, 120, 210], [100, 30, 220, 190], [40, 40, 80, 200]], np.float32)
SCORE = 0.9

Answer = Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]


class StandIn:
    """A network that answers by a function; remembers how large its batches were."""

    runtime = "none"

    def __init__(self, inputs: Mapping[str, tuple[int | None, ...]], answer: Answer) -> None:
        self.path, self.name = Path("net.onnx"), "net"
        self.inputs = {
            n: TensorSpec(name=n, dtype=np.dtype(np.float32), shape=s) for n, s in inputs.items()
        }
        example = {n: np.zeros([d or 1 for d in s], np.float32) for n, s in inputs.items()}
        self.outputs = {
            n: TensorSpec(name=n, dtype=v.dtype, shape=v.shape) for n, v in answer(example).items()
        }
        self._answer, self.batches = answer, set[int]()

    def infer(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.batches.add(len(feeds["image"]))
        return self._answer(feeds)


def refiner(spoil: Callable[[NDArray[Any]], object] = lambda joints: None) -> StandIn:
    """Gives back the pose that it is given, spoilt in place."""

    def answer(feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        joints = feeds["pose"].copy()
        joints[..., 2] = np.where(joints[..., 2] > 0, SCORE, 0.1)
        spoil(joints)
        return {"keypoints": joints}

    joints = (None, 19, 3)
    return StandIn({"image": (None, None, None, 3), "pose": joints, "prior": joints}, answer)


def movenet(move: float = 0.0) -> StandIn:
    """Finds all joints in one place."""

    def answer(feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        joint = np.array([50 + move, 60, SCORE], np.float32)
        return {"keypoints": np.tile(joint, (len(feeds["image"]), 17, 1))}

    return StandIn({"image": (None, None, None, 3), "boxes": (None, 2)}, answer)


def detector(boxes: NDArray[Any], scores: list[float]) -> StandIn:
    found = {"boxes": boxes[None].astype(np.float32), "scores": np.array([scores], np.float32)}
    return StandIn({"image": (1, 240, 240, 3)}, lambda _feeds: found)


@pytest.fixture
def people() -> Samples:
    """Two pictures of three people with a joint in the middle of each and one in a corner."""
    middle = (BOXES[:, None, :2] + BOXES[:, None, 2:]) / 2
    points = np.tile(middle, (1, 17, 1))
    points[:, 0] = BOXES[:, :2]
    poses = Poses.create(points, boxes=BOXES, skeleton=COCO17)
    image = np.random.default_rng(0).integers(0, 255, (240, 240, 3), np.uint8)
    return Samples(images=[image] * 2, poses=[poses] * 2, priors=[None] * 2)


def scales() -> NDArray[np.float64]:
    """Pixels of the frame for one of the crop, for each person."""
    return pixels_per_crop_pixel(BOXES, SIZE, PADDING)


def test_an_engine_that_is_its_network_agrees(people: Samples) -> None:
    engine = refiner()
    found = verify(engine, refiner(), people, sizes=[SIZE, (128, 96)], batches=(1, 4), gpu="one")
    assert found.ok
    assert (found.p50_px, found.p99_px, found.max_px, found.p99_score) == (0, 0, 0, 0)
    assert (found.agreement, found.lost, found.people, found.gpu) == (1, 0, 6, "one")
    assert found.points == 2 * 2 * 6 * 17  # sizes, batches, people, joints that it is sure of
    assert engine.batches == {1, 2, 4}
    assert "p50 0.000 px" in summary(found)
    assert "lost" not in summary(found)


def test_a_shift_is_measured_in_pixels_of_the_pictures(people: Samples) -> None:
    def shift(joints: NDArray[Any]) -> None:
        joints[..., :2] += 3, 4

    found = verify(refiner(shift), refiner(), people, sizes=[SIZE])
    expected = 5 * np.repeat(scales(), 2 * 17)
    assert found.p50_px == pytest.approx(np.percentile(expected, 50), abs=1e-3)
    assert found.p99_px == pytest.approx(np.percentile(expected, 99), abs=1e-3)
    assert found.max_px == pytest.approx(expected.max(), abs=1e-3)
    assert found.agreement == 1  # within reach, but no rounding
    assert not found.ok


@pytest.mark.parametrize(("share", "agrees"), [(0.98, True), (1.02, False)])
def test_reach_is_a_share_of_the_persons_longer_side(
    people: Samples, share: float, agrees: bool
) -> None:
    longest = (BOXES[:, 2:] - BOXES[:, :2]).max(1)

    def shift(joints: NDArray[Any]) -> None:
        move = np.tile(share * REACH * longest / scales(), 2)[:, None]
        joints[..., 0] += move[: len(joints)]

    found = verify(refiner(shift), refiner(), people, sizes=[SIZE])
    assert found.agreement == (1 if agrees else 0)
    assert not found.ok


def test_a_few_joints_far_away_show_in_the_share(people: Samples) -> None:
    def throw(joints: NDArray[Any]) -> None:
        joints[0, 5:9, :2] += 100

    found = verify(refiner(throw), refiner(), people, sizes=[SIZE])
    assert found.agreement == pytest.approx(1 - 4 / found.points)
    assert found.p50_px == 0
    assert found.max_px > 100
    assert not found.ok


def test_joints_that_are_no_numbers_are_lost(people: Samples) -> None:
    def spoil(joints: NDArray[Any]) -> None:
        joints[0, 5] = np.nan

    found = verify(refiner(spoil), refiner(), people, sizes=[SIZE])
    assert (found.lost, found.max_px) == (1, 0)
    assert found.agreement == pytest.approx(1 - 1 / found.points)
    assert "1 lost" in summary(found)
    everything = verify(refiner(lambda j: j.fill(np.nan)), refiner(), people, sizes=[SIZE])
    assert (everything.lost, everything.agreement, everything.ok) == (everything.points, 0, False)


def test_scores_must_agree_too(people: Samples) -> None:
    def dim(joints: NDArray[Any]) -> None:
        joints[..., 2] *= 0.5

    found = verify(refiner(dim), refiner(), people, sizes=[SIZE])
    assert found.p99_score == pytest.approx(SCORE / 2, abs=1e-3)
    assert (found.max_px, found.ok) == (0, False)


def test_rounding_is_no_disagreement(people: Samples) -> None:
    def to_half(joints: NDArray[Any]) -> None:
        joints[:] = joints.astype(np.float16)

    found = verify(refiner(to_half), refiner(), people, sizes=[SIZE])
    assert found.ok
    assert 0 < found.p99_px < 0.1


def test_estimators_are_compared_too(people: Samples) -> None:
    assert verify(movenet(), movenet(), people, sizes=[SIZE]).ok
    moved = verify(movenet(8), movenet(), people, sizes=[SIZE])
    assert moved.max_px == pytest.approx(8 * scales().max(), rel=1e-4)
    assert not moved.ok


def test_boxes_are_compared_by_their_corners(people: Samples) -> None:
    reference = detector(BOXES, [0.9, 0.8, 0.7])
    same = verify(detector(BOXES[::-1], [0.7, 0.8, 0.9]), reference, people)
    assert (same.ok, same.points, same.max_px) == (True, 2 * 3 * 2, 0)
    moved = verify(detector(BOXES + np.array([0, 3, 4, 3]), [0.9, 0.8, 0.7]), reference, people)
    assert moved.max_px == pytest.approx(5, abs=1e-4)
    assert not moved.ok


def test_boxes_of_one_alone_are_lost(people: Samples) -> None:
    reference = detector(BOXES, [0.9, 0.8, 0.7])
    fewer = verify(detector(BOXES[:2], [0.9, 0.8]), reference, people)
    assert (fewer.points, fewer.lost, fewer.ok) == (12, 4, False)
    more = verify(reference, detector(BOXES[:2], [0.9, 0.8]), people)
    assert (more.points, more.lost, more.ok) == (12, 4, False)
    unsure = verify(detector(BOXES, [0.9, 0.8, 0.25]), detector(BOXES[:2], [0.9, 0.8]), people)
    assert (unsure.points, unsure.lost, unsure.ok) == (8, 0, True)


def test_nothing_sure_is_nothing_to_go_by(people: Samples) -> None:
    def dim(joints: NDArray[Any]) -> None:
        joints[..., 2] = 0.1

    with pytest.raises(InputError, match="nothing that it is sure of"):
        verify(refiner(dim), refiner(dim), people, sizes=[SIZE])


def test_an_unknown_network_cannot_be_verified(people: Samples) -> None:
    net = StandIn({"image": (1, 8, 8, 3)}, lambda _: {"a": BOXES, "b": BOXES})
    with pytest.raises(ModelError, match=r"net\.onnx: inputs image and outputs a, b are of no"):
        verify(net, net, people)


@pytest.fixture(scope="module")
def real_people() -> Samples:
    try:
        clip = zoo.locate("demo-clip")
        frames = [f.image for f in open_source(str(clip), max_frames=31)][::15]
        return find_people(frames)
    except ModelError as error:
        pytest.skip(str(error))


def test_people_are_found_in_the_sample_clip(real_people: Samples) -> None:
    assert [len(poses) for poses in real_people.poses] == [3, 3, 3]
    assert [prior is not None for prior in real_people.priors] == [False, True, False]
    assert real_people.people == 9


def test_pictures_without_people_are_refused(real_people: Samples) -> None:
    with pytest.raises(InputError, match="nobody was found in 2 pictures"):
        find_people([np.zeros((64, 64, 3), np.uint8)] * 2)


@pytest.mark.parametrize("name", [*REFINERS, "movenet-lightning", "picodet-s-416"])
def test_what_is_built_in_fp16_agrees_on_real_people(real_people: Samples, name: str) -> None:
    """The graph that TensorRT is given, run by another run time."""
    try:
        path = refiner_path(name) if name in REFINERS else zoo.locate(name)
    except ModelError as error:
        pytest.skip(str(error))
    engine = OnnxRuntimeEngine(path, graph=prepare_graph(path, half=True))
    found = verify(engine, reference_engine(path), real_people, sizes=[(192, 128)], batches=(1, 8))
    assert found.ok, summary(found)
    assert found.points >= 2 * real_people.people
