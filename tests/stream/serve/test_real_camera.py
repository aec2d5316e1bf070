"""A camera that sends motion JPEG over a real server on loopback, watched through the server."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from steadypose.benchmarks.latency.feeds import HttpFeed
from steadypose.configs import LiveConfig
from steadypose.stream.serve.run import camera_openers
from tests.stream.serve.live import Served, served, wait_for
from tests.stream.stand_ins import scene

QUICK = LiveConfig(open_s=1.0, stall_s=0.5, first_s=0.0, retry_s=0.02, retry_max_s=0.1)


class Door:
    """Sends two people who stand, twenty times a second, to the feed of the moment."""

    def __init__(self) -> None:
        self.feed = HttpFeed()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def restart(self) -> None:
        """Serve again where the last feed, which was closed, did."""
        self.feed = HttpFeed(self.feed.port)

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        self.feed.close()

    def _run(self) -> None:
        picture = scene([(20, 20, 44, 100), (90, 20, 114, 100)])
        while not self._closed.wait(0.05):
            self.feed.send_jpeg(picture)


@pytest.fixture
def door() -> Iterator[Door]:
    camera = Door()
    yield camera
    camera.close()


def people(live: Served, name: str) -> list[int]:
    return [p["track_id"] for p in live.ask(f"/api/cameras/{name}/poses").json["persons"]]


def test_a_camera_that_dies_comes_back_with_new_ids(door: Door) -> None:
    url = f"http://user:secret@127.0.0.1:{door.feed.port}/live.mjpg"
    openers = camera_openers([url], QUICK)
    (name,) = openers
    with served(more=openers) as live:
        live.wait(name, 5)
        assert people(live, name) == [1, 2]
        first = live.ask("/api/state").json["cameras"][0]
        assert (first["state"], first["epoch"], first["error"]) == ("live", 0, None)

        door.feed.close()
        wait_for(lambda: live.ask("/api/state").json["cameras"][0]["state"] == "waiting")
        assert live.ask("/healthz").status == 200
        door.restart()
        live.wait(name, 5)
        wait_for(lambda: live.ask("/api/state").json["cameras"][0]["state"] == "live")
        assert people(live, name) == [3, 4]
        again = live.ask("/api/state").json["cameras"][0]
        assert (again["epoch"], again["reconnects"]) == (1, 1)

        live.ask(f"/api/cameras/{name}/stop", "POST")
        live.ask(f"/api/cameras/{name}/start", "POST")
        live.wait(name, 5)
        last = live.ask("/api/state").json["cameras"][0]
        assert last["epoch"] == 2
        assert last["reconnects"] == 1  # by itself; the start was by hand
        assert last["decoded"] >= again["decoded"]
        assert last["decoded"] - last["dropped"] == pytest.approx(last["tracked"], abs=2)
        for path in ("/api/state", "/metrics", f"/api/cameras/{name}/poses"):
            assert b"secret" not in live.ask(path).body
