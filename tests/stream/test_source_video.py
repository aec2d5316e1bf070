"""Video files as sources: every frame once, at its time, upright, and what damage does."""

from __future__ import annotations

import gc
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from steadypose.errors import InputError
from steadypose.stream.sources import VideoSource, decoder_options, open_source
from steadypose.stream.sources.decoding import apply_options
from tests.media import (
    SIZE,
    cut,
    numbers,
    set_display_matrix,
    write_clip,
)

FASTSTART = {"movflags": "+faststart"}
B_FRAMES = {"bf": "2", "g": "12", "refs": "2"}


CONTAINERS = [
    pytest.param("clip.mp4", {"options": B_FRAMES}, id="mp4-h264-b-frames"),
    pytest.param(
        "clip.mp4", {"codec": "libx265", "options": {"x265-params": "log-level=0"}}, id="mp4-hevc"
    ),
    pytest.param("clip.mov", {"codec": "mpeg4"}, id="mov-mpeg4"),
    pytest.param("clip.mkv", {"options": B_FRAMES}, id="mkv-h264-b-frames"),
    pytest.param("clip.webm", {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}}, id="webm-vp9"),
    pytest.param("clip.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}, id="avi-mjpeg"),
    pytest.param("clip.avi", {"codec": "mpeg4"}, id="avi-mpeg4"),
    pytest.param("clip.avi", {"options": B_FRAMES}, id="avi-h264-b-frames"),
    pytest.param("clip.ts", {"options": B_FRAMES}, id="ts-h264-b-frames"),
    pytest.param("clip.flv", {"options": {"bf": "0"}}, id="flv-h264"),
    pytest.param("clip.mpg", {"codec": "mpeg2video"}, id="mpg-mpeg2"),
    pytest.param("clip.mkv", {"codec": "ffv1", "pix_fmt": "yuv422p10le"}, id="mkv-ffv1-10-bit"),
    pytest.param("clip.mp4", {"size": (126, 94)}, id="width-that-ffmpeg-pads"),
]


@pytest.mark.parametrize(("name", "how"), CONTAINERS)
@pytest.mark.parametrize("threads", [1, 3])
def test_every_frame_once_in_order(
    tmp_path: Path, name: str, how: dict[str, Any], threads: int
) -> None:
    path = write_clip(tmp_path / name, frames=30, **how)
    source = VideoSource(path, decoder_threads=threads)
    frames = list(source)
    assert numbers(frames) == list(range(30))
    assert [f.index for f in frames] == list(range(30))
    steps = np.diff([f.pts_s for f in frames])
    np.testing.assert_allclose(steps, 0.04, atol=1.1e-3)  # some containers hold milliseconds
    assert source.warnings == []
    size = how.get("size", SIZE)
    assert (source.info.width, source.info.height) == size
    assert {f.image.shape for f in frames} == {(size[1], size[0], 3)}
    assert all(f.image.flags.c_contiguous and not f.image.flags.writeable for f in frames)


def test_info(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=30, options=B_FRAMES)
    info = open_source(path).info
    assert (info.name, info.stem, info.codec, info.live) == ("clip.mp4", "clip", "h264", False)
    assert (info.frames, info.fps) == (30, 25.0)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_variable_frame_rate_keeps_the_times(tmp_path: Path, name: str) -> None:
    stamps = [0, 33, 40, 41, 500, 2000, 2033]
    path = write_clip(tmp_path / name, pts=stamps, time_base=Fraction(1, 1000))
    source = open_source(path)
    frames = list(source)
    assert [f.pts_s for f in frames] == pytest.approx([s / 1000 for s in stamps], abs=1e-9)
    base = source.info.time_base
    assert base is not None
    assert [f.pts_s for f in frames] == [float(f.pts * base) for f in frames if f.pts is not None]


def test_a_stream_without_time_stamps_is_counted_on(tmp_path: Path) -> None:
    source = open_source(write_clip(tmp_path / "raw.h264", frames=10))
    frames = list(source)
    assert [f.pts_s for f in frames] == pytest.approx([n / 25 for n in range(10)])
    assert len(source.warnings) == 1
    assert "10 frame(s) had no time stamp" in source.warnings[0]


MATRICES = [
    pytest.param((1, 0, 0, 1), lambda i: i, id="upright"),
    pytest.param((0, 1, -1, 0), lambda i: np.rot90(i, -1), id="quarter-clockwise"),
    pytest.param((-1, 0, 0, -1), lambda i: np.rot90(i, 2), id="half"),
    pytest.param((0, -1, 1, 0), lambda i: np.rot90(i, 1), id="quarter-counter-clockwise"),
    pytest.param((-1, 0, 0, 1), lambda i: i[:, ::-1], id="mirrored"),
    pytest.param((0, 1, 1, 0), lambda i: i.transpose(1, 0, 2), id="transposed"),
]


@pytest.mark.parametrize(("matrix", "turn"), MATRICES)
def test_rotation_metadata_is_honoured(tmp_path: Path, matrix: Any, turn: Any) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=3)
    stored = [f.image for f in open_source(path)]
    source = open_source(set_display_matrix(path, matrix))
    shown = [f.image for f in source]
    for before, after in zip(stored, shown, strict=True):
        np.testing.assert_array_equal(after, turn(before))
    assert (source.info.height, source.info.width) == shown[0].shape[:2]


def test_frames_keep_their_size_where_it_changes(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "a.h264", frames=5, size=(128, 96))
    second = write_clip(tmp_path / "b.h264", frames=5, size=(64, 64), first=5)
    both = tmp_path / "both.h264"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    frames = list(open_source(both))
    assert [f.image.shape[:2] for f in frames] == [(96, 128)] * 5 + [(64, 64)] * 5
    assert numbers(frames) == list(range(10))


def test_a_colon_in_the_name_is_no_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "clip.mp4", frames=2).rename(tmp_path / "http:30.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(list(open_source("http:30.mp4"))) == 2


def test_of_several_videos_the_largest_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        for size in ((64, 48), (128, 96)):
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height = size
        for stream in container.streams.video:
            frame = av.VideoFrame(stream.width, stream.height, "yuv420p")
            frame.pts = 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    assert open_source(path).info.width == 128


def test_max_frames(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=30, muxer=FASTSTART)
    source = open_source(cut(path, 0.8), max_frames=5)
    assert source.info.frames == 5
    assert numbers(list(source)) == list(range(5))


def test_a_source_is_iterated_once(tmp_path: Path) -> None:
    source = open_source(write_clip(tmp_path / "clip.mp4"))
    list(source)
    with pytest.raises(InputError, match="only once"):
        list(source)


def test_close_before_the_first_frame(tmp_path: Path) -> None:
    source = open_source(write_clip(tmp_path / "clip.mp4"))
    source.close()
    source.close()
    assert list(source) == []


def test_close_between_iter_and_next(tmp_path: Path) -> None:
    source = open_source(write_clip(tmp_path / "clip.mp4"))
    frames = iter(source)
    source.close()
    assert list(frames) == []


def test_close_from_another_thread_ends_the_iteration(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=250, size=(64, 48))
    for delay in (0, 1, 5, 20):
        source = VideoSource(path, decoder_threads=2)
        seen, enough = [], threading.Event()

        def read(source: VideoSource = source, seen: list[int] = seen) -> None:
            for frame in source:
                seen.append(frame.index)
                if len(seen) > delay:  # noqa: B023
                    enough.set()  # noqa: B023

        reader = threading.Thread(target=read)
        reader.start()
        assert enough.wait(10)
        source.close()
        reader.join(10)
        assert not reader.is_alive()
        assert seen == list(range(len(seen)))


def test_leaving_the_loop_lets_go_of_the_file(tmp_path: Path) -> None:
    source = open_source(write_clip(tmp_path / "clip.mp4"))
    frames = iter(source)
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    source.close()
    assert list(frames) == []


def test_decoder_options_follow_the_use() -> None:
    live, file = decoder_options(live=True), decoder_options(live=False)
    assert (live.thread_type, live.low_delay) == ("SLICE", True)
    assert (file.thread_type, file.low_delay) == ("AUTO", False)
    assert 1 <= file.thread_count <= 4
    assert decoder_options(live=False, threads=7).thread_count == 7
    assert decoder_options(live=True, threads=2).thread_count == 2


def packets_before_the_first_picture(path: Path, *, live: bool) -> int:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        apply_options(stream, decoder_options(live=live, threads=6))
        for count, packet in enumerate(container.demux(stream), 1):
            if packet.decode():
                return count
    raise AssertionError("no picture")


def test_live_options_give_the_first_picture_at_once(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=30, options={"tune": "zerolatency"})
    assert packets_before_the_first_picture(path, live=True) == 1
    assert packets_before_the_first_picture(path, live=False) > 3


CLIPS = (
    "vtest.avi",
    "people-walking-swdee.mp4",
    "openpose_video.avi",
    "pose2sim_multi_cam01.mp4",
    "mmpose_demo.mp4",
)


@pytest.mark.parametrize("name", CLIPS)
def test_development_clips_frame_by_frame(data_dir: Path, name: str) -> None:
    path = data_dir / "videos" / name
    if not path.is_file():
        pytest.skip(f"{name} is not in the development data")
    with av.open(str(path)) as container:
        stamps = [f.pts for f in container.decode(container.streams.video[0])]
    source = open_source(path)
    seen = [(f.index, f.pts) for f in source]
    assert seen == list(enumerate(stamps))
    assert source.warnings == []


def test_pictures_do_not_outlive_their_use(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "many.mp4", frames=60)
    gc.collect()
    gc.disable()
    try:
        alive = []
        for _ in VideoSource(path):
            alive.append(sum(type(o) is av.VideoFrame for o in gc.get_objects()))
    finally:
        gc.enable()
    # What one picture needs, and what the decoder holds for reordering: not one for each so far.
    assert max(alive) < 20
