"""Sinks that cannot write: the error names the file, and what was written before is kept."""

from __future__ import annotations

import json
import re
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from steadypose.errors import OutputError
from steadypose.stream.records import SourceInfo
from steadypose.stream.sinks import FORMATS, FileSink, make_sinks, write_summary
from tests.media import write_clip
from tests.stream.results import names, people, result

INFO = SourceInfo(name="clip.mp4", stem="clip", fps=25.0)
EVERY = [*FORMATS, "overlay"]


def one_sink(kind: str, folder: Path) -> FileSink:
    formats = [] if kind == "overlay" else [kind]
    (sink,) = make_sinks(formats, folder, INFO, overlay=kind == "overlay")
    return sink


@contextmanager
def small_disk() -> Iterator[None]:
    """No file may grow beyond 20,000 bytes: writes fail as they do on a full disk.

    No fixture, since pytest reports a test before it ends the test's fixtures, and its report too
    may go to a file that is longer than this.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_until_full(sink: FileSink) -> tuple[int, OutputError | None]:
    """How many frames could be written, and the error that ended it."""
    for n in range(1000):
        try:
            sink.write(result(n, people(2, n)))
        except OutputError as error:
            return n, error
    return 1000, None


@pytest.mark.parametrize("kind", ["jsonl", "csv", "coco"])
def test_a_full_disk_costs_only_what_did_not_fit(tmp_path: Path, kind: str) -> None:
    sink = one_sink(kind, tmp_path)
    with small_disk():
        fitted, failure = write_until_full(sink)
        sink.close({})
    assert 0 < fitted < 1000
    assert str(failure).startswith(f"{sink.paths[0]}: cannot be written: ")
    lines = sink.paths[0].read_text().splitlines()
    if kind == "jsonl":
        assert [json.loads(line)["index"] for line in lines] == list(range(fitted))
    elif kind == "coco":
        assert len(json.loads("\n".join(lines))) == 2 * fitted
    else:
        assert len(lines) == 1 + 2 * fitted
        assert len({line.count(",") for line in lines}) == 1
    assert names(tmp_path) == [sink.paths[0].name]


@pytest.mark.parametrize("kind", ["posetrack", "overlay"])
def test_a_full_disk_is_told_and_nothing_half_stays(tmp_path: Path, kind: str) -> None:
    sink = one_sink(kind, tmp_path)

    def fill() -> None:
        write_until_full(sink)
        sink.close({})

    with pytest.raises(OutputError, match=re.escape(str(sink.paths[0]))), small_disk():
        fill()
    assert names(tmp_path) == []


def test_openpose_folder_that_vanishes(tmp_path: Path) -> None:
    sink = one_sink("openpose", tmp_path)
    shutil.rmtree(tmp_path / "clip.openpose.part")
    with pytest.raises(OutputError, match=r"clip\.openpose: cannot be written"):
        sink.write(result(0, people(1)))
    with pytest.raises(OutputError, match=r"clip\.openpose: cannot be written"):
        sink.close({})


@pytest.mark.parametrize("kind", EVERY)
def test_a_folder_that_cannot_be_made(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        one_sink(kind, tmp_path / "file" / "out")


@pytest.mark.parametrize("kind", EVERY)
def test_a_name_that_is_too_long(tmp_path: Path, kind: str) -> None:
    formats = [] if kind == "overlay" else [kind]
    with pytest.raises(OutputError, match="cannot be written: File name too long"):
        make_sinks(["jsonl", *formats], tmp_path, INFO, stem="x" * 249, overlay=kind == "overlay")
    assert names(tmp_path) == []


def test_what_was_begun_goes_when_another_cannot_begin(tmp_path: Path) -> None:
    (tmp_path / "clip.csv").write_text("frame,label\n1,walking\n")
    with pytest.raises(OutputError, match=r"clip\.csv: is there already and not ours"):
        make_sinks(["posetrack", "openpose", "csv"], tmp_path, INFO)
    assert names(tmp_path) == ["clip.csv"]
    assert (tmp_path / "clip.csv").read_text() == "frame,label\n1,walking\n"


def test_a_folder_of_other_files_is_spared(tmp_path: Path) -> None:
    (tmp_path / "clip.openpose").mkdir()
    (tmp_path / "clip.openpose" / "thesis.tex").touch()
    with pytest.raises(OutputError, match=r"holds other files \(thesis\.tex\)"):
        one_sink("openpose", tmp_path)
    assert names(tmp_path / "clip.openpose") == ["thesis.tex"]


def test_the_source_is_never_replaced_by_its_overlay(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=2)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="was not written by Steadypose; choose another folder"):
        one_sink("overlay", tmp_path)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["clip.mp4"]


def test_a_summary_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"gone/clip\.summary\.json: cannot be written"):
        write_summary(tmp_path / "gone" / "clip.summary.json", {})
