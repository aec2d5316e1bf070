"""A recording is of use at any moment, and cut where it must be."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from steadypose.errors import OutputError
from steadypose.stream.records import FrameResult, SourceInfo
from steadypose.stream.sinks import RecordOptions, RecordSink
from tests.stream.results import people, result

INFO = SourceInfo(name="door", stem="door", live=True)


def live_result(index: int, *, epoch: int = 0, size: tuple[int, int] = (128, 96)) -> FrameResult:
    """A result at ``index / 10`` seconds."""
    base = result(index, people(2))
    image = np.full((size[1], size[0], 3), index % 250, np.uint8)
    frame = replace(base.frame, image=image, pts_s=index / 10, epoch=epoch)
    return replace(base, frame=frame)


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [round(f.time, 3) for f in container.decode(video=0) if f.time is not None]


def test_at_any_moment_it_plays_up_to_the_last_second(tmp_path: Path) -> None:
    sink = RecordSink(tmp_path, "door", INFO)
    try:
        for index in range(35):
            sink.write(live_result(index))
        # What another process would find if this one were killed here.
        copies = [Path(shutil.copy(path, tmp_path / f"copy{path.suffix}")) for path in sink.paths]
        assert times(copies[0])[:20] == [n / 10 for n in range(20)]
        assert len(copies[1].read_text().splitlines()) == 35
    finally:
        sink.close({})
    assert times(sink.paths[0]) == [n / 10 for n in range(35)]


def test_a_segment_ends_with_its_time_and_with_an_epoch(tmp_path: Path) -> None:
    sink = RecordSink(tmp_path, "door", INFO, RecordOptions(segment_s=1.0))
    for index in range(25):
        late = index >= 15
        sink.write(live_result(index, epoch=int(late), size=(192, 128) if late else (128, 96)))
    sink.close({})
    videos = sorted(tmp_path.glob("*.mp4"))
    assert [len(times(video)) for video in videos] == [10, 5, 10]
    for video in videos:
        rows = [json.loads(line) for line in video.with_suffix(".jsonl").read_text().splitlines()]
        assert len(rows) == len(times(video))
        assert rows[0]["time"].endswith("Z")
        assert len(rows[0]["persons"]) == 2
    with av.open(str(videos[-1])) as container:
        assert container.streams.video[0].codec_context.width == 192


def test_the_oldest_make_room_and_strangers_stay(tmp_path: Path) -> None:
    stranger = tmp_path / "door-of-mine.mp4"
    stranger.write_bytes(b"x" * 100_000)
    sink = RecordSink(tmp_path, "door", INFO, RecordOptions(segment_s=0.5, keep_bytes=1.0))
    for index in range(30):
        sink.write(live_result(index))
    sink.close({})
    assert len(sink.paths) == 2
    assert sorted(tmp_path.iterdir()) == sorted([stranger, *sink.paths])


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    sink = RecordSink(tmp_path / "gone", "door", INFO)
    with pytest.raises(OutputError, match="gone: cannot be written: No such file"):
        sink.write(live_result(0))
    sink.discard()
