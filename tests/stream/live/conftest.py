"""A camera on loopback, and ways to wait for what a live source does."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from steadypose import Frame
from steadypose.benchmarks.latency.camera import Camera, made_up
from steadypose.benchmarks.latency.feeds import SYSTEM_PYTHON, HttpFeed
from steadypose.configs import LiveConfig
from steadypose.stream.sources import LiveSource

SIZE = (320, 240)
QUICK = LiveConfig(open_s=1.0, stall_s=0.5, retry_s=0.02, retry_max_s=0.1)
_PROBE = "import gi; gi.require_version('GstRtspServer', '1.0')"


def has_server() -> bool:
    """Whether the system has GStreamer's RTSP server."""
    try:
        done = subprocess.run([SYSTEM_PYTHON, "-c", _PROBE], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def until(true: Callable[[], object], timeout_s: float = 5.0) -> float:
    """Wait until something is true; the seconds that it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < timeout_s, "did not come true in time"
        time.sleep(0.005)
    return time.monotonic() - began


class Viewer:
    """Takes the frames of a source on a thread of its own and keeps them without pictures.

    Attributes:
        seen: Index, epoch, pts_s and captured_s of each frame taken.
        last: The newest frame.
        error: What the iteration raised.
    """

    def __init__(self, source: LiveSource) -> None:
        self.source = source
        self.seen: list[tuple[int, int, float, float]] = []
        self.last: Frame | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            for frame in self.source:
                self.last = frame
                self.seen.append((frame.index, frame.epoch, frame.pts_s, frame.captured_s))
        except BaseException as error:
            self.error = error

    @property
    def done(self) -> bool:
        """Whether the iteration is over."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Close the source and wait for the end of the iteration."""
        self.source.close()
        self._thread.join(2)
        assert self.done


@pytest.fixture
def http() -> Iterator[HttpFeed]:
    feed = HttpFeed()
    yield feed
    feed.close()


@pytest.fixture
def camera(http: HttpFeed) -> Iterator[Camera]:
    sender = Camera(made_up(SIZE), 30, http=http, keyframe_s=0.25).start()
    yield sender
    sender.close()


@pytest.fixture
def view() -> Iterator[Callable[..., Viewer]]:
    viewers: list[Viewer] = []

    def begin(url: str, settings: LiveConfig = QUICK, **options: object) -> Viewer:
        source = LiveSource(url, settings=settings, **options)  # type: ignore[arg-type]
        viewers.append(Viewer(source))
        return viewers[-1]

    yield begin
    for viewer in viewers:
        viewer.close()


def readers() -> int:
    """Threads that read live sources."""
    return sum(thread.name == "steadypose-live" for thread in threading.enumerate())


def descriptors() -> int:
    """Open file descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))
