"""Batches: the same for the same number, and what they promise."""

from __future__ import annotations

import pickle
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steadypose.engines.refiner.data.inputs import InputSettings
from steadypose.engines.refiner.data.look import draw_sample
from steadypose.engines.refiner.data.people import People
from steadypose.engines.refiner.data.records import Batch, Person, Picture
from steadypose.engines.refiner.data.samples import (
    SampleSettings,
    TrainingBatches,
    ValidationBatches,
)
from steadypose.engines.refiner.data.store import PictureStore
from steadypose.engines.refiner.data.views import plain_view
from steadypose.engines.refiner.priors import PriorMixture
from steadypose.errors import ConfigError, InputError
from tests.engines.refiner.data.made_up import joints_of, person, picture

SIZE = (256, 192)


def estimated(at: tuple[float, float]) -> Person:
    someone = person(at)
    a, b = joints_of(someone.keypoints + 3), joints_of(someone.keypoints - 2)
    return person(at, estimates={"thunder": a, "lightning": b, "teacher": a})


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    made = []
    for number in range(6):
        people = (estimated((20, 20)), estimated((60 + 10 * number, 30)))
        source = "coco" if number < 2 else "lspet"
        made.append(picture(tmp_path, str(number), *people[: 1 + (number < 2)], source=source))
    return made


def same(a: Batch, b: Batch) -> bool:
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(Batch))


def many(maker: TrainingBatches, count: int) -> dict[str, NDArray[np.generic]]:
    batches = [maker(number) for number in range(count)]
    return {f.name: np.concatenate([getattr(b, f.name) for b in batches]) for f in fields(Batch)}


def test_a_number_makes_the_same_batch_in_any_process(pictures: list[Picture]) -> None:
    maker = TrainingBatches(pictures, seed=3, batch_size=6)
    there = pickle.loads(pickle.dumps(maker))  # noqa: S301 - what a worker is given
    assert same(maker(5), there(5))
    assert same(maker(2), there(2)), "in any order"
    assert not same(maker(5), maker(6))
    assert not same(maker(5), TrainingBatches(pictures, seed=4, batch_size=6)(5))


def test_shapes_and_types(pictures: list[Picture]) -> None:
    sizes = ((256, 192), (128, 96))
    maker = TrainingBatches(pictures, seed=0, batch_size=4, sizes=sizes)
    seen = set()
    for number in range(8):
        batch = maker(number)
        height, width = batch.image.shape[1:3]
        seen.add((height, width))
        expected = {
            "image": ((4, height, width, 3), np.uint8),
            "pose": ((4, 19, 3), np.float32),
            "prior": ((4, 19, 3), np.float32),
            "target": ((4, 19, 2), np.float32),
            "weight": ((4, 19), np.float32),
            "present": ((4,), np.bool_),
            "unit": ((4,), np.float32),
            "labelled": ((4, 19), np.bool_),
            "area": ((4,), np.float32),
        }
        for name, (shape, kind) in expected.items():
            assert getattr(batch, name).shape == shape, name
            assert getattr(batch, name).dtype == kind, name
            assert np.isfinite(getattr(batch, name)).all(), name
    assert seen == set(sizes)


def test_what_training_batches_promise(pictures: list[Picture]) -> None:
    settings = SampleSettings(absent=0.3)
    all_of = many(TrainingBatches(pictures, seed=1, batch_size=40, settings=settings), 6)
    inside = ((all_of["target"] >= 0) & (all_of["target"] <= (191, 255))).all(-1)
    assert not (all_of["weight"][~inside] > 0).any()
    assert not all_of["labelled"][~inside].any()
    here = all_of["present"]
    assert 0.6 < here.mean() < 0.85
    assert (all_of["weight"][here].sum(1) > 0).all()
    assert (all_of["weight"][~here] == 0).all()
    assert not all_of["labelled"][~here].any()
    for name in ("pose", "prior"):
        values = all_of[name]
        assert (values[..., 2] >= 0).all()
        assert (values[..., 2] <= 1).all()
        assert (values[values[..., 2] == 0] == 0).all(), "a missing joint is all zeros"
    no_pose = ~all_of["pose"].any((1, 2))
    assert 0.04 < no_pose.mean() < 0.2
    assert all_of["prior"][no_pose].any((1, 2)).all(), "no pose, but always a prior"
    no_prior = ~all_of["prior"].any((1, 2))
    assert 0.35 < no_prior.mean() < 0.6


@pytest.mark.parametrize(
    ("shares", "heads", "thunder"),
    [
        pytest.param({"synthetic": 0.0, "estimated": 1.0, "none": 0.0}, False, True, id="real"),
        pytest.param({"synthetic": 1.0, "estimated": 0.0, "none": 0.0}, True, False, id="made"),
    ],
)
def test_kinds_of_input_poses(
    pictures: list[Picture], shares: dict[str, float], heads: bool, thunder: bool
) -> None:
    inputs = InputSettings(**shares, head_ends=1.0, beyond=0.0)
    settings = SampleSettings(absent=0, inputs=inputs)
    all_of = many(TrainingBatches(pictures, seed=1, batch_size=30, settings=settings), 2)
    assert all_of["pose"].any((1, 2)).all()
    assert (all_of["pose"][:, 17:, 2] > 0).any() == heads
    # A real estimate is off by the same few picture pixels at every joint, whatever the view.
    away = all_of["pose"][:, :17, :2] - all_of["target"][:, :17]
    spread = np.ptp(away, axis=1).max(1)
    assert (spread < 0.01).all() == thunder


def test_data_sets_are_drawn_by_their_weights(pictures: list[Picture]) -> None:
    rng = np.random.default_rng(0)
    people = People(pictures, {"coco": 3.0, "lspet": 1.0})
    drawn = [people.draw(rng).picture.source for _ in range(2000)]
    assert drawn.count("coco") / 2000 == pytest.approx(0.75, abs=0.04)
    with pytest.raises(InputError, match="no weight above 0 for lspet"):
        People(pictures, {"coco": 1.0})


def test_who_is_worth_no_sample(tmp_path: Path) -> None:
    tiny = person(box=np.array([0, 0, 8, 12], np.float32))
    bare = person(weight=np.zeros(19, np.float32))
    made = [picture(tmp_path, "1", tiny, bare)]
    with pytest.raises(InputError, match="no person with at least three"):
        People(made, {"coco": 1.0})


def test_validation_shows_what_the_running_system_would(pictures: list[Picture]) -> None:
    # Written as PNG, so pixels are exact.
    maker = ValidationBatches(
        pictures, batch_size=8, prior=PriorMixture(missing=1.0, right=0.0, stale=0.0, swapped=0.0)
    )
    first, second = maker(0), maker(1)
    assert same(first, maker(0))
    assert not first.prior.any()
    entries = maker.people.entries
    assert len(entries) == 8
    for row, entry in enumerate(entries):
        view = plain_view(entry.person.box, SIZE)
        image = cv2.imread(str(entry.picture.path))
        assert np.array_equal(first.image[row], view.cut(image))
        shown = {
            name: view.joints(entry.person.estimates[name])[:17]
            for name in ("thunder", "lightning")
        }
        turns = [
            next(n for n, j in shown.items() if np.allclose(b.pose[row, :17], j, atol=1e-3))
            for b in (first, second)
        ]
        assert set(turns) == set(shown), "the next turn shows the other estimate"
    absent = [number for number in range(60) if not maker.sample(number).present]
    assert absent == [24, 49]


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="sum of 1"):
        InputSettings(synthetic=0.9)
    with pytest.raises(ConfigError, match="absent"):
        SampleSettings(absent=1.0)


def test_the_store_keeps_no_more_than_it_may(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path in paths:
        cv2.imwrite(str(path), np.zeros((10, 10, 3), np.uint8))
    store = PictureStore(most_bytes=700)
    kept = [store.read(path) is store.read(path) for path in paths]
    assert kept == [True, True, False]
    with pytest.raises(InputError, match="not a picture"):
        store.read(tmp_path / "none.png")


def test_drawings_show_left_and_right(pictures: list[Picture]) -> None:
    batch = ValidationBatches(pictures, batch_size=1)(0)
    drawn = draw_sample(batch, 0)
    assert drawn.shape == (512, 384, 3)
    left, right = (2 * batch.target[0, [9, 10]]).astype(int)
    assert drawn[left[1], left[0]].argmax() == 2
    assert drawn[right[1], right[0]].argmax() == 1
