"""Parquet and TRC: what other programs read from them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from steadypose.errors import ConfigError, OutputError
from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import COCO17
from steadypose.stream.records import FrameResult, SourceInfo
from steadypose.stream.sinks import make_sinks
from steadypose.stream.sinks import parquet as parquet_module
from tests.stream.results import SIZE, names, people, result, write_all

INFO = SourceInfo(name="clip.mp4", stem="clip", width=SIZE[0], height=SIZE[1], fps=25.0)
RESULTS = [result(n, people(n % 3, n)) for n in range(7)]


def written(folder: Path, kind: str, results: list[FrameResult]) -> Path:
    sinks = make_sinks([kind], folder, INFO)
    write_all(sinks, results)
    return sinks[0].paths[0]


def test_parquet_holds_a_row_a_person_with_its_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_module, "_GROUP_ROWS", 3)
    path = written(tmp_path, "parquet", RESULTS)
    table = pq.read_table(path)
    assert pq.ParquetFile(path).num_row_groups > 1
    assert table.num_rows == sum(len(r.poses) for r in RESULTS)
    names_and_types = {field.name: str(field.type) for field in table.schema}
    assert list(names_and_types)[:9] == [
        *("video", "index", "pts_s", "track_id", "box_x1", "box_y1", "box_x2", "box_y2"),
        "box_score",
    ]
    assert len(names_and_types) == 9 + 3 * 17
    assert set(list(names_and_types.values())[1:4]) == {"int64", "double"}
    rows = table.to_pylist()
    assert {row["video"] for row in rows} == {"clip"}
    expected = [(r.frame.index, n) for r in RESULTS for n in range(len(r.poses))]
    for row, (index, n) in zip(rows, expected, strict=True):
        poses = RESULTS[index].poses
        assert (row["index"], row["pts_s"]) == (index, pytest.approx(index / 25))
        identity = int(poses.track_ids[n])
        assert row["track_id"] == (None if identity == NO_TRACK else identity)
        for k, joint in enumerate(COCO17.keypoints):
            if poses.present[n, k]:
                assert row[f"{joint}_x"] == pytest.approx(poses.keypoints[n, k, 0], abs=0.0051)
                assert row[f"{joint}_score"] == pytest.approx(poses.scores[n, k], abs=1e-4)
            else:
                assert row[f"{joint}_x"] is row[f"{joint}_y"] is row[f"{joint}_score"] is None


def test_a_parquet_file_of_others_is_spared(tmp_path: Path) -> None:
    for content in (b"PAR1 what else", b""):
        (tmp_path / "clip.parquet").write_bytes(content)
        with pytest.raises(OutputError, match="is there already and not ours"):
            make_sinks(["parquet"], tmp_path, INFO)
    assert names(tmp_path) == ["clip.parquet"]


def test_parquet_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.delattr("pyarrow.parquet")
    with pytest.raises(ConfigError, match=r"pip install 'steadypose\[parquet\]'"):
        make_sinks(["jsonl", "parquet"], tmp_path, INFO)
    assert names(tmp_path) == []


def walker(index: int, ids: list[int], height: float = 40.0) -> FrameResult:
    points = np.full((len(ids), 17, 2), [10.0 + index, height], np.float32)
    points[:, 1] = np.nan
    poses = Poses.create(points, track_ids=ids, boxes=[[0, 0, 20, 60]] * len(ids))
    return result(index, poses)


def test_trc_as_opensim_reads_it(tmp_path: Path) -> None:
    frames = [walker(0, []), walker(1, [4]), walker(2, [4, 7]), walker(3, [7]), walker(4, [4])]
    folder = written(tmp_path, "trc", frames)
    assert names(folder) == ["person0004.trc", "person0007.trc"]
    lines = (folder / "person0004.trc").read_text().split("\n")
    assert lines[0] == "PathFileType\t4\t(X/Y/Z)\tperson0004.trc"
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=True))
    assert header == {
        **{"DataRate": "25", "CameraRate": "25", "NumFrames": "4", "NumMarkers": "17"},
        **{"Units": "mm", "OrigDataRate": "25", "OrigDataStartFrame": "2", "OrigNumFrames": "4"},
    }
    markers = lines[3].split("\t")
    assert markers[:2] == ["Frame#", "Time"]
    assert markers[2::3] == list(COCO17.keypoints)
    assert lines[4].split("\t")[2:5] == ["X1", "Y1", "Z1"]
    assert lines[4].split("\t")[-1] == "Z17"
    assert (lines[5], lines[-1]) == ("", "")
    rows = [line.split("\t") for line in lines[6:-1]]
    assert {len(row) for row in rows} == {2 + 3 * 17}
    assert [row[0] for row in rows] == ["2", "3", "4", "5"]
    assert [float(row[1]) for row in rows] == pytest.approx([0.04, 0.08, 0.12, 0.16])
    # Y points up from the lower edge of a frame that is 96 pixels high; a joint that is missing
    # and a frame without the person are blank.
    assert rows[0][2:5] == ["11.00", "56.00", "0.00"]
    assert rows[0][5:8] == ["", "", ""]
    assert set(rows[2][2:]) == {""}


def test_trc_leaves_out_people_without_identity(tmp_path: Path) -> None:
    assert names(written(tmp_path, "trc", [walker(0, [NO_TRACK])])) == []


@pytest.mark.parametrize("name", ["notes.txt", "person1.trc.bak"])
def test_a_folder_of_others_is_spared(tmp_path: Path, name: str) -> None:
    (tmp_path / "clip.trc").mkdir()
    (tmp_path / "clip.trc" / name).touch()
    with pytest.raises(OutputError, match="holds other files"):
        make_sinks(["trc"], tmp_path, INFO)
