from __future__ import annotations

from pathlib import Path

import pytest

from steadypose.configs import LiveConfig
from steadypose.errors import InputError
from steadypose.stream.sources import LiveSource, expand_sources, open_source
from steadypose.stream.sources.camera_lists import Camera, read_cameras

LINES = """# the house
door = rtsp://me:Geheim@10.0.0.1/a?x=1
rtsp://10.0.0.2/b#1   # without a name

Back yard = rtsp://me:${CAM_PASSWORD}@10.0.0.3/c
0
"""
YAML = """
cameras:
  door: rtsp://10.0.0.1/a
  yard: {url: "rtsp://me:${CAM_PASSWORD}@10.0.0.3/c", transport: udp, stall_s: 5}
  desk: 0
"""


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM_PASSWORD", "Geheim")


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_list_of_lines(tmp_path: Path) -> None:
    cameras = read_cameras(written(tmp_path, "all.streams", LINES))
    assert [(c.name, c.url) for c in cameras] == [
        ("door", "rtsp://me:Geheim@10.0.0.1/a?x=1"),
        ("", "rtsp://10.0.0.2/b#1"),
        ("Back yard", "rtsp://me:Geheim@10.0.0.3/c"),
        ("", "0"),
    ]
    assert "Geheim" not in repr(cameras) + "".join(map(str, cameras))


def test_a_yaml_list_with_settings(tmp_path: Path) -> None:
    path = written(tmp_path, "all.yaml", YAML)
    cameras = expand_sources([str(path)])
    assert [str(camera) for camera in cameras] == ["door", "yard", "desk"]
    yard = cameras[1]
    assert isinstance(yard, Camera)
    config = yard.config(LiveConfig(open_s=7))
    assert (config.transport, config.stall_s, config.open_s) == ("udp", 5.0, 7.0)
    source = open_source(yard)
    assert isinstance(source, LiveSource)
    assert (source.info.name, source.info.stem) == ("yard", "yard")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.streams", "", "names no camera"),
        ("a.streams", "clip.mp4", "line 1: neither a camera nor a URL: clip.mp4"),
        ("a.streams", "x = rtsp://h/1\nX = rtsp://h/2", "the name 'x' is given twice"),
        ("a.streams", "x = rtsp://me:${NOT_THERE}@h/1", "has no variable NOT_THERE"),
        ("a.streams", "../x = rtsp://h/1", "neither a camera nor a URL"),
        ("a.streams", "a$b = rtsp://h/1", "a name has letters"),
        ("a.streams", "ftp://me:Geheim@h/1", "ftp://h/1: unknown protocol 'ftp'"),
        ("a.yaml", "cameras: [rtsp://h/1]", "expected 'cameras' with a name and a URL each"),
        ("a.yaml", "door: rtsp://h/1", "expected 'cameras' with a name and a URL each"),
        ("a.yaml", "cameras: {a: {ul: rtsp://h/1}}", "camera 'a': expected a URL"),
        ("a.yaml", "cameras: {a: {url: 'rtsp://h/1', stal_s: 1}}", "did you mean"),
        ("a.yaml", "cameras: {a: {url: 'rtsp://h/1', stall_s: -1}}", "live.stall_s: expected"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(InputError) as failure:
        read_cameras(written(tmp_path, name, text))
    assert said in str(failure.value)
    assert "Geheim" not in str(failure.value)


def test_a_list_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.streams: cannot be read: No such file"):
        read_cameras(tmp_path / "gone.streams")
    (tmp_path / "a.streams").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_cameras(tmp_path / "a.streams")


def test_a_list_is_no_source_by_itself(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its cameras are opened one by one"):
        open_source(written(tmp_path, "all.streams", LINES))
