"""Agreement and identity switches of two runs over a clip."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from steadypose.benchmarks.agreement import compare, read_truth, switches
from steadypose.benchmarks.following import run as following
from steadypose.configs import Config, EstimatorConfig, RefinerConfig
from steadypose.errors import InputError
from steadypose.poses import Poses
from steadypose.stream.engine_room import EngineRoom
from tests.stream.stand_ins import scene, stand_in_room, walk
from tests.trackers.figures import figures

A, B = (100.0, 200.0), (600.0, 200.0)


def test_people_are_compared_one_to_one_whatever_their_order() -> None:
    always = [figures([A, B]), figures([A, B]), Poses.empty()]
    new = [figures([B, A]), figures([(103.0, 200.0)]), figures([A])]
    mean, shared = compare(always, new)
    assert shared == 0.75
    assert 0.9 < mean < 1
    assert compare(always, always) == (1.0, 1.0)


def boxes(*names: int, at: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    x = np.arange(len(names)) * 100.0 + at
    return np.array(names, np.int64), np.stack([x, x * 0, x + 40, x * 0 + 100], 1)


@pytest.mark.parametrize(
    ("found", "count"),
    [
        ([(7, 8), (7, 8), (7, 8)], 0),
        ([(7, 8), (8, 7), (8, 7)], 2),
        ([(7, 8), (7,), (7, 9)], 1),
        ([(7, 8), (), (7, 8)], 0),
        ([(7, 8), (9, 8), (7, 8)], 2),
    ],
)
def test_switches(found: list[tuple[int, ...]], count: int) -> None:
    true = {i: boxes(1, 2) for i in (0, 1, 2)}
    assert switches(true, {i: boxes(*names) for i, names in enumerate(found)}) == count


def test_a_person_keeps_an_identity_that_still_fits() -> None:
    ids, places = boxes(7, 8)
    near = np.array([[0.0, 0, 40, 100], [4.0, 0, 44, 100]])
    found = {0: (ids[:1], near[1:]), 1: (np.array([9, 7]), near), 2: (np.array([9]), near[:1])}
    assert switches({i: boxes(1) for i in (0, 1)}, found) == 0
    assert switches({i: boxes(1) for i in (0, 1, 2)}, found) == 1
    assert switches({5: (ids, places)}, found) == 0


def test_truth_is_read_from_motchallenge(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt"
    path.write_text("1,9,10,20,30,40,1\n1,4,0,0,5,5,0\n11,9,12,20,30,40,1\n")
    truth = read_truth(path)
    assert {f: ids.tolist() for f, (ids, _) in truth.items()} == {0: [9], 10: [9]}
    assert truth[0][1].tolist() == [[10, 20, 40, 60]]
    for text, said in (("1,2\n", "6 or more columns"), ("a,b\n", "cannot be read")):
        path.write_text(text)
        with pytest.raises(InputError, match=said):
            read_truth(path)


@pytest.mark.parametrize("refiner", ["on", "off"])
def test_both_ways_are_measured(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    refiner: str,
) -> None:
    def load(config: Config) -> EngineRoom:
        return stand_in_room(
            Config(
                refiner=RefinerConfig(enabled=config.refiner.enabled),
                estimator=EstimatorConfig(hold=config.estimator.hold),
            )
        )

    monkeypatch.setattr(following.EngineRoom, "load", load)
    clip, out = tmp_path / "clip", tmp_path / "records.jsonl"
    clip.mkdir()
    for i, people in enumerate(walk(15)):
        cv2.imwrite(str(clip / f"{i:03}.png"), scene(people))
    options = argparse.Namespace(
        clips=[clip], config=["fast"], frames=12, rounds=2, hold=2, hold_oks=None, truth=None,
        refiner=refiner, json=out,
    )  # fmt: skip
    assert following.run(options) == 0
    record = json.loads(out.read_text())
    off = {} if refiner == "on" else {"refiner": "off"}
    assert (record["n"], record["case"]["settings"]) == (12, {"hold": 2, **off})
    assert record["config"]["rounds"] == 2
    values = record["values"]
    assert values["people"] == [2.0, 2.0]
    assert values["agreement"] > 0.9
    assert values["of the people"] == 1
    assert values["switches"] == [0, 0]
    (estimated, estimated_new) = values["people estimated"]
    (refined, refined_new) = values["people refined"]
    if refiner == "on":
        assert estimated == refined > refined_new > estimated_new
    else:
        assert estimated > estimated_new
        assert refined == refined_new == 0
    assert values["people through networks, times as few"] > (2 if refiner == "on" else 1.5)
    assert "frames/s" in capsys.readouterr().out
