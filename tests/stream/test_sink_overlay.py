"""The overlay video: the times of the source, any size, people where they are."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from steadypose.frame import Frame
from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import COCO17
from steadypose.stream.records import FrameResult, SourceInfo
from steadypose.stream.sinks import OverlaySink, draw_poses, encoding
from steadypose.stream.sinks.drawing import line_width, track_colour
from steadypose.stream.sources import open_source
from tests.media import number_of, picture, write_clip, write_pictures
from tests.stream.results import names, people, result, write_all

NOBODY = Poses.empty()


def read(path: Path) -> tuple[list[Fraction], list[np.ndarray]]:
    """Times in seconds, exactly, and pictures of a video."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        base = stream.time_base
    assert base is not None
    return [f.pts * base for f in frames], [f.to_ndarray(format="bgr24") for f in frames]


def copied(path: Path, out: Path) -> Path:
    """The overlay of a source without people."""
    source = open_source(path)
    sink = OverlaySink(out, source.info)
    write_all([sink], [FrameResult(frame=f, poses=NOBODY) for f in source])
    return out


STAMPS = [
    pytest.param(range(0, 300, 10), Fraction(1, 250), id="steady"),
    pytest.param([0, 33, 40, 41, 500, 2000], Fraction(1, 1000), id="variable"),
    pytest.param(range(0, 30_030, 1001), Fraction(1, 30_000), id="ntsc"),
    pytest.param(range(126_007, 234_007, 3600), Fraction(1, 90_000), id="starts-late"),
]


@pytest.mark.parametrize(("pts", "time_base"), STAMPS)
def test_the_times_are_those_of_the_source(
    tmp_path: Path, pts: list[int], time_base: Fraction
) -> None:
    source = write_clip(
        tmp_path / "clip.mkv", codec="ffv1", pix_fmt="bgr0", pts=pts, time_base=time_base
    )
    wanted, _ = read(source)
    times, images = read(copied(source, tmp_path / "out.mp4"))
    assert times == wanted
    assert [number_of(image) for image in images] == list(range(len(pts)))


@pytest.mark.parametrize("size", [(128, 96), (127, 96), (128, 95), (129, 97)])
def test_odd_sizes_are_filled_up(tmp_path: Path, size: tuple[int, int]) -> None:
    source = write_clip(tmp_path / "clip.mkv", codec="ffv1", pix_fmt="bgr0", size=size, frames=5)
    _, images = read(copied(source, tmp_path / "out.mp4"))
    width, height = size
    assert {image.shape for image in images} == {(height + height % 2, width + width % 2, 3)}
    np.testing.assert_allclose(
        images[0][:height, :width].astype(int).mean((0, 1)),
        picture(0, size).astype(int).mean((0, 1)),
        atol=4,
    )
    assert [number_of(image[:height, :width]) for image in images] == list(range(5))


def test_pictures_take_the_frame_rate_of_the_source(tmp_path: Path) -> None:
    source = open_source(write_pictures(tmp_path / "walk", 6), image_fps=12.5)
    sink = OverlaySink(tmp_path / "walk.mp4", source.info)
    write_all([sink], [FrameResult(frame=f, poses=NOBODY) for f in source])
    times, images = read(tmp_path / "walk.mp4")
    assert times == [Fraction(2 * n, 25) for n in range(6)]
    assert [number_of(image) for image in images] == list(range(6))


def test_frames_of_another_size_are_fitted_in(tmp_path: Path) -> None:
    sizes = [(128, 96), (64, 96), (256, 192)]
    info = SourceInfo(name="a", stem="a", fps=25.0)
    sink = OverlaySink(tmp_path / "a.mp4", info)
    frames = [
        Frame(index=n, pts_s=n / 25, captured_s=0, image=np.full((h, w, 3), 200, np.uint8))
        for n, (w, h) in enumerate(sizes)
    ]
    write_all([sink], [FrameResult(frame=f, poses=NOBODY) for f in frames])
    _, images = read(tmp_path / "a.mp4")
    assert {image.shape for image in images} == {(96, 128, 3)}
    assert images[1][:, 64].mean() > 180
    assert images[1][:, [4, 123]].mean() < 40


def test_people_are_drawn_into_the_frame_they_belong_to(tmp_path: Path) -> None:
    info = SourceInfo(name="a", stem="a", fps=25.0, time_base=Fraction(1, 25))
    sink = OverlaySink(tmp_path / "a.mp4", info)
    somebody = Poses.create(np.full((1, 17, 2), 60.0), track_ids=[1])
    write_all([sink], [result(n, somebody if n == 7 else NOBODY) for n in range(12)])
    _, images = read(tmp_path / "a.mp4")
    spread = [float(image[50:70, 50:70].std()) for image in images]
    assert int(np.argmax(spread)) == 7
    assert max(s for n, s in enumerate(spread) if n != 7) < 3


def test_a_run_that_is_cut_short_plays(tmp_path: Path) -> None:
    info = SourceInfo(name="a", stem="a", fps=25.0, time_base=Fraction(1, 25))
    sink = OverlaySink(tmp_path / "a.mp4", info)
    for n in range(3):
        sink.write(result(n, people(2, n)))
    assert names(tmp_path) == ["a.mp4.part"]
    sink.close({"outcome": "interrupted"})
    times, _ = read(tmp_path / "a.mp4")
    assert times == [Fraction(n, 25) for n in range(3)]
    assert names(tmp_path) == ["a.mp4"]
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("frames", [0, 3])
def test_discard_leaves_nothing(tmp_path: Path, frames: int) -> None:
    sink = OverlaySink(tmp_path / "a.mp4", SourceInfo(name="a", stem="a"))
    for n in range(frames):
        sink.write(result(n, people(1)))
    sink.discard()
    sink.discard()
    assert names(tmp_path) == []


def test_our_own_video_is_replaced(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.mkv", frames=3)
    copied(source, tmp_path / "out.mp4")
    copied(source, tmp_path / "out.mp4")
    assert names(tmp_path) == ["clip.mkv", "out.mp4"]


def test_without_an_h264_encoder_another_is_used_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(encoding.av, "codecs_available", {"mpeg4"})
    source = write_clip(tmp_path / "clip.mkv", frames=4)
    with caplog.at_level(logging.WARNING):
        out = copied(source, tmp_path / "out.mp4")
    assert [r.message for r in caplog.records] == [
        "FFmpeg was built without an H.264 encoder; the video is written as MPEG-4"
    ]
    _, images = read(out)
    assert [number_of(image) for image in images] == list(range(4))
    with av.open(str(out)) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"


GREY = np.full((96, 128, 3), 90, np.uint8)


def one(scores: float | np.ndarray = 1.0, points: np.ndarray | None = None) -> Poses:
    where = np.random.default_rng(3).uniform(20, 80, (1, 17, 2)) if points is None else points
    return Poses.create(where, np.full((1, 17), scores), track_ids=[5])


def test_drawing_leaves_the_picture_as_it_is() -> None:
    image = GREY.copy()
    image.flags.writeable = False
    drawn = draw_poses(image, one())
    assert (drawn != GREY).any()
    assert (image == GREY).all()
    assert drawn.flags.writeable


@pytest.mark.parametrize(
    "poses",
    [
        pytest.param(NOBODY, id="nobody"),
        pytest.param(one(scores=0.0), id="all-missing"),
        pytest.param(one(scores=0.19), id="all-below-the-threshold"),
    ],
)
def test_what_is_not_sure_is_not_drawn(poses: Poses) -> None:
    assert (draw_poses(GREY, poses, draw_score=0.2) == GREY).all()


def test_a_missing_joint_takes_its_limbs_along() -> None:
    points = np.full((1, 17, 2), np.nan)
    points[0, COCO17.index("left_wrist")] = (20, 50)
    points[0, COCO17.index("left_shoulder")] = (100, 50)
    drawn = draw_poses(GREY, one(points=points), labels=False)
    assert (drawn[50, 20] != 90).any()
    assert (drawn[50, 100] != 90).any()
    assert (drawn[:, 40:80] == 90).all()
    assert (drawn[:10] == 90).all()


def test_limbs_connect_their_joints_in_the_colour_of_the_identity() -> None:
    points = np.full((1, 17, 2), np.nan)
    points[0, COCO17.index("left_elbow")] = (20.5, 50.5)
    points[0, COCO17.index("left_shoulder")] = (100.5, 50.5)
    drawn = draw_poses(GREY, one(points=points), labels=False)
    np.testing.assert_allclose(drawn[50, 20:100], np.tile(track_colour(5), (80, 1)), atol=20)


def test_the_identity_is_written_unless_there_is_none() -> None:
    points = np.full((1, 17, 2), np.nan)
    points[0, 0] = (60, 60)
    someone = one(points=points)
    bare = draw_poses(GREY, someone, labels=False)
    assert (draw_poses(GREY, someone) != bare).any()
    stranger = someone.with_track_ids([NO_TRACK])
    without = draw_poses(GREY, stranger)
    assert (without[:50] == 90).all()


@pytest.mark.parametrize("far", [1e5, 1e9, 3e38])
def test_joints_far_outside_are_no_trouble(far: float) -> None:
    points = np.random.default_rng(0).uniform(20, 80, (1, 17, 2))
    points[0, 7] = (far, -far)
    poses = Poses.create(points, track_ids=[1])
    assert draw_poses(GREY, poses).shape == GREY.shape


def test_colours_are_stable_and_tell_neighbours_apart() -> None:
    colours = np.array([track_colour(n) for n in range(1, 13)], int)
    assert (colours == [track_colour(n) for n in range(1, 13)]).all()
    for a in range(12):
        for b in range(a):
            assert np.abs(colours[a] - colours[b]).max() > 30
    assert track_colour(NO_TRACK) not in {track_colour(n) for n in range(500)}


@pytest.mark.parametrize(
    ("height", "expected"), [(10, 1), (150, 2), (300, 3), (5000, 8), (float("nan"), 1)]
)
def test_lines_follow_the_size_of_the_person(height: float, expected: int) -> None:
    assert line_width(np.array([0, 0, 10, height])) == expected
