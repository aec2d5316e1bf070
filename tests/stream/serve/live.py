"""A served group of cameras on loopback, on stand-ins for the networks, and small HTTP clients."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from steadypose import Frame
from steadypose.configs import Config, DetectorConfig
from steadypose.stream.cameras import CameraGroup
from steadypose.stream.records import FrameResult, Source, SourceInfo
from steadypose.stream.serve.hub import Hub
from steadypose.stream.serve.metrics import Metrics
from steadypose.stream.serve.server import Server
from steadypose.stream.serve.settings import ServeSettings
from steadypose.stream.sources import LiveState, LiveStatus
from tests.stream.stand_ins import Box, scene, stand_in_room


class Street:
    """A camera before which people walk to and fro; it can be unplugged.

    Args:
        name: Its name.
        people: How many.
        period_s: Seconds between two frames.

    Attributes:
        connected: Whether it is plugged in.
        frozen: Whether it does nothing at all, so that its status stays as it is.
    """

    def __init__(self, name: str = "street", people: int = 2, period_s: float = 0.02) -> None:
        self.info = SourceInfo(name=f"{name} camera", stem=name, live=True)
        self.warnings: list[str] = []
        self.connected = threading.Event()
        self.connected.set()
        self.frozen = threading.Event()
        self._people, self._period_s = people, period_s
        self.status = LiveStatus(self.info.name)
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while not self._closed.wait(self._period_s):
            if self.frozen.is_set():
                continue
            if not self.connected.is_set():
                self.status.enter(LiveState.WAITING, last_error="no answer")
                continue
            before = self.status.snapshot()
            again = before.state is LiveState.WAITING
            epoch = before.epoch + again
            now = time.monotonic()
            self.status.picture(now, reconnects=before.reconnects + again, epoch=epoch)
            boxes = self._boxes(index)
            pts_s = index * self._period_s
            yield Frame(index, pts_s, now, scene(boxes), "street", epoch)
            index += 1

    def close(self) -> None:
        self._closed.set()

    def _boxes(self, index: int) -> list[Box]:
        # Slowly, for a busy machine drops many frames and ids must outlast that.
        shift = abs(index % 200 - 100) / 5
        return [(10 + 50 * i + shift, 20, 34 + 50 * i + shift, 100) for i in range(self._people)]


@dataclass
class Served:
    """A running server, and what it serves."""

    server: Server
    group: CameraGroup
    hub: Hub
    host: str = "127.0.0.1"

    @property
    def port(self) -> int:
        return self.server.port

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://{self.host}:{self.port}{path}"

    def wait(self, camera: str, count: int = 1, timeout_s: float = 20) -> None:
        """Wait until a camera has so many more results."""
        ages = self.group.cameras[camera].ages
        goal = ages.count + count
        wait_for(lambda: ages.count >= goal, timeout_s)

    def ask(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            connection.request(method, path, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def served(
    *cameras: Source, more: Mapping[str, Callable[[], Source]] | None = None, **settings: Any
) -> Iterator[Served]:
    """Serve cameras on a free port until the block is left."""
    sources = {camera.info.stem: (lambda c=camera: c) for camera in cameras} | dict(more or {})
    options = ServeSettings(**{"port": 0, **settings})
    hub = Hub(list(sources), options)

    def on_result(name: str, result: FrameResult) -> None:
        metrics.add(name, result)
        hub.publish(name, result)

    room = stand_in_room(Config(detector=DetectorConfig(every=5)))
    group = CameraGroup(room, sources, on_result)
    metrics = Metrics(group, hub)
    server = Server(group, hub, metrics, options)
    server.start()
    group.start()
    try:
        yield Served(server, group, hub)
    finally:
        group.stop()
        assert server.close()
        assert group.close() == []


def wait_for(condition: Callable[[], object], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
