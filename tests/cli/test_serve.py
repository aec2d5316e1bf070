from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from importlib import util
from pathlib import Path

import pytest

from steadypose.configs import LiveConfig
from steadypose.errors import InputError
from steadypose.stream.serve.run import camera_openers, short_name
from tests.cli.conftest import Run
from tests.cli.reading import one_line
from tests.stream.serve.live import wait_for


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        body: bytes = answer.read()
        return body


def answers(port: int, path: str) -> bool:
    try:
        ask(port, path)
    except OSError:
        return False
    return True


def stop_when(ready: Callable[[], bool], number: signal.Signals) -> list[float]:
    """Send a signal to this process once ``ready``; the list then holds when."""
    sent: list[float] = []

    def send() -> None:
        try:
            wait_for(ready)
        finally:
            sent.append(time.monotonic())
            os.kill(os.getpid(), number)

    threading.Thread(target=send).start()
    return sent


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
def test_recordings_are_served_until_a_signal(
    run: Run, clip: Path, port: int, number: signal.Signals
) -> None:
    states: list[dict[str, object]] = []

    def ready() -> bool:
        if not answers(port, "/readyz"):
            return False
        cameras = json.loads(ask(port, "/api/state"))["cameras"]
        states[:] = cameras
        return all(camera["epoch"] > 0 for camera in cameras)  # played more than once

    sent = stop_when(ready, number)
    code, out, errors = run("serve", clip, clip, "--port", port)
    assert time.monotonic() - sent[0] < 2
    assert code == 130
    assert one_line(errors) == "steadypose: interrupted"
    lines = out.splitlines()
    assert lines[0] == f"serving 2 cameras at http://127.0.0.1:{port}/ (Ctrl-C stops)"
    assert len(lines) == 3
    assert all("frames tracked" in line and "frame age p50" in line for line in lines[1:])
    assert [camera["name"] for camera in states] == ["clip", "clip-2"]


def test_a_network_that_fails_ends_it_with_3(
    run: Run, clip: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, image: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("tests.stream.stand_ins.RectangleDetector.detect", fail)
    code, _, errors = run("serve", clip, "--port", port, "--quiet")
    assert code == 3
    assert one_line(errors) == "steadypose: stage 'detect' failed: ZeroDivisionError: oops"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "lets other machines in: set a token with --token-file"),  # noqa: S104
        (["--token", "two words"], "--token: expected a token"),
        (["--token-file", "/no/such/file"], "/no/such/file: cannot be read"),
        (["--port", "70000"], "--port: expected 0 to 65535, got 70000"),
        (["--port", "x"], "argument --port: invalid int value: 'x'"),
        (["--host", "203.0.113.1", "--token", "t"], "cannot listen at 203.0.113.1 port 8080"),
        (["--host", "no such host", "--token", "t"], "--host no such host"),
        (["--view-quality", "101"], "--view-quality: expected 1 to 100, got 101"),
        (["--batch-wait-ms", "-1"], "expected 0 to 1 s of waiting"),
        (["--batch-frames", "0"], "expected a whole number above 0"),
        (["--config", "fats"], "did you mean 'fast'?"),
        (["--detector.every", "0"], "detector.every: expected 1 to 10000"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    run: Run, clip: Path, options: list[str], said: str
) -> None:
    code, _, errors = run("serve", clip, *options)
    assert code == 2
    assert said in one_line(errors)


def test_a_source_that_is_missing_and_a_port_that_is_taken(run: Run, clip: Path) -> None:
    code, _, errors = run("serve", clip, "missing.mp4")
    assert code == 2
    assert "missing.mp4" in one_line(errors)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, errors = run("serve", clip, "--port", taken.getsockname()[1])
    assert code == 2
    assert "choose another with --port" in one_line(errors)


def test_without_the_extra_it_is_named(
    run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = util.find_spec
    monkeypatch.setattr(
        "steadypose.stream.cli.serve.find_spec",
        lambda name: None if name == "aiohttp" else known(name),
    )
    code, _, errors = run("serve", clip)
    assert code == 2
    assert "'serve' needs aiohttp: install them with pip install 'steadypose[serve]'" in errors


def test_the_token_is_told_nobody(run: Run, clip: Path, port: int, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("shortish\n")
    stop_when(lambda: answers(port, "/readyz"), signal.SIGINT)
    code, out, errors = run("serve", clip, "--port", port, "--token-file", file)
    assert code == 130
    assert "open it once with ?token=TOKEN" in out
    assert "a token of less than 16 characters can be guessed" in out
    assert "shortish" not in out + errors


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clip", "clip"),
        ("Front door (2)", "Front-door-2"),
        ("10.0.0.7:554/live", "10-0-0-7-554-live"),
        ("\u00e9\u00e8", "camera"),
        ("x" * 99, "x" * 40),
    ],
)
def test_names_are_fit_for_addresses(text: str, expected: str) -> None:
    assert short_name(text) == expected


def test_cameras_of_one_name_are_told_apart(clip: Path) -> None:
    openers = camera_openers([str(clip)] * 3)
    assert list(openers) == ["clip", "clip-2", "clip-3"]
    for opener in openers.values():
        for source in (opener(), opener()):
            assert source.info.live
            source.close()


@pytest.mark.parametrize(
    ("options", "first_s"),
    [
        ((), 0.0),
        (("--live.first_s", "3"), 3.0),
        (("--live.first_s", "15"), 15.0),
        (("--config", "FILE"), 30.0),
    ],
)
def test_a_camera_is_waited_for_for_ever_unless_told_otherwise(
    run: Run,
    options: tuple[str, ...],
    first_s: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: fast\nlive:\n  first_s: 30\n")
    seen: list[LiveConfig] = []

    def note(specs: object, live: LiveConfig) -> None:
        seen.append(live)
        raise InputError("enough")

    monkeypatch.setattr("steadypose.stream.serve.run.camera_openers", note)
    given = [str(file) if option == "FILE" else option for option in options]
    assert run("serve", "rtsp://127.0.0.1/x", "--rtsp-transport", "udp", *given)[0] == 2
    assert seen == [LiveConfig(first_s=first_s, transport="udp")]
