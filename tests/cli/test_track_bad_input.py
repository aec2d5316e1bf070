from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from steadypose.errors import OutputError
from steadypose.stream.sinks.jsonl import JsonlSink
from tests.cli.conftest import Run, encode
from tests.cli.reading import lines_of, one_line, summary_of
from tests.media import cut, packet_places, spoil, write_sound


def test_a_broken_picture_costs_only_itself(
    run: Run, pictures: list[np.ndarray], tmp_path: Path
) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for i, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"img{i:02}.png"), picture)
    (folder / "img05.png").write_bytes(b"not a picture")
    code, _, errors = run("track", folder, "-o", tmp_path / "out")
    assert code == 3
    assert "img05.png" in errors
    assert len(lines_of(tmp_path / "out", "frames")) == 23
    assert summary_of(tmp_path / "out", "frames")["outcome"] == "failed"


def test_a_bad_source_spares_the_others(run: Run, clip: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    code, printed, errors = run("track", empty, clip, "-o", tmp_path / "out")
    assert code == 2
    assert "empty.mp4" in one_line(errors)
    assert "24 frames" in printed


def _text(path: Path) -> Path:
    path.write_text("this is no video\n" * 50)
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    (path / "notes.txt").write_text("x")
    return path


def _touched(path: Path) -> Path:
    path.touch()
    return path


@pytest.mark.parametrize(
    ("make", "name", "says"),
    [
        (lambda p: p, "missing.mp4", "missing.mp4"),
        (_touched, "empty.mp4", "empty.mp4"),
        (_text, "text.mp4", "text.mp4"),
        (write_sound, "sound.m4a", "sound.m4a"),
        (_folder, "folder", "folder"),
        (lambda p: p, "no*.mp4", "no*.mp4"),
        (lambda p: "gopher://user:secret@127.0.0.1/x", "gopher", "unknown protocol"),
    ],
    ids=["missing", "empty", "text", "sound", "folder", "glob", "url"],
)
def test_bad_sources(run: Run, tmp_path: Path, make, name: str, says: str) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    code, printed, errors = run("track", make(tmp_path / name), "-o", out)
    assert code == 2
    assert says in one_line(errors)
    assert "secret" not in errors
    assert printed == ""
    assert not list(out.iterdir())


def test_a_truncated_video_keeps_what_decodes(
    run: Run, pictures: list[np.ndarray], tmp_path: Path
) -> None:
    whole = encode(tmp_path / "whole.mp4", pictures * 4)
    clip = tmp_path / "clip.mp4"
    subprocess.run([sys.executable, "-c", _REMUX, str(whole), str(clip)], check=True, timeout=60)
    cut(clip, 0.6)
    code, _, errors = run("track", clip, "-o", tmp_path / "out", "--save-video")
    assert code == 3
    assert "clip.mp4" in errors
    rows = lines_of(tmp_path / "out")
    assert 20 < len(rows) < 96
    report = summary_of(tmp_path / "out")
    assert (report["outcome"], report["frames"]) == ("failed", len(rows))
    with av.open(str(tmp_path / "out" / "clip.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(rows)


_REMUX = """
import sys, av
with av.open(sys.argv[1]) as a, av.open(
    sys.argv[2], "w", options={"movflags": "faststart"}
) as b:
    out = b.add_stream_from_template(a.streams.video[0])
    for packet in a.demux(video=0):
        if packet.dts is not None:
            packet.stream = out
            b.mux(packet)
"""


def test_a_corrupt_packet_costs_a_warning(run: Run, clip: Path, tmp_path: Path) -> None:
    place, size = packet_places(clip)[12]
    spoil(clip, place + 5, size - 5)
    code, _, errors = run("track", clip, "-o", tmp_path / "out")
    assert code == 0
    assert "warning" in errors
    rows = lines_of(tmp_path / "out")
    assert len(rows) >= 20
    assert rows[-1]["index"] == len(rows) - 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--detct-every", "3"], "--detect-every"),
        (["--detector.evry=3"], "--detector.every"),
        (["--config", "fsat"], "'fast'"),
        (["--config", "none.yaml"], "none.yaml"),
        (["--format", "jsnl"], "'jsonl'"),
        (["--skeleton", "coco-17"], "coco17"),
        (["--refiner", "yes"], "on, off"),
        (["--estimate", "news"], "'new'"),
        (["--estimate", "new", "--estimator.hold", "0"], "without a refiner"),
        (["--estimate", "new", "--refiner", "on", "--refiner.prior", "false"], "refiner.prior"),
        (["--refiner", "on", "--refiner.threshold", "1.5"], "refiner.threshold"),
        (["--refiner.sizes", "[[100, 96]]"], "refiner.sizes"),
        (["--detect-every", "0"], "--detect-every"),
        (["--max-frames", "x"], "--max-frames"),
        (["--detector.every", "soon"], "detector.every"),
        (["--tracker.lost_s", "-1"], "lost_s"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_options_name_the_nearest(
    run: Run, clip: Path, tmp_path: Path, arguments: list[str], says: str
) -> None:
    code, _, errors = run("track", clip, "-o", tmp_path / "out", *arguments)
    assert code == 2
    assert says in one_line(errors)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "COMMAND"),
        (["trak"], "'track'"),
        (["track"], "SOURCE"),
        (["models", "ftch"], "'fetch'"),
    ],
    ids=["none", "command", "source", "action"],
)
def test_bad_commands(run: Run, arguments: list[str], says: str) -> None:
    code, _, errors = run(*arguments)
    assert code == 2
    assert says in one_line(errors)


def test_a_config_file_with_a_wrong_key(run: Run, clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: fast\ntraker:\n  lost_s: 3\n")
    code, _, errors = run("track", clip, "-o", tmp_path / "out", "--config", path)
    assert code == 2
    assert "did you mean 'tracker'" in one_line(errors)


def test_the_source_is_never_overwritten(run: Run, clip: Path, tmp_path: Path) -> None:
    before = clip.read_bytes()
    code, _, errors = run("track", clip, "-o", tmp_path, "--save-video")
    assert code == 2
    assert "clip.mp4" in one_line(errors)
    assert clip.read_bytes() == before


def test_an_output_that_cannot_be_written(run: Run, clip: Path, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    code, _, errors = run("track", clip, "-o", blocker / "out")
    assert code == 2
    assert "file" in one_line(errors)


def test_a_full_disk_keeps_the_other_files(
    run: Run, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = JsonlSink.write, 0

    def full(self: JsonlSink, result: object) -> None:
        nonlocal calls
        calls += 1
        if calls > 10:
            raise OutputError(f"{tmp_path}: disk full")
        write(self, result)  # type: ignore[arg-type]

    monkeypatch.setattr(JsonlSink, "write", full)
    out = tmp_path / "out"
    code, _, errors = run("track", clip, "-o", out)
    assert code == 2
    assert "disk full" in errors
    data = json.loads((out / "clip.posetrack.json").read_text())
    assert len(data["images"]) >= 10
    assert summary_of(out)["outcome"] == "failed"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that not even root may fill")
def test_a_folder_without_permission(run: Run, clip: Path) -> None:
    code, _, errors = run("track", clip, "-o", "/proc/steadypose-output")
    assert code == 2
    assert "/proc/steadypose-output" in one_line(errors)


def test_missing_models_are_named(clip: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "STEADYPOSE_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "steadypose.stream.cli.main"]
    done = subprocess.run(
        [*command, "track", str(clip), "-o", str(tmp_path / "out")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "steadypose models fetch" in one_line(done.stderr)
    assert shutil.which("steadypose") is None or done.stdout == ""
