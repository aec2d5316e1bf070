"""How soon a live source notices that its camera is gone, and is back when the camera is."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from steadypose.benchmarks.latency.camera import Camera, made_up
from steadypose.benchmarks.latency.feeds import RtspFeed
from steadypose.benchmarks.records import Record, distribution
from steadypose.configs import LiveConfig
from steadypose.errors import InputError
from steadypose.stream.sources import LiveSource, LiveState

_SIZE = (640, 360)
_GONE_S = 10.0
_KEYFRAME_S = 0.5
_RECONNECTS = 50
_LONGEST_S = 30.0


class _Follower:
    """Takes all frames of a source on a thread."""

    def __init__(self, url: str, settings: LiveConfig) -> None:
        self.source = LiveSource(url, settings=settings)
        self.epochs: set[int] = set()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for frame in self.source:
            self.epochs.add(frame.epoch)

    def until(self, state: LiveState, frames: int = 0) -> float:
        """Seconds until a state is there and more than so many frames have come."""
        return _until(lambda: self._is(state, frames), state.value)

    def _is(self, state: LiveState, frames: int) -> bool:
        now = self.source.status.snapshot()
        return now.state is state and now.frames > frames

    @property
    def frames(self) -> int:
        """Frames received so far."""
        return self.source.status.snapshot().frames

    def close(self) -> float:
        """Seconds until the iteration has ended."""
        began = time.monotonic()
        self.source.close()
        self._thread.join()
        return time.monotonic() - began


def _until(true: Callable[[], bool], what: str) -> float:
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > _LONGEST_S:
            raise InputError(f"waited {_LONGEST_S:g} s in vain: {what}")
        time.sleep(0.002)
    return time.monotonic() - began


def measure_outages() -> Iterator[Record]:
    """A camera that is killed, one that falls silent, fifty lost connections, and the end."""
    feed = RtspFeed()
    camera = Camera(made_up(_SIZE), 30, rtsp=feed, keyframe_s=_KEYFRAME_S).start()
    follower = _Follower(feed.url(), LiveConfig())
    try:
        follower.until(LiveState.LIVE, 30)
        yield _killed(camera, follower)
        yield _silent(camera, follower)
        follower.until(LiveState.LIVE, follower.frames + 30)
        before = _descriptors(), threading.active_count()
        yield _many(camera, follower)
        after = _descriptors(), threading.active_count()
        yield _record(
            f"what {_RECONNECTS} reconnects leave behind",
            {
                "descriptors before": before[0],
                "descriptors after": after[0],
                "threads before": before[1],
                "threads after": after[1],
            },
        )
        yield _record("stop", {"ended s": round(follower.close(), 3)})
    finally:
        follower.close()
        camera.close()
        if camera.rtsp is not None:
            camera.rtsp.close()


def _killed(camera: Camera, follower: _Follower) -> Record:
    feed = _server(camera)
    feed.close()
    noticed = follower.until(LiveState.WAITING)
    time.sleep(_GONE_S)
    frames = follower.frames
    camera.rtsp = RtspFeed(feed.port)
    back = follower.until(LiveState.LIVE, frames)
    return _gone("killed", noticed, back)


def _silent(camera: Camera, follower: _Follower) -> Record:
    feed = _server(camera)
    feed.process.send_signal(signal.SIGSTOP)
    try:
        noticed = follower.until(LiveState.STALLED)
        time.sleep(max(0.0, _GONE_S - noticed))
        frames = follower.frames
    finally:
        feed.process.send_signal(signal.SIGCONT)
    back = follower.until(LiveState.LIVE, frames)
    return _gone("silent", noticed, back)


def _many(camera: Camera, follower: _Follower) -> Record:
    waits = []
    first = len(follower.epochs)
    for n in range(_RECONNECTS):
        feed = _server(camera)
        feed.close()
        camera.rtsp = RtspFeed(feed.port)
        began = time.monotonic()
        _until(lambda n=n: len(follower.epochs) > first + n, "a new epoch")  # type: ignore[misc]
        waits.append(time.monotonic() - began)
    return _record(f"{_RECONNECTS} reconnects", {"back s": distribution(waits)}, _RECONNECTS)


def _gone(how: str, noticed: float, back: float) -> Record:
    values = {"noticed s": round(noticed, 2), "back s": round(back, 2)}
    return _record(f"server {how} for {_GONE_S:g} s", values)


def _record(outage: str, values: Mapping[str, Any], n: int = 1) -> Record:
    return Record(
        what="latency outages",
        case={"outage": outage},
        values=values,
        n=n,
        config={"transport": "rtsp", "key frame every s": _KEYFRAME_S},
    )


def _server(camera: Camera) -> RtspFeed:
    if camera.rtsp is None:
        raise InputError("the camera has no RTSP server")
    return camera.rtsp


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
