from __future__ import annotations

import json
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from steadypose.stream.sources import LiveState, LiveStatus
from tests.stream.serve.live import Served, Street, served, wait_for


@pytest.fixture(scope="module")
def two() -> Iterator[Served]:
    with served(Street("left", people=1), Street("right", people=2)) as live:
        live.wait("left", 3)
        live.wait("right", 3)
        yield live


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/cards.js", "text/javascript"),
        ("/drawing.js", "text/javascript"),
        ("/icon.svg", "image/svg+xml"),
        ("/api/schema.json", "application/schema+json"),
        ("/api/state", "application/json"),
        ("/metrics", "text/plain"),
        ("/no/such/path", "application/json"),
    ],
)
def test_every_answer_bears_the_headers_that_protect_it(two: Served, path: str, kind: str) -> None:
    answer = two.ask(path)
    assert answer.status == (404 if "such" in path else 200)
    assert answer.headers["Content-Type"].startswith(kind)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Server"] == "steadypose"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_page_needs_nothing_from_elsewhere(two: Served) -> None:
    for path in ("/", "/page.css", "/page.js", "/cards.js", "/drawing.js"):
        text = two.ask(path).body.decode()
        assert "http://" not in text
        assert "https://" not in text
        assert "url(" not in text


def test_the_state_of_all_cameras(two: Served) -> None:
    state = two.ask("/api/state").json
    assert state["schema"] == "steadypose.live/1"
    assert state["alive"] is True
    assert [c["name"] for c in state["cameras"]] == ["left", "right"]
    left = state["cameras"][0]
    assert left["title"] == "left camera"
    assert (left["state"], left["wanted"], left["people"]) == ("live", True, 1)
    assert left["decoded"] >= left["tracked"] > 0
    assert set(left["age_ms"]) == {"last", "p50", "p95", "p99", "max"}
    assert "estimate" in left["stage_ms"]


def test_the_newest_poses_of_a_camera(two: Served) -> None:
    before = time.time()
    message = two.ask("/api/cameras/right/poses").json
    assert message["camera"] == "right"
    assert [p["track_id"] for p in message["persons"]] == [1, 2]
    assert len(message["persons"][0]["keypoints"]) == 17
    assert (message["width"], message["height"]) == (200, 120)
    assert abs(message["captured_unix_s"] - before) < 20


def test_a_snapshot_with_people_and_without(two: Served) -> None:
    pictures = []
    for query in ("", "?overlay=0"):
        answer = two.ask(f"/api/cameras/left/snapshot.jpg{query}")
        assert answer.headers["Content-Type"] == "image/jpeg"
        picture = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (120, 200, 3)
        pictures.append(picture.astype(int))
    colours = [np.ptp(picture, axis=2).max() for picture in pictures]
    assert colours[0] > 100  # the people are drawn in colour
    assert colours[1] < 40  # the scene is grey


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/cameras/none/poses", 404),
        ("GET", "/api/cameras/none/snapshot.jpg", 404),
        ("POST", "/api/cameras/none/stop", 404),
        ("GET", "/api/cameras/left/stop", 405),
        ("POST", "/api/state", 405),
        ("DELETE", "/", 405),
        ("GET", "/ws/poses", 426),
        ("GET", "/ws/poses?camera=none", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/..%2f..%2fetc/passwd", 404),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404),
        ("GET", "/page/../page.css", 404),
        ("GET", "//etc/passwd", 404),
        ("GET", "/page.js%00.css", 404),
        ("GET", "/api/cameras/..%2fleft/poses", 404),
    ],
)
def test_what_is_not_there_is_refused(two: Served, method: str, path: str, status: int) -> None:
    answer = two.ask(path, method)
    assert answer.status == status
    assert set(answer.json) == {"error"}


def test_prometheus_metrics(two: Served) -> None:
    text = two.ask("/metrics").body.decode()
    families = {f.name: f for f in text_string_to_metric_families(text)}
    tracked = {s.labels["camera"]: s.value for s in families["steadypose_frames_tracked"].samples}
    assert set(tracked) == {"left", "right"}
    assert min(tracked.values()) > 0
    ages = families["steadypose_frame_age_seconds"].samples
    counts = {s.labels["camera"]: s.value for s in ages if s.name.endswith("_count")}
    assert counts["left"] == pytest.approx(tracked["left"], abs=20)
    states = families["steadypose_camera_state"].samples
    assert {s.labels["state"] for s in states if s.value == 1} == {"live"}
    for name in (
        "steadypose_frames_dropped",
        "steadypose_reconnects",
        "steadypose_viewer_age_seconds",
        "steadypose_stage_seconds",
        "steadypose_frame_age_recent_seconds",
        "steadypose_engine_up",
        "steadypose_clients",
        "process_resident_memory_bytes",
    ):
        assert name in families, name


def test_every_state_goes_by_the_same_name_everywhere() -> None:
    camera = Street("b")
    with served(camera, Street("a")) as live:
        live.wait("b", 1)
        told = live.ask("/api/schema.json").json["$defs"]["camera"]["properties"]["state"]["enum"]
        assert set(told) == {*(state.value for state in LiveState), "stopped"}
        camera.frozen.set()
        live.wait("a", 5)  # the frame that was on its way has come
        for state in LiveState:
            camera.status = LiveStatus(camera.info.name)
            camera.status.enter(state)
            assert live.ask("/api/state").json["cameras"][0]["state"] == state.value
            text = live.ask("/metrics").body.decode()
            samples = [
                sample
                for family in text_string_to_metric_families(text)
                for sample in family.samples
                if family.name == "steadypose_camera_state" and sample.labels["camera"] == "b"
            ]
            assert {s.labels["state"] for s in samples} == set(told)
            assert [s.labels["state"] for s in samples if s.value] == [state.value]


def test_a_camera_is_stopped_and_started() -> None:
    with served(Street("b"), more={"a": lambda: Street("a", people=1)}) as live:
        live.wait("a", 3)
        stopped = live.ask("/api/cameras/a/stop", "POST").json
        assert (stopped["state"], stopped["wanted"]) == ("stopped", False)
        wait_for(lambda: live.ask("/api/cameras/a/snapshot.jpg").status == 503)
        assert live.ask("/api/cameras/a/poses").status == 503
        live.wait("b", 5)
        assert live.ask("/readyz").status == 200
        live.ask("/api/cameras/a/start", "POST")
        live.wait("a", 3)
        again = live.ask("/api/state").json["cameras"][1]
        assert (again["state"], again["epoch"]) == ("live", 1)
        assert [p["track_id"] for p in live.ask("/api/cameras/a/poses").json["persons"]] == [2]


def test_healthy_and_ready_are_two_things(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = Street()
    camera.connected.clear()
    with served(camera) as live:
        assert live.ask("/healthz").status == 200
        assert live.ask("/readyz").status == 503
        camera.connected.set()
        live.wait("street", 2)
        assert live.ask("/readyz").status == 200
        live.ask("/api/cameras/street/stop", "POST")
        assert live.ask("/readyz").status == 200  # nothing is wanted, nothing is missing
        live.group.fail("engine", ZeroDivisionError("oops"))
        assert live.ask("/healthz").status == 503
        assert live.ask("/readyz").json == {"ready": False}
        assert json.loads(live.ask("/api/state").body)["alive"] is False


def test_an_error_of_ours_is_one_line_and_not_the_end(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(Street()) as live:

        def fail() -> None:
            raise ZeroDivisionError("oops")

        monkeypatch.setattr(live.group, "states", fail)
        answer = live.ask("/api/state")
        monkeypatch.undo()
        assert (answer.status, answer.json) == (500, {"error": "internal error"})
        assert live.ask("/api/state").status == 200
    errors = [line for line in capfd.readouterr().err.splitlines() if "api/state" in line]
    assert errors == ["steadypose: GET /api/state: ZeroDivisionError: oops"]
