"""The anonymised video and the crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from steadypose.configs import OutputConfig
from steadypose.errors import ConfigError, OutputError
from steadypose.frame import Frame
from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import COCO17
from steadypose.stream.records import FrameResult, SourceInfo
from steadypose.stream.sinks import BlurSink, CropSink
from steadypose.stream.sources import VideoSource
from tests.stream.results import names

SIZE = (160, 240)
INFO = SourceInfo(name="clip.mp4", stem="clip", width=SIZE[1], height=SIZE[0], fps=25.0)
BOX = (60.0, 20.0, 120.0, 150.0)
HEAD = (slice(25, 45), slice(80, 100))
FEET = (slice(135, 148), slice(70, 110))
ASIDE = (slice(20, 150), slice(180, 240))


def noise(seed: int = 0) -> np.ndarray:
    """A picture full of detail, which no blur leaves as it is."""
    return np.random.default_rng(seed).integers(0, 255, (*SIZE, 3), np.uint8)


def person(*, face: bool = True, track_id: int = 1) -> Poses:
    points = np.full((17, 2), np.nan)
    points[5:] = np.random.default_rng(1).uniform((70, 60), (110, 145), (12, 2))
    if face:
        points[:5] = [(90, 38), (93, 35), (87, 35), (98, 36), (82, 36)]
    return Poses.create(points[None], boxes=[BOX], track_ids=[track_id], skeleton=COCO17)


def seen(index: int, poses: Poses, image: np.ndarray) -> FrameResult:
    frame = Frame(index, index / 25, 0.0, image, "clip.mp4")
    return FrameResult(frame=frame, poses=poses)


def detail(image: np.ndarray, part: Sequence[slice]) -> float:
    """How much of the picture's detail a part still has, 1 for all."""
    grey = image[tuple(part)].astype(float).mean(-1)
    whole = noise()[tuple(part)].astype(float).mean(-1)
    return float(np.abs(np.diff(grey, axis=1)).mean() / np.abs(np.diff(whole, axis=1)).mean())


@pytest.mark.parametrize("face", [True, False], ids=["face-seen", "face-not-seen"])
@pytest.mark.parametrize("kind", ["faces", "people"])
def test_what_is_hidden(tmp_path: Path, kind: str, face: bool) -> None:
    sink = BlurSink(tmp_path / "b.mp4", INFO, kind)
    image = noise()
    hidden = sink.picture(seen(0, person(face=face), image))
    sink.discard()
    assert np.array_equal(image, noise())
    assert detail(hidden, HEAD) < 0.2
    assert (detail(hidden, FEET) < 0.2) == (kind == "people")
    assert np.array_equal(hidden[ASIDE], image[ASIDE])


@pytest.mark.parametrize(("frames", "still"), [(12, True), (14, False)])
def test_who_is_lost_stays_hidden_for_a_while(tmp_path: Path, frames: int, still: bool) -> None:
    sink = BlurSink(tmp_path / "b.mp4", INFO, "faces")
    sink.picture(seen(0, person(), noise()))
    hidden = sink.picture(seen(frames, Poses.empty(), noise()))
    sink.discard()
    assert (detail(hidden, HEAD) < 0.2) is still


def test_people_without_identity_are_hidden_too(tmp_path: Path) -> None:
    sink = BlurSink(tmp_path / "b.mp4", INFO, "people")
    hidden = sink.picture(seen(0, person(track_id=NO_TRACK), noise()))
    sink.discard()
    assert detail(hidden, HEAD) < 0.2


@pytest.mark.parametrize(
    "box",
    [(-50, -80, 10, 20), (230, 150, 400, 300), (500, 500, 600, 700), (0, 0, 0, 0), (np.nan,) * 4],
)
def test_people_at_the_edge_and_beyond(tmp_path: Path, box: tuple[float, ...]) -> None:
    poses = replace(person(face=False), boxes=np.array([box], np.float32))
    for kind in ("faces", "people"):
        sink = BlurSink(tmp_path / "b.mp4", INFO, kind)
        assert sink.picture(seen(0, poses, noise())).shape == (*SIZE, 3)
        sink.discard()


def test_the_video_can_be_read(tmp_path: Path) -> None:
    sink = BlurSink(tmp_path / "clip.blurred.mp4", INFO, "faces")
    for n in range(5):
        sink.write(seen(n, person(), noise()))
    sink.close({})
    assert names(tmp_path) == ["clip.blurred.mp4"]
    assert sum(1 for _ in VideoSource(tmp_path / "clip.blurred.mp4")) == 5


def test_an_unknown_kind() -> None:
    with pytest.raises(ConfigError, match="expected off, faces or people, got 'cars'"):
        OutputConfig(blur="cars")


def test_crops_are_the_boxes_a_little_wider(tmp_path: Path) -> None:
    sink = CropSink(tmp_path / "clip.crops")
    image = cv2.GaussianBlur(noise(), (15, 15), 0)
    sink.write(seen(0, person(track_id=3), image))
    sink.write(seen(1, person(track_id=NO_TRACK), image))
    outside = replace(person(track_id=3), boxes=np.array([(500, 0, 600, 90)], np.float32))
    sink.write(seen(2, outside, image))
    sink.close({})
    assert names(tmp_path / "clip.crops") == ["person0003"]
    assert names(tmp_path / "clip.crops" / "person0003") == ["000000000000.jpg"]
    crop = cv2.imread(str(tmp_path / "clip.crops" / "person0003" / "000000000000.jpg"))
    assert crop.shape == (SIZE[0] - 7, 6 + 60 + 6, 3)
    assert np.abs(crop.astype(int) - image[7:, 54:126]).mean() < 4


def test_a_folder_of_others_is_spared(tmp_path: Path) -> None:
    (tmp_path / "clip.crops").mkdir()
    (tmp_path / "clip.crops" / "holiday.jpg").touch()
    with pytest.raises(OutputError, match=r"holds other files \(holiday.jpg\)"):
        CropSink(tmp_path / "clip.crops")
    assert names(tmp_path) == ["clip.crops"]
