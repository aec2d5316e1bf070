"""Variants of the pipeline, and what they are judged by."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks.ablation import run as ablation
from steadypose.benchmarks.ablation.quality import idf1, jitter
from steadypose.benchmarks.ablation.variants import WHOLE, variants
from steadypose.configs import Config, RefinerConfig
from steadypose.errors import InputError
from steadypose.poses import Poses
from steadypose.stream.engine_room import EngineRoom
from steadypose.trackers import PoseTracker
from tests.benchmarks.clips import write_clip
from tests.stream.stand_ins import stand_in_room
from tests.trackers.figures import figures

REFINED = Config(refiner=RefinerConfig(enabled=True))


@pytest.mark.parametrize("variant", variants(), ids=lambda v: v.name)
def test_every_variant_is_a_valid_change_of_the_whole(variant: ablation.Variant) -> None:
    whole = stand_in_room(REFINED)
    with variant.room(whole) as room:
        assert (room.config == whole.config) == (
            variant.name in (WHOLE, "detector every 8, steady")
        )
        assert (room.refiner is None) == (variant.name == "no refiner")
        assert PoseTracker().needs_detection() != variant.steady
    assert PoseTracker().needs_detection()


def at(x: float, *ids: int) -> Poses:
    return figures([(x + 300 * i, 200.0) for i in range(len(ids))]).with_track_ids(ids)


def test_jitter_is_what_is_left_of_an_even_motion() -> None:
    assert jitter([at(x, 1, 2) for x in (100, 110, 120, 130)]) == pytest.approx(0, abs=1e-4)
    shaken = [at(x, 1) for x in (100, 104, 100, 104)]
    height = float(np.ptp(shaken[0].boxes[0, 1::2]))
    assert jitter(shaken) == pytest.approx(100 * 8 / height, rel=1e-4)
    assert np.isnan(jitter([at(100, 1), at(100, 2), at(100, 3)]))
    assert np.isnan(jitter([]))


def test_ids_are_judged_where_there_is_a_truth() -> None:
    boxes = at(100, 1, 2).boxes
    true = {0: (np.array([1, 2]), boxes), 2: (np.array([1, 2]), boxes)}
    same = {i: (np.array([7, 8]), boxes) for i in range(3)}
    assert idf1(true, same) == 100
    assert idf1(true, {**same, 2: (np.array([8, 7]), boxes)}) == 50


def test_variants_are_run_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(config: Config) -> EngineRoom:
        assert config.refiner.enabled
        return stand_in_room(REFINED)

    monkeypatch.setattr(ablation.EngineRoom, "load", load)
    out = tmp_path / "records.jsonl"
    options = argparse.Namespace(
        clips=[write_clip(tmp_path / "clip")], config=["fast"], frames=10, rounds=2, device="cpu",
        only=["no refiner", "smooth fixed-lag"], truth=None, json=out,
    )  # fmt: skip
    assert ablation.run(options) == 0
    whole, bare, smooth = (json.loads(line) for line in out.read_text().splitlines())
    assert [r["case"]["variant"] for r in (whole, bare, smooth)] == [
        WHOLE, "no refiner", "smooth fixed-lag",
    ]  # fmt: skip
    assert whole["values"]["OKS with the whole"] == 1
    assert whole["values"]["IDF1"] == 100
    assert whole["values"]["times as fast"]["value"] == 1
    assert bare["values"]["people refined"] == 0 < bare["values"]["people estimated"]
    assert smooth["n"] == 10
    assert "| smooth fixed-lag |" in capsys.readouterr().out


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no refiner"):
        ablation.choose(["no refinr"])
    options = argparse.Namespace(clips=[tmp_path, tmp_path], truth=tmp_path / "gt.txt", only=None)
    with pytest.raises(InputError, match="one clip"):
        ablation.run(options)
