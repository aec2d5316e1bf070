"""Pictures as sources: their order, their kinds, and what a broken one does."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from steadypose.errors import InputError, SourceError
from steadypose.stream.sources import open_source
from tests.media import SIZE, cut, number_of, picture, write_pictures


def test_a_folder_in_natural_order(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "walk", 12)
    (folder / "notes.txt").write_text("left alone")
    (folder / ".hidden.png").write_bytes(b"left alone")
    source = open_source(folder)
    frames = list(source)
    assert [number_of(f.image) for f in frames] == list(range(12))
    assert [f.file_name for f in frames] == [f"frame{n + 1}.png" for n in range(12)]
    assert [f.pts_s for f in frames] == [n / 25 for n in range(12)]
    assert {f.pts for f in frames} == {None}
    info = source.info
    assert (info.name, info.stem, info.frames, info.fps) == ("walk", "walk", 12, 25.0)
    assert (info.width, info.height, info.time_base) == (*SIZE, None)
    assert source.warnings == []


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".TIFF"])
def test_every_kind(tmp_path: Path, suffix: str) -> None:
    write_pictures(tmp_path / "f", 3, suffix)
    assert [number_of(f.image) for f in open_source(tmp_path / "f")] == [0, 1, 2]


def test_a_pattern(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "walk", 11)
    source = open_source(str(folder / "frame1*.png"))
    assert [f.file_name for f in source] == ["frame1.png", "frame10.png", "frame11.png"]
    assert source.info.stem == "walk"


def test_a_pattern_over_folders(tmp_path: Path) -> None:
    for name in ("cam10", "cam2"):
        write_pictures(tmp_path / name, 1)
    source = open_source(str(tmp_path / "cam*" / "*.png"))
    assert len(list(source)) == 2
    assert source.info.stem == "images"


def test_a_folder_with_brackets_in_its_name_is_no_pattern(tmp_path: Path) -> None:
    write_pictures(tmp_path / "take[1]", 2)
    assert len(list(open_source(str(tmp_path / "take[1]")))) == 2


def test_one_picture(tmp_path: Path) -> None:
    path = write_pictures(tmp_path, 1, ".jpg") / "frame1.jpg"
    source = open_source(path)
    assert [f.file_name for f in source] == ["frame1.jpg"]
    assert (source.info.name, source.info.stem) == ("frame1.jpg", "frame1")


def test_frame_rate_and_limit(tmp_path: Path) -> None:
    source = open_source(write_pictures(tmp_path / "f", 9), image_fps=10, max_frames=3)
    assert [f.pts_s for f in source] == [0.0, 0.1, 0.2]
    assert source.info.frames == 3


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_a_frame_rate_that_is_none(tmp_path: Path, fps: float) -> None:
    with pytest.raises(InputError, match="frame rate for f"):
        open_source(write_pictures(tmp_path / "f", 1), image_fps=fps)


GREY = np.full((20, 30), 77, np.uint8)
CHANNELS = [
    pytest.param(GREY, (77, 77, 77), id="grey"),
    pytest.param(np.dstack([GREY, GREY, GREY, GREY // 2]), (77, 77, 77), id="alpha"),
    pytest.param(GREY.astype(np.uint16) * 257, (77, 77, 77), id="grey-16-bit"),
    pytest.param(
        np.full((20, 30, 3), (10 * 257, 20 * 257, 30 * 257), np.uint16), (10, 20, 30), id="16-bit"
    ),
]


@pytest.mark.parametrize(("stored", "expected"), CHANNELS)
def test_all_become_8_bit_bgr(
    tmp_path: Path, stored: np.ndarray, expected: tuple[int, int, int]
) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), stored)
    (frame,) = open_source(tmp_path)
    assert frame.image.shape == (20, 30, 3)
    np.testing.assert_allclose(frame.image, np.broadcast_to(expected, (20, 30, 3)), atol=1)
    assert not frame.image.flags.writeable


def with_orientation(path: Path, value: int) -> None:
    """Put an EXIF block with one entry, the orientation, behind the start of a JPEG."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, value, 0)
    block = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    marker = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    data = path.read_bytes()
    path.write_bytes(data[:2] + marker + data[2:])


def test_exif_orientation_is_honoured(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), np.ascontiguousarray(np.rot90(picture(37), 1)))
    with_orientation(path, 6)  # "turn a quarter clockwise to show"
    source = open_source(tmp_path)
    assert (source.info.width, source.info.height) == SIZE
    assert [number_of(f.image) for f in source] == [37]


def break_by_cutting(path: Path) -> None:
    cut(path, 0.6)


def break_by_emptying(path: Path) -> None:
    path.write_bytes(b"")


def break_by_text(path: Path) -> None:
    path.write_text("not a picture")


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("harm", [break_by_cutting, break_by_emptying, break_by_text])
@pytest.mark.parametrize("number", [0, 4, 7])
def test_a_broken_picture_costs_itself_only(
    tmp_path: Path,
    suffix: str,
    harm: Callable[[Path], None],
    number: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = write_pictures(tmp_path / "f", 8, suffix)
    harm(folder / f"frame{number + 1}{suffix}")
    source = open_source(folder)
    frames = []
    with pytest.raises(SourceError) as failure:
        frames.extend(source)
    others = [n for n in range(8) if n != number]
    assert [f.index for f in frames] == others
    assert [number_of(f.image) for f in frames] == others
    assert [f.pts_s for f in frames] == [n / 25 for n in others]
    broken = f"frame{number + 1}{suffix}"
    assert str(failure.value) == f"f: 1 of 8 pictures could not be read, the first is {broken}"
    assert len(source.warnings) == 1
    assert source.warnings[0].startswith(f"frame {number} left out: ")
    assert broken in source.warnings[0]
    assert capfd.readouterr().err == ""


def test_a_picture_that_vanishes_is_told(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "f", 3)
    source = open_source(folder)
    (folder / "frame2.png").unlink()
    with pytest.raises(SourceError, match=r"the first is frame2\.png"):
        list(source)


def test_no_picture_at_all(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "f", 2)
    for path in folder.iterdir():
        break_by_text(path)
    with pytest.raises(InputError, match=r"none of its 2 picture\(s\) can be read"):
        open_source(folder)


def test_close_ends_the_iteration(tmp_path: Path) -> None:
    source = open_source(write_pictures(tmp_path / "f", 5))
    frames = iter(source)
    next(frames)
    source.close()
    assert list(frames) == []
    assert list(source) == []


def test_a_source_is_iterated_once(tmp_path: Path) -> None:
    source = open_source(write_pictures(tmp_path / "f", 1))
    list(source)
    with pytest.raises(InputError, match="only once"):
        list(source)
