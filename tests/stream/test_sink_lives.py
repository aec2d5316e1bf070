"""The life of a pose file: begun, completed, replaced, discarded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from steadypose.errors import InputError
from steadypose.stream.records import FrameResult, SourceInfo
from steadypose.stream.sinks import FORMATS, PoseTrackSink, make_sinks, write_summary
from tests.stream.results import SIZE, names, people, result, write_all

INFO = SourceInfo(name="clip.mp4", stem="clip", width=SIZE[0], height=SIZE[1], fps=25.0)
RESULTS = [result(0, people(3, 0)), result(1, people(0)), result(2, people(2, 1))]


def written(folder: Path, kind: str, results: list[FrameResult], **options: Any) -> Path:
    sinks = make_sinks([kind], folder, INFO, **options)
    write_all(sinks, results)
    (path,) = sinks[0].paths
    return path


@pytest.mark.parametrize("kind", list(FORMATS))
def test_two_runs_give_the_same_bytes(tmp_path: Path, kind: str) -> None:
    def content(path: Path) -> list[bytes]:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return [file.read_bytes() for file in files]

    slow = [
        FrameResult(frame=r.frame, poses=r.poses, detected=r.detected, age_s=9) for r in RESULTS
    ]
    first = content(written(tmp_path / "a", kind, RESULTS))
    assert content(written(tmp_path / "b", kind, slow)) == first


@pytest.mark.parametrize("kind", list(FORMATS))
def test_a_run_without_people_is_valid(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind, [result(n, people(0)) for n in range(2)])
    if kind in ("posetrack", "coco"):
        data = json.loads(path.read_text())
        assert (data["annotations"] if kind == "posetrack" else data) == []
    elif kind == "csv":
        assert len(path.read_text().splitlines()) == 1
    elif kind == "parquet":
        assert pq.read_table(path).num_rows == 0
    elif kind == "trc":
        assert names(path) == []
    else:
        assert len(list(path.iterdir()) if path.is_dir() else path.read_text().splitlines()) == 2


@pytest.mark.parametrize("kind", list(FORMATS))
def test_an_earlier_run_is_replaced_at_the_end_only(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind, RESULTS)
    before = names(path) if path.is_dir() else path.read_bytes()
    (sink,) = make_sinks([kind], tmp_path, INFO)
    sink.write(result(0, people(1)))
    assert (names(path) if path.is_dir() else path.read_bytes()) == before
    sink.close({})
    assert (names(path) if path.is_dir() else path.read_bytes()) != before
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("kind", list(FORMATS))
def test_close_and_discard_leave_no_temporary_files(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path / "closed", kind, RESULTS)
    assert names(tmp_path / "closed") == [path.name]
    (sink,) = make_sinks([kind], tmp_path / "discarded", INFO)
    sink.write(RESULTS[0])
    sink.discard()
    sink.discard()
    assert names(tmp_path / "discarded") == []


def test_make_sinks(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    sinks = make_sinks(["jsonl", "csv", "jsonl"], folder, INFO, stem="clip-2", overlay=True)
    assert [sink.paths for sink in sinks] == [
        (folder / "clip-2.jsonl",),
        (folder / "clip-2.csv",),
        (folder / "clip-2.mp4",),
    ]
    for sink in sinks:
        sink.discard()
    assert names(folder) == []


def test_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown format 'xml'; choose among posetrack, jsonl"):
        make_sinks(["xml"], tmp_path, INFO)


def test_interruption_leaves_valid_files(tmp_path: Path) -> None:
    sinks = [s for k in FORMATS for s in make_sinks([k], tmp_path, INFO)]
    for sink in sinks:
        sink.write(RESULTS[0])
        sink.close({"outcome": "interrupted"})
    data = json.loads((tmp_path / "clip.posetrack.json").read_text())
    assert (len(data["images"]), data["images"][0]["nframes"]) == (1, 1)
    assert len(json.loads((tmp_path / "clip.coco.json").read_text())) == 3


def test_many_frames_are_joined_in_order(tmp_path: Path) -> None:
    sink = PoseTrackSink(tmp_path / "clip.posetrack.json", "clip")
    write_all([sink], [result(n, people(n % 3, n)) for n in range(400)])
    data = json.loads((tmp_path / "clip.posetrack.json").read_text())
    assert [i["id"] for i in data["images"]] == list(range(1, 401))
    assert {i["nframes"] for i in data["images"]} == {400}
    assert len(data["annotations"]) == sum(n % 3 for n in range(400))


def test_summary(tmp_path: Path) -> None:
    path = tmp_path / "clip.summary.json"
    summary = {"frames": 3, "source": {"name": "ä.mp4"}, "reason": None, "fps": 1.5}
    write_summary(path, summary)
    write_summary(path, summary)
    assert json.loads(path.read_text(encoding="utf-8")) == summary
    assert names(tmp_path) == ["clip.summary.json"]
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_summary(path, {"fps": float("nan")})
