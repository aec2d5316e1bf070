"""The documents agree with the code."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steadypose import SKELETONS, Frame, Poses, get_skeleton
from steadypose.mapping import HEAD_BOTTOM_FACTOR, HEAD_TOP_FACTOR
from steadypose.stream.records import FrameResult, SourceInfo
from steadypose.stream.sinks import FORMATS, make_sinks


def test_the_table_of_joints(root: Path) -> None:
    text = (root / "docs" / "skeletons.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if re.match(r"\| (row|\d+) \|", line)
    ]
    names = [cell.strip("`") for cell in rows[0][1:]]
    assert names == list(SKELETONS)
    for column, name in enumerate(names, 1):
        skeleton = get_skeleton(name)
        cells = [row[column].split() for row in rows[1:] if row[column]]
        assert [joint for joint, _ in cells] == list(skeleton.keypoints)
        assert [float(sigma) for _, sigma in cells] == skeleton.sigmas.tolist()


def test_the_factors_of_the_head(root: Path) -> None:
    text = (root / "docs" / "skeletons.md").read_text()
    assert f"| `head_bottom`, `neck` | `S + {HEAD_BOTTOM_FACTOR} (H - S)`" in text
    assert f"| `head_top` | `S + {HEAD_TOP_FACTOR} (H - S)`" in text


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One frame with one person in every format, by the format's name."""
    folder = tmp_path_factory.mktemp("formats")
    points = np.full((1, 17, 3), 0.5)
    points[0, 1] = np.nan
    poses = Poses.create(points, boxes=[[80, 30, 140, 200]], track_ids=[1])
    frame = Frame(0, 0.04, 0.0, np.zeros((48, 64, 3), np.uint8), "clip.mp4", pts=1)
    info = SourceInfo(name="clip.mp4", stem="clip", time_base=Fraction(1, 25))
    for sink in make_sinks(list(FORMATS), folder, info):
        sink.write(FrameResult(frame=frame, poses=poses))
        sink.close({})
    (openpose,) = (folder / "clip.openpose").iterdir()
    paths = {
        "posetrack": folder / "clip.posetrack.json",
        "coco": folder / "clip.coco.json",
        "jsonl": folder / "clip.jsonl",
        "openpose": openpose,
    }
    return {name: json.loads(path.read_text()) for name, path in paths.items()}


def shape_of(value: Any) -> Any:
    """Names and kinds of a JSON value; lists of numbers count as such whatever their length."""
    if isinstance(value, dict):
        return {key: shape_of(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return "numbers" if all(not isinstance(v, (dict, list)) for v in value) else "list"
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def records_of(value: Any) -> list[Any]:
    """Every JSON object inside, from the outside in."""
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    found = [record for item in inner for record in records_of(item)]
    return [shape_of(value), *found] if isinstance(value, dict) else found


@pytest.mark.parametrize("name", ["posetrack", "jsonl", "coco", "openpose"])
def test_the_examples_have_the_keys_of_the_files(
    root: Path, written: dict[str, Any], name: str
) -> None:
    text = (root / "docs" / "formats.md").read_text()
    block = re.search(rf"<!-- example: {name} -->\n```json\n(.*?)```", text, re.DOTALL)
    assert block
    assert records_of(json.loads(block.group(1))) == records_of(written[name])


def test_every_format_is_described(root: Path) -> None:
    text = (root / "docs" / "formats.md").read_text()
    assert set(re.findall(r"^## `(\w+)`", text, re.MULTILINE)) == set(FORMATS)


def test_the_columns_of_the_table(root: Path, tmp_path: Path) -> None:
    info = SourceInfo(name="clip.mp4", stem="clip")
    (sink,) = make_sinks(["csv"], tmp_path, info)
    frame = Frame(0, 0.0, 0.0, np.zeros((48, 64, 3), np.uint8))
    sink.write(FrameResult(frame=frame, poses=Poses.empty()))
    sink.close({})
    header = (tmp_path / "clip.csv").read_text().splitlines()[0].split(",")
    text = " ".join((root / "docs" / "formats.md").read_text().split())
    assert f"`{', '.join(header[:8])}`" in text
    assert header[8:11] == ["nose_x", "nose_y", "nose_score"]


def test_the_lines_that_tensorrt_says(root: Path) -> None:
    rows = re.findall(r"^\| `(.+?)` \|", (root / "docs" / "tensorrt.md").read_text(), re.MULTILINE)
    told = [row for row in rows if not row.startswith("tensorrt_rtx")]
    assert len(told) > 30
    folders = ("engines/tensorrt", "engines/runtimes", "engines/zoo")
    sources = [path for folder in folders for path in sorted((root / folder).glob("*.py"))]
    code = "\n".join(path.read_text() for path in sources)
    parts = [part.rstrip("(").rstrip() for line in told for part in line.split("...")]
    assert [part for part in parts if len(part) > 3 and part not in code] == []
