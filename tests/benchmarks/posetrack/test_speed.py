"""``steadypose bench posetrack``: both ways agree, and the record says what was measured."""

from __future__ import annotations

import json

import numpy as np

from steadypose.benchmarks.posetrack.formats import write_clip
from steadypose.stream.cli.main import main
from tests.benchmarks.posetrack.trees import clips


def test_both_ways_agree_and_are_recorded(tmp_path, capsys):
    truth, found = clips(np.random.default_rng(2), frames=4, people=3)
    for side, clip in (("gt", truth), ("pred", found)):
        (tmp_path / side).mkdir()
        write_clip(clip, tmp_path / side / f"{clip.name}.json", "posetrack18")
    out = tmp_path / "record.jsonl"
    sides = ["--gt", str(tmp_path / "gt"), "--pred", str(tmp_path / "pred")]
    more = ["--rounds", "1", "--times", "2", "--json", str(out)]
    assert main(["bench", "posetrack", *sides, *more]) == 0
    assert "times as much processor time" in capsys.readouterr().out
    record = json.loads(out.read_text())
    values = record["values"]
    assert values["largest difference"] < 1e-9
    assert record["case"] == {"sequences": 1}
    assert set(record["more"]["seconds"]) == {"steadypose", "motmetrics"}
    assert all(20 < values[f"peak MiB, {times} times"] < 2000 for times in (1, 2))
