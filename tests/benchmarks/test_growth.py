"""Frames with pasted people, and how their cost is told."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks.growth import run as growth
from steadypose.benchmarks.growth.scenes import MOST, SIZE, Cutout, cut_people, make_scene
from steadypose.configs import Config
from steadypose.errors import InputError
from steadypose.geometry import box_iou
from steadypose.stream.engine_room import EngineRoom
from tests.benchmarks.clips import room_with_a_network, write_clip
from tests.stream.stand_ins import RectangleDetector

CUTOUT = Cutout(np.full((90, 40, 3), 200, np.uint8), np.array([4, 5, 36, 85], np.float32))
GROUND = np.zeros((*SIZE, 3), np.uint8)


@pytest.mark.parametrize("people", [1, 10, MOST])
def test_people_stand_apart_and_within_the_frame(people: int) -> None:
    scene = make_scene([CUTOUT], GROUND, people, frames=3)
    assert [len(boxes) for boxes in scene.boxes] == [people] * 3
    for frame, boxes in zip(scene.frames, scene.boxes, strict=True):
        assert boxes.min() >= 0
        assert (boxes <= [*SIZE[::-1], *SIZE[::-1]]).all()
        assert box_iou(boxes, boxes).sum() == pytest.approx(people)
        x1, y1, x2, y2 = boxes[0].round().astype(int)
        assert (frame.image[y1:y2, x1:x2] == 200).all()


def test_more_people_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(InputError, match="--people"):
        make_scene([CUTOUT], GROUND, MOST + 1, frames=1)


def test_people_are_cut_out_whole(tmp_path: Path) -> None:
    cutouts, ground = cut_people(write_clip(tmp_path / "clip"), RectangleDetector())
    assert cutouts
    assert ground.shape == (*SIZE, 3)
    for cutout in cutouts:
        x1, y1, x2, y2 = cutout.box.astype(int)
        assert (cutout.image[y1:y2, x1:x2] > 60).mean() > 0.9
        assert cutout.image[:y1].max(initial=0) < 60


def test_a_clip_without_people_is_refused(tmp_path: Path) -> None:
    class Nobody(RectangleDetector):
        def detect(self, image: np.ndarray) -> object:  # type: ignore[override]
            return super().detect(np.zeros_like(image))

    with pytest.raises(InputError, match="nobody"):
        cut_people(write_clip(tmp_path / "clip"), Nobody())  # type: ignore[arg-type]


def test_a_line_is_fitted_through_the_medians() -> None:
    fit = growth._fit("all", {n: [5 + 2.0 * n, 5 + 2.0 * n, 99] for n in (1, 2, 10, 20)})
    assert fit["all, ms a frame"] == pytest.approx(5)
    assert fit["all, ms a person"] == pytest.approx(2)
    assert fit["all, R2"] == 1
    assert fit["all, 10 people by 1"] == pytest.approx(25 / 7, abs=0.01)
    assert 0 < fit["all, order"] < 1  # type: ignore[operator]
    assert growth._fit("all", {n: [3.0 * n] for n in (2, 4)})["all, 10 people by 1"] is None


def test_a_run_writes_what_it_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(config: Config) -> EngineRoom:
        return room_with_a_network(tmp_path, config)

    monkeypatch.setattr(growth.EngineRoom, "load", load)
    out = tmp_path / "records.jsonl"
    options = argparse.Namespace(
        clip=write_clip(tmp_path / "clip"), config=["fast"], refiner="off", device="cpu",
        people=[1, 10], frames=4, rounds=2, json=out,
    )  # fmt: skip
    assert growth.run(options) == 0
    one, ten, fit = (json.loads(line) for line in out.read_text().splitlines())
    assert (one["what"], one["case"]["people"], one["n"]) == ("growth", 1, 4)
    assert one["more"]["batches"] == {"estimate": [1]}
    assert ten["values"]["crops a call"] == "estimate 8 + 2"
    assert ten["values"]["estimate + refine ms"]["n"] == 4
    assert fit["what"] == "growth fit"
    assert "### growth fit" in capsys.readouterr().out
