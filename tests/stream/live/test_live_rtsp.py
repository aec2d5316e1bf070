"""Live sources over RTSP, from GStreamer's RTSP server on loopback."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from steadypose.benchmarks.latency import barcode
from steadypose.benchmarks.latency.camera import Camera, made_up
from steadypose.benchmarks.latency.feeds import RtspFeed
from steadypose.configs import Config, DetectorConfig, LiveConfig
from steadypose.errors import InputError
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.sources import LiveSource, LiveState
from tests.stream.live.conftest import SIZE, Viewer, has_server, readers, until
from tests.stream.stand_ins import scene, stand_in_room, walk

pytestmark = pytest.mark.skipif(
    not has_server(), reason="needs GStreamer's RTSP server (see .ci/run)"
)


@pytest.fixture
def rtsp() -> Iterator[RtspFeed]:
    feed = RtspFeed()
    yield feed
    feed.close()


@pytest.fixture
def camera(rtsp: RtspFeed) -> Iterator[Camera]:
    sender = Camera(made_up(SIZE), 30, rtsp=rtsp, keyframe_s=0.25).start()
    yield sender
    sender.close()


def state(viewer: Viewer) -> LiveState:
    return viewer.source.status.snapshot().state


@pytest.mark.usefixtures("camera")
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_pictures_come_young_and_in_order(rtsp: RtspFeed, transport: str) -> None:
    settings = LiveConfig(transport=transport)
    source = LiveSource(rtsp.url(), settings=settings, max_frames=25)
    stamps, ages = [], []
    for frame in source:
        stamp = barcode.read(frame.image)
        assert stamp is not None
        stamps.append(stamp.number)
        ages.append(frame.captured_s - stamp.sent_s)
    assert stamps == sorted(set(stamps))
    assert len(stamps) == 25
    assert np.median(ages) < 0.4
    until(lambda: readers() == 0)


def test_killed_and_back_then_silent_and_back(
    rtsp: RtspFeed, camera: Camera, view: Callable[..., Viewer]
) -> None:
    viewer = view(rtsp.url(), LiveConfig())
    until(lambda: len(viewer.seen) > 5)
    rtsp.close()
    until(lambda: state(viewer) is LiveState.WAITING, 3)
    camera.rtsp = again = RtspFeed(rtsp.port)
    assert until(lambda: state(viewer) is LiveState.LIVE) < 3
    until(lambda: viewer.last is not None and viewer.last.epoch == 1)
    again.process.send_signal(signal.SIGSTOP)
    try:
        assert until(lambda: state(viewer) is LiveState.STALLED) < 3
    finally:
        again.process.send_signal(signal.SIGCONT)
    assert until(lambda: state(viewer) is LiveState.LIVE) < 3
    until(lambda: viewer.last is not None and viewer.last.epoch == 2)
    assert viewer.source.status.snapshot().reconnects == 2
    viewer.close()
    until(lambda: readers() == 0)
    again.close()


def test_a_password_that_is_refused_and_one_that_is_right(view: Callable[..., Viewer]) -> None:
    feed = RtspFeed(login="me:Geheim")
    camera = Camera(made_up(SIZE), 30, rtsp=feed, keyframe_s=0.25).start()
    wrong, right = view(feed.url("me:Wrong"), LiveConfig()), view(feed.url("me:Geheim"))
    until(lambda: wrong.done and right.seen)
    camera.close()
    feed.close()
    assert isinstance(wrong.error, InputError)
    assert str(wrong.error) == f"{feed.url()}: the user name or password is refused"


def test_no_identity_is_carried_over_a_lost_connection(rtsp: RtspFeed) -> None:
    people = [scene(boxes, (240, 320)) for boxes in walk(60, speed=0.5)]
    people = [np.roll(picture, 80, 0) for picture in people]  # below the bar code
    camera = Camera(people, 30, rtsp=rtsp, keyframe_s=0.25).start()
    work = Pipeline(room=stand_in_room(Config(detector=DetectorConfig(every=1))))
    run = work.run(LiveSource(rtsp.url(), settings=LiveConfig(stall_s=0.5)))
    ids: dict[int, set[int]] = {}
    for result in run:
        known = ids.setdefault(result.frame.epoch, set())
        known.update(result.poses.track_ids.tolist())
        if len(ids) == 1 and result.frame.index > 20 and not camera_paused(camera):
            camera.pause()
            until(lambda: run.source.status.snapshot().state is LiveState.STALLED)  # type: ignore[attr-defined]
            camera.resume()
        if len(ids) == 2 and len(known) >= 2:
            break
    camera.close()
    assert ids[0]
    assert not ids[0] & ids[1]


def camera_paused(camera: Camera) -> bool:
    return not camera._flowing.is_set()
