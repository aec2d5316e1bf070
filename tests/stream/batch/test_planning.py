from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from steadypose.errors import InputError
from steadypose.stream.batch.naming import shortened
from steadypose.stream.batch.planning import plan
from tests.media import write_pictures


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(*paths: object, output: str = "out") -> list[str]:
    return [video.name for video in plan([str(path) for path in paths], output)]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a tree of videos in ``shelf``."""
    touch(tmp_path, "shelf/b10.mp4", "shelf/b9.mp4", "shelf/day/a.mkv", "shelf/day/deep/a.mkv")
    touch(tmp_path, "shelf/.hidden/x.mp4", "shelf/.y.mp4", "shelf/notes.txt")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "shelf"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["shelf"], ["b9", "b10", "day/a", "day/deep/a"]),
        (["shelf/"], ["b9", "b10", "day/a", "day/deep/a"]),
        (["shelf/b9.mp4"], ["b9"]),
        (["shelf/*.mp4"], ["b9", "b10"]),
        (["shelf/**/*.mkv"], ["day/a", "day/deep/a"]),
        (["shelf/d*"], ["day/a", "day/deep/a"]),
        (["shelf/b9.mp4", "shelf", "shelf/b9.mp4"], ["b9", "b10", "day/a", "day/deep/a"]),
    ],
    ids=["folder", "slash", "file", "glob", "deep-glob", "folder-glob", "each-once"],
)
def test_what_stands_for_which_videos(shelf: Path, paths: list[str], expected: list[str]) -> None:
    assert names(*paths) == expected


def test_a_list_keeps_relative_folders(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = f"# a list\nshelf/day/a.mkv\n\n  shelf/b9.mp4  \n{shelf}/b10.mp4\nshelf/day/deep\n"
    Path("list.txt").write_text(lines)
    expected = ["shelf/day/a", "shelf/b9", "b10", "a"]
    assert names("@list.txt") == expected
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert names("@-") == expected


def test_a_list_that_is_not_there() -> None:
    with pytest.raises(InputError, match=r"@none\.txt: the list cannot be read: No such file"):
        plan(["@none.txt"], "out")


def test_the_output_is_passed_over(shelf: Path) -> None:
    touch(shelf, "out/b9.mp4", "out/day/b.mp4")
    assert names("shelf", output="shelf/out") == ["b9", "b10", "day/a", "day/deep/a"]


def test_pictures_are_one_clip_unless_they_lie_beside_videos(shelf: Path) -> None:
    write_pictures(shelf / "frames", 2)
    write_pictures(shelf / "day", 1)
    assert names("shelf") == ["b9", "b10", "day/a", "day/deep/a", "frames"]
    assert names("shelf/frames/*.png") == ["frames"]


def test_a_stem_that_comes_twice(tmp_path: Path) -> None:
    touch(tmp_path, "one/x.mp4", "one/x.MOV", "one/X.avi", "two/x.mp4", "two/y.mp4")
    found = names(tmp_path / "one", tmp_path / "two")
    assert sorted(found) == ["X.avi", "x.MOV", "x.mp4", "x.mp4-2", "y"]
    assert names(tmp_path / "one" / "x.mp4") == ["x"]


def test_names_do_not_depend_on_the_order(tmp_path: Path) -> None:
    touch(tmp_path, "x.mp4", "x.mov")
    paths = [tmp_path / "x.mp4", tmp_path / "x.mov"]
    assert names(*paths) == names(*reversed(paths))[::-1] == ["x.mp4", "x.mov"]


@pytest.mark.parametrize("letter", ["x", "ü", "漢", "👣"])
def test_long_names_are_cut_between_letters_and_stay_distinct(letter: str) -> None:
    one, other = (letter * (250 // len(letter.encode())) + end for end in ("a", "b"))
    assert len(shortened(one).encode()) <= 199
    assert shortened(one).startswith(letter)
    assert shortened(one) != shortened(other)
    assert shortened(letter) == letter


def test_a_name_that_is_no_text_has_a_problem(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/a\xff.mp4"
    with open(path, "wb"):  # noqa: PTH123 - the name is bytes
        pass
    (video,) = plan([str(tmp_path)], "out")
    assert video.problem == "its name is not valid UTF-8; rename it"
    video.name.encode()


def test_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no videos found"):
        plan([str(tmp_path)], "out")


def test_a_file_that_is_missing_is_left_to_fail_alone(shelf: Path) -> None:
    assert names("shelf/none.mp4", "shelf/b9.mp4") == ["none", "b9"]


def test_urls(tmp_path: Path) -> None:
    import fsspec

    fs = fsspec.filesystem("memory")
    for name in ("/bucket/a/one.mp4", "/bucket/b/one.mp4", "/bucket/b/notes.txt"):
        fs.pipe_file(name, b"video")
    assert names("memory://bucket") == ["a/one", "b/one"]
    assert names("memory://bucket/*/one.mp4") == ["a/one", "b/one"]
    assert names("memory://bucket/a/one.mp4") == ["one"]
    assert names("http://user:secret@host/x/clip.mp4?sign=1") == ["clip"]
    (video,) = plan(["http://user:secret@host/x/clip.mp4"], "out")
    assert "secret" not in repr(video)


def test_a_url_of_an_unknown_kind() -> None:
    with pytest.raises(InputError, match="nowhere:// cannot be opened"):
        plan(["nowhere://x/clip.mp4"], "out")
