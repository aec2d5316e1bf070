"""The grid of boxes that people are cut out at."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from steadypose.configs import Config, EstimatorConfig
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.steady_crops import steadied
from tests.stream.stand_ins import SceneSource, stand_in_room, walk

_LENGTH = st.floats(1, 2000)
boxes = st.tuples(st.floats(-500, 4000), st.floats(-500, 4000), _LENGTH, _LENGTH).map(
    lambda b: np.array([(b[0], b[1], b[0] + b[2], b[1] + b[3])])
)


@given(box=boxes)
def test_the_crop_still_holds_the_person(box: NDArray[np.float64]) -> None:
    got = steadied(box).astype(np.float64)
    sides, new = box[:, 2:] - box[:, :2], got[:, 2:] - got[:, :2]
    assert (np.abs(np.log(new / sides)) <= np.log(1.2) / 2 + 1e-3).all()
    longer = new.max(1)
    moved = np.abs((got[:, :2] + got[:, 2:]) - (box[:, :2] + box[:, 2:])) / 2
    assert (moved <= longer / 16 + 1e-3 * longer + 1e-3).all()
    # Along the longer side, which fills the crop, the box lies within what is cut out.
    axis = int(new[0].argmax())
    middle = (got[0, axis] + got[0, 2 + axis]) / 2
    half = 1.25 * longer[0] / 2
    assert middle - half <= box[0, axis] + 1e-2 * longer[0]
    assert middle + half >= box[0, 2 + axis] - 1e-2 * longer[0]


@given(box=boxes)
def test_a_grid_maps_to_itself(box: NDArray[np.float64]) -> None:
    once = steadied(box)
    assert np.allclose(steadied(once), once, rtol=1e-4, atol=1e-2)


def test_who_hardly_moves_is_seen_in_the_same_crop() -> None:
    rng = np.random.default_rng(0)
    people = rng.uniform(100, 900, (400, 2))
    boxes = np.concatenate([people, people + rng.uniform(80, 200, (400, 2))], 1)
    trembling = boxes + rng.normal(0, 1, boxes.shape)
    same = (steadied(boxes) == steadied(trembling)).all(1).mean()
    assert same > 0.6
    assert (boxes.astype(np.float32) == trembling.astype(np.float32)).all(1).mean() == 0
    assert steadied(boxes[:0]).shape == (0, 4)


def test_crops_are_cut_as_the_setting_says() -> None:
    places = {}
    for steady in (True, False):
        room = stand_in_room(Config(estimator=EstimatorConfig(steady_crops=steady)))
        seen: list[NDArray[np.float64]] = []
        infer = room.estimator.network.infer

        def spy(crops, infer=infer, seen=seen):  # type: ignore[no-untyped-def]
            seen.append(crops.centres)
            return infer(crops)

        room.estimator.network.infer = spy  # type: ignore[method-assign]
        scenes = walk(20, people=1, speed=0.3)
        got = list(Pipeline(room=room).run(SceneSource(scenes)))
        places[steady] = len(np.unique(np.concatenate(seen).round(2), axis=0))
        for result, boxes in zip(got, scenes, strict=True):
            assert np.abs(result.poses.boxes - np.array(boxes)).max() < 2, "people keep their boxes"
    assert places[True] <= 3
    assert places[False] >= 10
