"""Video files that are cut off, damaged or no videos: what is refused, kept and told."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from steadypose.errors import InputError
from steadypose.stream.sources import VideoSource, open_source
from tests.media import (
    cut,
    numbers,
    packet_places,
    spoil,
    until_failure,
    write_clip,
    write_sound,
)

FASTSTART = {"movflags": "+faststart"}
B_FRAMES = {"bf": "2", "g": "12", "refs": "2"}


def make_text(path: Path) -> Path:
    path.write_text("no video at all\n" * 200)
    return path


def make_empty(path: Path) -> Path:
    path.touch()
    return path


def make_folder(path: Path) -> Path:
    path.mkdir()
    return path


REFUSED = [
    pytest.param("gone.mp4", lambda p: p, "no such file", id="missing"),
    pytest.param("empty.mp4", make_empty, "the file is empty", id="no-bytes"),
    pytest.param("text.mp4", make_text, "not a video file", id="text-named-mp4"),
    pytest.param("text.txt", make_text, "a text file", id="text"),
    pytest.param("folder", make_folder, "neither pictures nor videos", id="empty-folder"),
    pytest.param("song.m4a", write_sound, "holds no video, only audio", id="sound"),
    pytest.param(
        "song.mp4",
        lambda p: write_sound(p, cover=True),
        "holds no video, only audio and cover art",
        id="cover-art",
    ),
    pytest.param(
        "clip.mp4", lambda p: cut(write_clip(p), 0.7), "not a video file", id="mp4-without-index"
    ),
    pytest.param(
        "clip.mp4",
        lambda p: cut(write_clip(p, muxer=FASTSTART), 0.2),
        "no picture can be decoded",
        id="mp4-without-pictures",
    ),
]


@pytest.mark.parametrize(("name", "make", "reason"), REFUSED)
def test_refused_on_opening(tmp_path: Path, name: str, make: Any, reason: str) -> None:
    path = make(tmp_path / name)
    with pytest.raises(InputError) as failure:
        open_source(path)
    message = str(failure.value)
    assert name in message
    assert reason in message
    assert "\n" not in message


CUT = [
    pytest.param("clip.mp4", {"muxer": FASTSTART, "options": B_FRAMES}, id="mp4"),
    pytest.param("clip.mov", {"muxer": FASTSTART, "codec": "mpeg4"}, id="mov"),
    pytest.param("clip.mkv", {"options": B_FRAMES}, id="mkv"),
    pytest.param("clip.mkv", {"audio_s": 8.0, "options": {"bf": "0"}}, id="mkv-with-longer-sound"),
    pytest.param("clip.webm", {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}}, id="webm"),
    pytest.param("clip.avi", {"codec": "mpeg4"}, id="avi"),
    pytest.param("clip.flv", {"options": {"bf": "0"}}, id="flv"),
    pytest.param(
        "clip.mp4",
        {"muxer": {"movflags": "frag_keyframe+empty_moov"}, "options": B_FRAMES},
        id="fragmented-mp4",
    ),
]


@pytest.mark.parametrize(("name", "how"), CUT)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_file_that_was_cut_off_gives_what_it_has_then_fails(
    tmp_path: Path, name: str, how: dict[str, Any], threads: int
) -> None:
    path = write_clip(tmp_path / name, frames=100, **how)
    cut(path, 0.6)
    frames, message = until_failure(VideoSource(path, decoder_threads=threads))
    assert 20 <= len(frames) <= 80
    assert numbers(frames) == list(range(len(frames)))
    expected = rf"{name}: ended after frame {len(frames)} of about \d+ \(truncated or damaged\)"
    assert re.fullmatch(expected, message)


def test_no_frame_is_lost_before_a_cut(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=60, muxer=FASTSTART, options={"bf": "0"})
    whole, (start, size) = path.read_bytes(), packet_places(path)[40]
    for kept in (start, start + 1, start + size // 2, start + size - 1):
        path.write_bytes(whole[:kept])
        for threads in (1, 2, 4):
            frames, _ = until_failure(VideoSource(path, decoder_threads=threads))
            assert len(frames) == 40, (kept - start, threads)


def test_a_cut_behind_the_last_picture_is_a_warning(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.avi", frames=40, codec="mpeg4")
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"idx1") + 20])
    source = open_source(path)
    assert len(list(source)) == 40
    assert source.warnings == ["clip.avi: the file is cut off, but behind its last picture"]


HEALTHY = [
    pytest.param("clip.mp4", {"audio_s": 6.0}, id="sound-goes-on"),
    pytest.param("clip.mkv", {"audio_s": 6.0}, id="sound-goes-on-in-mkv"),
    pytest.param(
        "clip.mkv",
        {"pts": [0, 40, 80, 5000], "time_base": Fraction(1, 1000)},
        id="long-pause-before-the-end",
    ),
    pytest.param(
        "clip.mp4",
        {"pts": range(90_000, 90_000 + 36_000, 3600), "time_base": Fraction(1, 90_000)},
        id="starts-late",
    ),
]


@pytest.mark.parametrize(("name", "how"), HEALTHY)
def test_a_healthy_file_is_not_called_cut_off(
    tmp_path: Path, name: str, how: dict[str, Any]
) -> None:
    source = open_source(write_clip(tmp_path / name, **how))
    assert len(list(source)) == len(how.get("pts", range(12)))
    assert source.warnings == []


def test_a_trailer_of_unknown_bytes_does_no_harm(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4")
    with path.open("ab") as file:
        file.write(b"\x00\x10\x00\x00SEFTsomething a telephone left here")
    source = open_source(path)
    assert len(list(source)) == 12
    assert source.warnings == []


@pytest.mark.parametrize("threads", [1, 3])
def test_damage_in_the_middle_is_survived_and_told(
    tmp_path: Path, threads: int, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_clip(
        tmp_path / "clip.mp4", frames=60, options={"g": "10", "bf": "0"}, muxer=FASTSTART
    )
    start, size = packet_places(path)[25]
    spoil(path, start + 6, size - 6)
    source = VideoSource(path, decoder_threads=threads)
    frames = list(source)
    assert numbers(frames[:25]) == list(range(25))
    assert numbers(frames[-30:]) == list(range(30, 60))
    assert len(source.warnings) == 1
    assert "damaged packet(s) or picture(s), the first near frame 2" in source.warnings[0]
    assert capfd.readouterr().err == ""


def test_noise_to_the_end_is_a_failure(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=100, options={"bf": "0"}, muxer=FASTSTART)
    data, (start, _) = path.read_bytes(), packet_places(path)[40]
    path.write_bytes(data[:start].ljust(len(data), b"\0"))  # as a broken download looks
    frames, message = until_failure(VideoSource(path))
    assert numbers(frames[:40]) == list(range(40))
    assert "of about 100 (truncated or damaged)" in message


def test_a_hole_in_the_container_is_survived(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv", frames=100, options={"g": "10", "bf": "0"})
    start, _ = packet_places(path)[50]
    spoil(path, start - 30, 200)
    source = open_source(path)
    frames = list(source)
    assert numbers(frames[:40]) == list(range(40))
    assert numbers(frames)[-1] == 99
