"""The command on a real clip with the real networks, where the cache holds them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from steadypose.engines import zoo
from steadypose.errors import ModelError
from steadypose.stream.cli.main import main
from tests.cli.reading import lines_of, summary_of


@pytest.fixture(scope="module")
def demo_clip() -> Path:
    """The demo's clip, three people for 100 frames."""
    try:
        for name in zoo.DEFAULTS:
            zoo.locate(name)
        return zoo.locate("demo-clip")
    except ModelError as error:
        pytest.skip(f"{error} (and: steadypose models fetch demo-clip)")


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_people_of_the_demo_clip(demo_clip: Path, tmp_path: Path, preset: str) -> None:
    arguments = ["--config", preset, "--max-frames", "25", "--quiet"]
    assert main(["track", str(demo_clip), "-o", str(tmp_path), *arguments]) == 0
    rows = lines_of(tmp_path, "demo-clip")
    with av.open(str(demo_clip)) as container:
        times = [float(f.time) for f, _ in zip(container.decode(video=0), range(25), strict=False)]
    assert [row["pts_s"] for row in rows] == pytest.approx(times, abs=1e-6)
    ids = [[p["track_id"] for p in row["persons"]] for row in rows]  # type: ignore[attr-defined]
    assert all(sorted(i) == [1, 2, 3] for i in ids)
    for row in rows:
        for person in row["persons"]:  # type: ignore[attr-defined]
            box = np.array(person["box"])
            points = np.array([p[:2] for p in person["keypoints"] if p and p[2] > 0.3])
            assert len(points) >= 8
            margin = 0.2 * (box[3] - box[1])
            inside = (points > box[:2] - margin).all(1) & (points < box[2:] + margin).all(1)
            assert inside.mean() > 0.9
    report = summary_of(tmp_path, "demo-clip")
    assert report["tracks"] == 3
    assert {m["name"] for m in report["models"]} >= {"picodet-s-416"}  # type: ignore[attr-defined]


def test_two_runs_give_the_same_bytes(demo_clip: Path, tmp_path: Path) -> None:
    arguments = ["--config", "fast", "--max-frames", "20", "--quiet", "--format", "posetrack,jsonl"]
    for name in ("a", "b"):
        assert main(["track", str(demo_clip), "-o", str(tmp_path / name), *arguments]) == 0
    for suffix in ("posetrack.json", "jsonl"):
        first, second = ((tmp_path / n / f"demo-clip.{suffix}").read_bytes() for n in ("a", "b"))
        assert first == second
