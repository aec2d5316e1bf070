"""What a user names, and which sources it stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from steadypose.errors import InputError
from steadypose.stream.sources import (
    ImageSource,
    LiveSource,
    VideoSource,
    expand_sources,
    open_source,
)
from tests.media import write_clip, write_pictures


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders of pictures, one of videos, one with both, one with neither."""
    write_pictures(tmp_path / "seq/b2", 2)
    write_pictures(tmp_path / "seq/b10", 2)
    write_pictures(tmp_path / "mixed", 1)
    for folder in ("videos", "other", "seq/none"):
        (tmp_path / folder).mkdir()
    clip = write_clip(tmp_path / "videos/clip10.mp4", frames=2)
    for copy in ("videos/clip2.mp4", "videos/CLIP3.MP4", "mixed/clip.mp4"):
        (tmp_path / copy).write_bytes(clip.read_bytes())
    (tmp_path / "other/readme.md").write_text("nothing to see")
    monkeypatch.chdir(tmp_path)
    return tmp_path


VIDEOS = ["videos/clip2.mp4", "videos/CLIP3.MP4", "videos/clip10.mp4"]
EXPANDED = [
    pytest.param(["seq/b2"], ["seq/b2"], id="pictures"),
    pytest.param(["videos"], VIDEOS, id="videos"),
    pytest.param(["mixed"], ["mixed", "mixed/clip.mp4"], id="both"),
    pytest.param(["videos/clip*.mp4"], ["videos/clip2.mp4", "videos/clip10.mp4"], id="pattern"),
    pytest.param(["seq/b2/*.png"], ["seq/b2/*.png"], id="pattern-of-pictures"),
    pytest.param(["seq/*"], ["seq/b2", "seq/b10"], id="pattern-of-folders"),
    pytest.param(["**/clip10.mp4"], ["videos/clip10.mp4"], id="pattern-through-folders"),
    pytest.param(["videos/clip2.mp4", "seq/b2"], ["videos/clip2.mp4", "seq/b2"], id="as-named"),
    pytest.param(["gone.mp4"], ["gone.mp4"], id="missing-is-told-when-opened"),
    pytest.param(["0", "rtsp://h/*"], ["0", "rtsp://h/*"], id="live"),
]


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(("specs", "expected"), EXPANDED)
def test_expand(specs: list[str], expected: list[str]) -> None:
    assert expand_sources(specs) == expected


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("other", "the folder holds neither pictures nor videos"),
        ("other/*", "no file matches, or none is a picture or a video"),
        ("gone*", "no file matches"),
    ],
)
def test_nothing_to_expand(spec: str, reason: str) -> None:
    for act in (lambda: expand_sources([spec]), lambda: open_source(spec)):
        with pytest.raises(InputError) as failure:
            act()
        assert str(failure.value).startswith(f"{spec}: ")
        assert reason in str(failure.value)


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("spec", "kind", "stem"),
    [
        ("videos/clip2.mp4", VideoSource, "clip2"),
        ("videos/*10.mp4", VideoSource, "clip10"),
        ("mixed", ImageSource, "mixed"),
        ("seq/b2", ImageSource, "b2"),
        ("seq/b10/*.png", ImageSource, "b10"),
    ],
)
def test_open(spec: str, kind: type, stem: str) -> None:
    source = open_source(spec)
    assert isinstance(source, kind)
    assert source.info.stem == stem
    source.close()


@pytest.mark.usefixtures("tree")
def test_several_videos_are_not_one_source() -> None:
    with pytest.raises(InputError, match="videos: holds 3 videos; name one of them"):
        open_source("videos")


def test_what_is_expanded_opens(tree: Path) -> None:
    for spec in expand_sources(["seq/*", "videos", "mixed"]):
        assert len(list(open_source(spec))) > 0
    assert tree.is_dir()


@pytest.mark.parametrize("spec", ["0", "webcam:1", "rtsp://me:secret@cam/x", "udp://h:1"])
def test_cameras_and_urls_are_live(spec: str) -> None:
    source = open_source(spec)
    assert isinstance(source, LiveSource)
    assert source.info.live
    assert "secret" not in repr(source.info)
    source.close()


def test_a_file_named_by_a_number_is_no_camera(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "7.mp4", frames=2).rename(tmp_path / "7")
    monkeypatch.chdir(tmp_path)
    assert len(list(open_source("7"))) == 2


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one(tmp_path: Path, limit: int) -> None:
    with pytest.raises(InputError, match="max_frames"):
        open_source(tmp_path, max_frames=limit)
