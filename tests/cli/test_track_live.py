"""``steadypose track`` on a camera: recording, broker, window, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steadypose.benchmarks.latency.camera import Camera
from steadypose.benchmarks.latency.feeds import HttpFeed
from tests.cli.conftest import Program, Run
from tests.cli.reading import lines_in, one_line, pictures_in
from tests.stream.live.conftest import until
from tests.stream.stand_ins import scene, walk


def summary_of(folder: Path) -> dict[str, Any]:
    """The one summary in a folder."""
    (path,) = folder.glob("*.summary.json")
    report: dict[str, Any] = json.loads(path.read_text())
    return report


@pytest.fixture
def http() -> Iterator[HttpFeed]:
    feed = HttpFeed()
    yield feed
    feed.close()


@pytest.fixture
def url(http: HttpFeed) -> Iterator[str]:
    people = [np.roll(scene(boxes, (240, 320)), 100, 0) for boxes in walk(90, speed=0.5)]
    camera = Camera(people, 30, http=http, keyframe_s=0.25).start()
    yield http.url("live.ts")
    camera.close()


def test_a_camera_is_tracked_and_summed_up(run: Run, url: str, tmp_path: Path) -> None:
    code, _, errors = run("track", url, "-o", tmp_path, "--max-frames", 30, "--save-video")
    assert code == 0, errors
    report = summary_of(tmp_path)
    assert report["frames"] == 30
    assert report["tracks"] >= 2
    assert report["source"]["live"] is True
    assert report["live"]["received"] >= 30
    assert report["live"]["state"] == "ended"
    viewer, age = report["live"]["viewer_age_ms"], report["frame_age_ms"]
    assert 0 < age["p50"] <= age["p95"] <= age["p99"] <= age["max"]
    assert viewer["max"] >= viewer["p50"] > 0
    assert len(pictures_in(next(tmp_path.glob("*.mp4")))) == 30


def test_a_recording_is_cut_and_every_line_has_its_picture(
    run: Run, url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "recording"
    arguments = ("--record", folder, "--record-segment", 0.8, "--max-frames", 60)
    code, _, errors = run("track", url, *arguments)
    assert code == 0, errors
    videos = sorted(folder.glob("*.mp4"))
    assert len(videos) >= 3
    shown = 0
    for video in videos:
        times, lines = pictures_in(video), lines_in(video.with_suffix(".jsonl"))
        assert len(times) == len(lines)
        assert times[0] == 0
        stamps = np.array([line["pts_s"] for line in lines], float)
        assert np.abs((stamps - stamps[0]) - times).max() < 0.002
        shown += len(lines)
    assert shown == 60
    assert not list(folder.glob("*.posetrack.json"))
    assert summary_of(folder)["frames"] == 60


def test_old_segments_make_room(run: Run, url: str, tmp_path: Path) -> None:
    (tmp_path / "mine.mp4").write_bytes(b"x" * 10_000_000)
    arguments = ("--record", tmp_path, "--record-segment", 0.3, "--record-keep", 1e-9)
    code, _, errors = run("track", url, *arguments, "--max-frames", 60)
    assert code == 0, errors
    assert len(list(tmp_path.glob("*Z.mp4"))) == 1
    assert len(list(tmp_path.glob("*Z.jsonl"))) == 1
    assert (tmp_path / "mine.mp4").exists()


def test_a_recording_survives_a_kill(program: Program, url: str, tmp_path: Path) -> None:
    process = program("track", url, "--record", tmp_path)

    def lines() -> int:
        return sum(len(lines_in(path)) for path in tmp_path.glob("*.jsonl"))

    until(lambda: lines() > 60, 60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (video,) = tmp_path.glob("*.mp4")
    rows = lines()
    # The last second may not have made a whole fragment yet.
    assert rows - 45 < len(pictures_in(video)) <= rows
    assert len(pictures_in(video)) > 15


def terminated(run: Run, when: Callable[[], object], *arguments: object) -> tuple[int, float, str]:
    """Run a command and terminate it a moment after something is true; code, seconds, stderr."""
    sent = [0.0]

    def send() -> None:
        until(when, 60)
        time.sleep(0.2)
        sent[0] = time.monotonic()
        os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=send)
    sender.start()
    code, _, errors = run(*arguments)
    waited = time.monotonic() - sent[0]
    sender.join()
    return code, waited, errors


def test_termination_while_tracking(run: Run, url: str, tmp_path: Path) -> None:
    def begun() -> bool:
        return any(path.stat().st_size for path in tmp_path.glob("*.jsonl"))

    code, waited, errors = terminated(run, begun, "track", url, "--record", tmp_path)
    assert code == 130
    assert waited < 2
    assert "interrupted after" in errors
    (video,) = tmp_path.glob("*.mp4")
    assert len(pictures_in(video)) == len(lines_in(video.with_suffix(".jsonl"))) > 0


def test_termination_while_connecting(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"rtsp://me:Geheim@127.0.0.1:{silent.getsockname()[1]}/x"
        asked: list[socket.socket] = []
        threading.Thread(target=lambda: asked.append(silent.accept()[0])).start()
        arguments = ("track", address, "--record", tmp_path, "--live.open_s", 3)
        code, waited, errors = terminated(run, lambda: asked, *arguments)
        asked[0].close()
    assert code == 130
    assert waited < 2
    assert "Geheim" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_process_whose_camera_is_silent_ends_when_told(program: Program, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        address = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x"
        process = program("track", address, "-o", tmp_path, "--live.open_s", 600)
        with silent.accept()[0]:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 130


def test_live_sources_stand_alone(run: Run, clip: Path, tmp_path: Path) -> None:
    code, _, errors = run("track", clip, "rtsp://me:Geheim@127.0.0.1/x", "-o", tmp_path)
    assert code == 2
    assert "'steadypose serve' follows many" in one_line(errors)


def test_a_camera_that_is_not_there(run: Run, tmp_path: Path) -> None:
    arguments = ("track", "http://me:Geheim@127.0.0.1:1/x", "-o", tmp_path, "--live.first_s", 0.2)
    code, _, errors = run(*arguments)
    assert code == 2
    assert "http://127.0.0.1:1/x: Connection refused; tried for" in errors
    assert "Geheim" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_window_without_a_desktop(
    run: Run, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    code, _, errors = run("track", clip, "-o", tmp_path, "--show")
    assert code == 2
    assert "--show needs a desktop" in one_line(errors)


@pytest.mark.skipif(not shutil.which("Xvfb"), reason="needs Xvfb (see .ci/run)")
def test_a_window_shows_the_people_and_the_run_ends_with_it(
    program: Program, url: str, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        pass_fds=(writer,),
        stderr=subprocess.DEVNULL,
    )
    try:
        os.close(writer)
        with os.fdopen(reader) as answer:
            display = f":{answer.readline().strip()}"
        process = program(
            *("track", url, "-o", tmp_path, "--show", "--max-frames", 30, "--quiet"),
            DISPLAY=display,
        )
        assert process.wait(90) == 0
    finally:
        screen.kill()
        screen.wait()
    assert summary_of(tmp_path)["frames"] == 30


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    if not shutil.which("mosquitto") and not Path("/usr/sbin/mosquitto").exists():
        pytest.skip("needs the MQTT broker mosquitto (see .ci/run)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    process = subprocess.Popen([program, "-c", str(settings)], stderr=subprocess.DEVNULL)

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(answers)
    yield port
    process.terminate()
    process.wait()


def test_poses_reach_a_broker(run: Run, clip: Path, tmp_path: Path, broker: int) -> None:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    got: list[tuple[str, bytes]] = []
    listening = threading.Event()
    listener = Client(CallbackAPIVersion.VERSION2)
    listener.on_message = lambda *given: got.append((given[2].topic, given[2].payload))
    listener.on_subscribe = lambda *_: listening.set()
    listener.connect("127.0.0.1", broker)
    listener.loop_start()
    listener.subscribe("hall/#")
    assert listening.wait(5)
    url = f"mqtt://127.0.0.1:{broker}/hall/north"
    code, _, errors = run("track", clip, "-o", tmp_path / "out", "--mqtt", url)
    assert code == 0, errors
    until(lambda: ("hall/north/status", b"offline") in got)
    listener.disconnect()
    listener.loop_stop()
    records = [json.loads(data) for topic, data in got if topic == "hall/north/poses"]
    assert [record["index"] for record in records] == list(range(24))
    assert records[0]["source"] == "clip.mp4"
    assert len(records[0]["persons"]) == 2
    assert records[0]["age_s"] > 0
    assert ("hall/north/status", b"online") in got


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mqtt://127.0.0.1/", "expected mqtt://[user:password@]host[:port]/topic"),
        ("http://127.0.0.1/x", "expected mqtt://"),
        ("mqtt://127.0.0.1/a/#", "a topic holds none of + # ?"),
        ("mqtt://me:Geheim@127.0.0.1:1/a", "mqtt://127.0.0.1:1/a: the broker cannot be reached"),
    ],
)
def test_a_broker_that_cannot_be_used(
    run: Run, clip: Path, tmp_path: Path, url: str, said: str
) -> None:
    out = tmp_path / "out"
    code, _, errors = run("track", clip, "-o", out, "--mqtt", url)
    assert code == 2
    assert said in one_line(errors)
    assert "Geheim" not in errors
    assert list(out.iterdir()) == []
