"""The command line on stand-ins for the networks, and files that are wrong in every way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from steadypose.configs import Config
from steadypose.stream.cli.main import main
from steadypose.stream.engine_room import EngineRoom
from tests.stream.stand_ins import scene, stand_in_room, walk

Outcome = tuple[int, str, str]
Run = Callable[..., Outcome]
Program = Callable[..., subprocess.Popen[bytes]]

STAND_INS = """
import sys
from steadypose.stream.cli.main import main
from steadypose.stream.engine_room import EngineRoom
from tests.stream.stand_ins import stand_in_room

EngineRoom.load = classmethod(lambda cls, config: stand_in_room(config))
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line without networks: exit code, stdout, stderr."""

    def load(cls: type[EngineRoom], config: Config) -> EngineRoom:
        return stand_in_room(config)

    monkeypatch.setattr(EngineRoom, "load", classmethod(load))

    def call(*arguments: object) -> Outcome:
        capfd.readouterr()
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def program() -> Iterator[Program]:
    """The command line, or another program, as a process: by default on stand-ins for networks."""
    running: list[subprocess.Popen[bytes]] = []

    def start(
        *arguments: object, code: str = STAND_INS, **environment: str
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        # No network comes with it: what is new in the environment is what a test sets.
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stderr=subprocess.PIPE
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def pictures() -> list[np.ndarray]:
    """A scene of 24 frames in which two people walk."""
    return [scene(boxes) for boxes in walk(24)]


@pytest.fixture
def clip(tmp_path: Path, pictures: list[np.ndarray]) -> Path:
    """The scene as an H.264 video."""
    return encode(tmp_path / "clip.mp4", pictures)


def encode(path: Path, pictures: list[np.ndarray], fps: int = 25) -> Path:
    """Write pictures as an H.264 video with a key frame every 8 frames."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "10", "g": "8"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return path
