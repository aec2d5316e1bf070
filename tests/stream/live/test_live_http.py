"""Live sources over HTTP, from a real encoder through a real server on loopback."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from steadypose.benchmarks.latency import barcode
from steadypose.benchmarks.latency.camera import Camera, made_up
from steadypose.benchmarks.latency.feeds import HttpFeed
from steadypose.configs import LiveConfig
from steadypose.errors import InputError, SourceError
from steadypose.stream.sources import LiveSource, LiveState
from tests.stream.live.conftest import QUICK, SIZE, Viewer, descriptors, readers, until

View = Callable[..., Viewer]
pytestmark = pytest.mark.usefixtures("camera")


def state(viewer: Viewer) -> LiveState:
    return viewer.source.status.snapshot().state


@pytest.mark.parametrize("name", ["live.ts", "live.mjpg"])
def test_pictures_come_young_and_in_order(http: HttpFeed, name: str) -> None:
    source = LiveSource(http.url(name), settings=QUICK, max_frames=25)
    ages, numbers, pts = [], [], []
    for frame in source:
        stamp = barcode.read(frame.image)
        assert stamp is not None
        numbers.append(stamp.number)
        ages.append(frame.captured_s - stamp.sent_s)
        pts.append(frame.pts_s)
        assert frame.epoch == 0
    assert len(numbers) == 25
    assert numbers == sorted(set(numbers))
    assert np.median(ages) < 0.4  # frame threads would cost seconds, a queue even more
    assert pts[0] == 0
    assert (np.diff(pts) > 0).all()
    shot = source.status.snapshot()
    assert (shot.width, shot.height) == SIZE == (source.info.width, source.info.height)
    assert shot.codec == ("h264" if name == "live.ts" else "mjpeg")
    assert shot.frames - shot.dropped >= 25
    assert shot.state is LiveState.ENDED


def test_who_takes_slowly_gets_the_newest_and_the_rest_is_counted(http: HttpFeed) -> None:
    source = LiveSource(http.url("live.ts"), settings=QUICK, max_frames=6)
    ages, indices = [], []
    for frame in source:
        time.sleep(0.25)
        ages.append(time.monotonic() - frame.captured_s)
        indices.append(frame.index)
    assert indices[-1] - indices[0] > 20
    assert max(ages[2:]) - min(ages[2:]) < 0.3
    shot = source.status.snapshot()
    # The frame that nobody took any more is neither taken nor dropped.
    assert shot.frames - shot.dropped - len(indices) in (0, 1)


def test_a_stall_is_noticed_and_healed(http: HttpFeed, camera: Camera, view: View) -> None:
    viewer = view(http.url("live.ts"))
    until(lambda: len(viewer.seen) > 5)
    camera.pause()
    assert until(lambda: state(viewer) is LiveState.STALLED) < QUICK.stall_s + 1.5
    assert "no data for 0.5 s" in viewer.source.status.snapshot().last_error
    time.sleep(1.0)
    camera.resume()
    assert until(lambda: state(viewer) is LiveState.LIVE) < 3
    until(lambda: viewer.last is not None and viewer.last.epoch > 0)
    assert viewer.source.status.snapshot().reconnects == 1
    pts, captured = np.array(viewer.seen)[:, 2], np.array(viewer.seen)[:, 3]
    assert (np.diff(pts) > 0).all()
    gap = int(np.diff(captured).argmax())
    assert abs((pts[gap + 1] - pts[gap]) - (captured[gap + 1] - captured[gap])) < 0.05


def test_a_server_that_dies_and_comes_back(http: HttpFeed, camera: Camera, view: View) -> None:
    viewer = view(http.url("live.ts"), LiveConfig(open_s=1, stall_s=0.5))
    until(lambda: len(viewer.seen) > 5)
    http.close()
    until(lambda: state(viewer) is LiveState.WAITING)
    until(lambda: viewer.source.status.snapshot().attempts > 2)
    assert "refused" in viewer.source.status.snapshot().last_error
    again = HttpFeed(http.port)
    camera.http = again
    assert until(lambda: state(viewer) is LiveState.LIVE) < 3
    until(lambda: viewer.last is not None and viewer.last.epoch == 1)
    viewer.close()
    again.close()


def test_fifty_reconnects_leak_nothing(http: HttpFeed, view: View) -> None:
    viewer = view(http.url("live.mjpg"), LiveConfig(retry_s=0.0, retry_max_s=0.0))
    until(lambda: viewer.seen)
    before = descriptors()
    for n in range(50):
        until(lambda n=n: viewer.last is not None and viewer.last.epoch >= n)  # type: ignore[misc]
        http.jpeg.end()
    until(lambda: viewer.last is not None and viewer.last.epoch >= 50)
    assert viewer.source.status.snapshot().reconnects >= 50
    assert readers() == 1
    until(lambda: descriptors() <= before + 2)
    viewer.close()
    until(lambda: readers() == 0)


def test_a_change_of_size_begins_a_new_epoch(http: HttpFeed, camera: Camera, view: View) -> None:
    viewer = view(http.url("live.ts"))
    until(lambda: len(viewer.seen) > 5)
    camera.change(made_up((480, 272)))
    until(lambda: viewer.last is not None and viewer.last.width == 480)
    assert viewer.last is not None
    assert viewer.last.epoch >= 1
    assert viewer.source.info.width == 480


def test_damage_is_survived_and_counted(http: HttpFeed, camera: Camera, view: View) -> None:
    random = np.random.default_rng(0)

    def spoil(data: bytes) -> bytes:
        noisy = bytearray(data)
        for place in random.integers(0, len(noisy), max(1, len(noisy) // 400)):
            noisy[place] ^= 0xFF
        return bytes(noisy)

    viewer = view(http.url("live.ts"))
    until(lambda: len(viewer.seen) > 5)
    camera.spoil = spoil
    until(lambda: viewer.source.status.snapshot().damaged > 3, 10)
    camera.spoil = lambda data: data
    shown = len(viewer.seen)
    until(lambda: len(viewer.seen) > shown + 40)
    assert viewer.last is not None
    assert barcode.read(viewer.last.image) is not None
    viewer.close()
    assert any("damaged" in line for line in viewer.source.warnings)


@contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/live.ts"


@pytest.mark.parametrize("scheme", ["http", "rtsp", "rtmp"])
def test_close_while_connecting_is_immediate(view: View, scheme: str) -> None:
    with silent_server() as url:
        viewer = view(url.replace("http", scheme), LiveConfig(open_s=0.8))
        until(lambda: viewer.source.status.snapshot().attempts)
        assert state(viewer) is LiveState.CONNECTING
        began = time.monotonic()
        viewer.close()
        assert time.monotonic() - began < 0.5
        assert viewer.error is None
        until(lambda: readers() == 0)


def test_close_while_stalled_and_while_waiting_is_immediate(
    http: HttpFeed, camera: Camera, view: View
) -> None:
    stalled = view(http.url("live.ts"), LiveConfig(stall_s=1.5))
    waiting = view("http://127.0.0.1:1/x", LiveConfig(retry_s=60, retry_max_s=60))
    until(lambda: stalled.seen and state(waiting) is LiveState.WAITING)
    camera.pause()
    time.sleep(0.2)
    for viewer in (stalled, waiting):
        began = time.monotonic()
        viewer.close()
        assert time.monotonic() - began < 0.5
        assert state(viewer) is LiveState.ENDED
    until(lambda: readers() == 0)


def test_what_was_never_there_is_given_up(view: View) -> None:
    viewer = view("http://me:secret@127.0.0.1:1/live.ts?token=abc", LiveConfig(first_s=0.3))
    until(lambda: viewer.done)
    assert isinstance(viewer.error, InputError)
    text = str(viewer.error)
    assert text.startswith("http://127.0.0.1:1/live.ts?token=***: Connection refused; tried for")
    assert state(viewer) is LiveState.FAILED
    assert viewer.error.__cause__ is None


def test_a_camera_that_is_not_there_is_refused_at_once(view: View) -> None:
    viewer = view("webcam:77", LiveConfig())
    until(lambda: viewer.done)
    assert isinstance(viewer.error, InputError)
    assert str(viewer.error) == "webcam:77: No such file or directory"


def test_what_was_lost_is_given_up_when_asked(http: HttpFeed, view: View) -> None:
    viewer = view(http.url("live.ts"), LiveConfig(give_up_s=0.5, retry_s=0.1))
    until(lambda: viewer.seen)
    http.close()
    until(lambda: viewer.done)
    assert isinstance(viewer.error, SourceError)


def test_no_secret_is_ever_said(
    view: View, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    viewer = view("rtsp://admin:Geheim1@127.0.0.1:1/x?password=Geheim2", LiveConfig(first_s=0.3))
    until(lambda: viewer.done)
    out, err = capfd.readouterr()
    said = [caplog.text, out, err, str(viewer.error), repr(viewer.error.__context__)]
    said += [repr(viewer.source.info), repr(viewer.source.status.snapshot())]
    said += viewer.source.warnings
    assert "Connection refused" in caplog.text
    assert not any("Geheim" in text or "admin" in text for text in said)


def test_no_video_behind_an_address(http: HttpFeed, view: View) -> None:
    viewer = view(http.url("nothing"), LiveConfig(first_s=0.3))
    until(lambda: viewer.done)
    assert "404 Not Found" in str(viewer.error)


def test_a_source_is_iterated_once(http: HttpFeed) -> None:
    source = LiveSource(http.url("live.ts"), settings=QUICK, max_frames=1)
    assert len(list(source)) == 1
    with pytest.raises(InputError, match="only once"):
        list(source)


def test_closed_before_it_began(http: HttpFeed) -> None:
    source = LiveSource(http.url("live.ts"))
    source.close()
    assert list(source) == []
