from __future__ import annotations

import pytest

from steadypose.errors import InputError
from steadypose.stream.sources.addresses import is_live, masked, parse_address

MASKED = [
    ("0", "0"),
    ("clip.mp4", "clip.mp4"),
    ("rtsp://me:secret@cam/stream?a=1", "rtsp://cam/stream?a=1"),
    ("rtsp://me:sec@ret@cam:554/x", "rtsp://cam:554/x"),
    ("rtsp://me:sec/ret@cam/x", "rtsp://cam/x"),
    ("rtsp://me:secret@[::1]:554/x", "rtsp://[::1]:554/x"),
    ("srt://user:p%40ss@host:9000", "srt://host:9000"),
    ("https://host/live.m3u8", "https://host/live.m3u8"),
    ("https://host/@name/live.m3u8", "https://host/@name/live.m3u8"),
    ("http://host/x?mail=a@b", "http://host/x?mail=a@b"),
    ("http://host/v?usr=me&pwd=secret&ch=1", "http://host/v?usr=***&pwd=***&ch=1"),
    ("http://host/v?Access_Token=secret#t", "http://host/v?Access_Token=***#t"),
    ("rtsp://h/user=me&password=secret&channel=1", "rtsp://h/user=***&password=***&channel=1"),
    ("rtsp://h/user=me_password=secret_channel=1", "rtsp://h/user=***"),
]


@pytest.mark.parametrize(("text", "shown"), MASKED)
def test_what_is_shown_holds_no_secret(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert "secret" not in shown
    assert masked(shown) == shown


@pytest.mark.parametrize(
    ("spec", "url", "device", "stem"),
    [
        ("0", "/dev/video0", "v4l2", "camera0"),
        ("webcam:2", "/dev/video2", "v4l2", "camera2"),
        ("/dev/video1", "/dev/video1", "v4l2", "video1"),
        ("RTSP://me:x@cam:554/a/b?c=1", "rtsp://me:x@cam:554/a/b?c=1", "", "cam_554_a_b_c_1"),
        ("udp://239.0.0.1:1234", "udp://239.0.0.1:1234", "", "239.0.0.1_1234"),
    ],
)
def test_addresses(spec: str, url: str, device: str, stem: str) -> None:
    address = parse_address(spec, "linux")
    assert (address.url, address.device, address.stem) == (url, device, stem)
    assert ":x@" not in repr(address)


@pytest.mark.parametrize(
    ("spec", "platform", "url", "device"),
    [
        ("0", "darwin", "0", "avfoundation"),
        ("webcam:FaceTime HD Camera", "darwin", "FaceTime HD Camera", "avfoundation"),
        ("webcam:Integrated Camera", "win32", "video=Integrated Camera", "dshow"),
    ],
)
def test_cameras_of_other_systems(spec: str, platform: str, url: str, device: str) -> None:
    address = parse_address(spec, platform)
    assert (address.url, address.device) == (url, device)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("ftp://me:secret@host/x", "ftp://host/x: unknown protocol 'ftp'"),
        ("file:///etc/passwd", "unknown protocol 'file'"),
        ("concat://a|b", "unknown protocol 'concat'"),
        ("rtsp://", "rtsp://: names no host"),
        ("rtsp://me:secret@/", "names no host"),
        ("rtsp://cam/a b", "holds a blank"),
    ],
)
def test_what_is_no_live_source(spec: str, said: str) -> None:
    with pytest.raises(InputError) as failure:
        parse_address(spec)
    assert said in str(failure.value)
    assert "secret" not in str(failure.value)


def test_what_is_live() -> None:
    assert all(map(is_live, ["0", "webcam:x", "rtsp://h/x", "http://h/x.mp4", "/dev/null"]))
    assert not any(map(is_live, ["clip.mp4", "folder", "*.png", "cams.streams", "C:\\clip.mp4"]))
