"""The whole measurement, with made-up peers that have the interfaces of the real ones."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from steadypose.benchmarks.command import run_alone
from steadypose.benchmarks.records import read
from tests.media import picture, write_clip

MEDIAPIPE = """
from types import SimpleNamespace as Space
class Pose:
    "One person in the middle of every picture; all landmarks lie on a line."
    def __init__(self, static_image_mode):
        self.still = static_image_mode
    def process(self, image):
        marks = [Space(x=0.25 + n / 100, y=0.5, visibility=0.5 + self.still / 2) for n in range(33)]
        return Space(pose_landmarks=Space(landmark=marks))
solutions = Space(pose=Space(Pose=Pose))
"""
YOLO = """
import sys
from pathlib import Path
what, told = sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])
folder = Path(told["project"], told["name"], "labels")
folder.mkdir(parents=True)
if told["imgsz"] == "448":
    sys.exit("no such size")
assert told["save_txt"] == "True", told
source = Path(told["source"])
pictures = sorted(source.iterdir()) if source.is_dir() else []
names = [p.stem for p in pictures] or [f"{source.stem}_{n}" for n in (1, 2, 4)]
for n, name in enumerate(names, 1):
    joints = " ".join("0.5 0.5 0.9" for _ in range(17))
    ident = "" if pictures else " 7"
    folder.joinpath(f"{name}.txt").write_text(f"0 0.5 0.5 0.2 0.4 {joints} 0.8{ident}" + chr(10))
    print(f"video 1/1 (frame {n}/4) {source}: 384x640 1 person, 30.1ms", file=sys.stderr)
"""


@pytest.fixture
def peers(tmp_path: Path) -> Path:
    """Environments whose programs are this Python with the modules above."""
    folder, modules = tmp_path / "peers", tmp_path / "modules"
    modules.mkdir()
    (modules / "mediapipe.py").write_text(MEDIAPIPE)
    (modules / "yolo.py").write_text(YOLO)
    # -E and -s shut PYTHONPATH out, as they must with the real ones.
    python = f'shift 2; PYTHONPATH={modules} exec {sys.executable} "$@"'
    yolo = f'exec {sys.executable} {modules}/yolo.py "$@"'
    for environment, name, line in (("mediapipe", "python", python), ("ultralytics", "yolo", yolo)):
        program = folder / environment / "bin" / name
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
        note = {"requirements": ["x"], "seconds": 12.3, "bytes": 45_000_000}
        program.parents[1].joinpath("install.json").write_text(json.dumps(note))
    weights = folder / "ultralytics" / "models"
    weights.mkdir()
    for name in ("yolo11n-pose.pt", "yolo11n-pose.onnx"):
        (weights / name).write_bytes(bytes(6_000_000))
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", frames=4)


def write_coco(folder: Path) -> tuple[Path, Path]:
    """A picture with somebody who stands alone, tall enough to be pasted."""
    images = folder / "images"
    images.mkdir()
    cv2.imwrite(str(images / "a.jpg"), picture(7, (300, 400)))
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "num_keypoints": 17}
    annotation |= {"area": 20000, "bbox": [50, 20, 120, 300], "keypoints": [9.0, 9.0, 2.0] * 17}
    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [annotation],
        "categories": [{"id": 1, "name": "person"}],
    }
    path = folder / "coco.json"
    path.write_text(json.dumps(content))
    return path, images


def bench(*words: object) -> int:
    try:
        run_alone("peers", [str(word) for word in words])
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_every_section(tmp_path: Path, peers: Path, clip: Path) -> None:
    truth, out, page = tmp_path / "truth.txt", tmp_path / "out.jsonl", tmp_path / "page.md"
    truth.write_text("1,1,51.2,28.8,25.6,38.4,1\n4,1,51.2,28.8,25.6,38.4,1\n")
    words = ("--peers", peers, "--config", "--only", "MediaPipe Pose", "640", "--rounds", 2)
    data = ("--coco", *write_coco(tmp_path), "--truth", clip, truth, "--crowds", 1, 2)
    assert bench(clip, *words, *data, "--frames", 3, "--json", out, "--markdown", page) == 0

    rows = read(out)
    names = ["MediaPipe Pose", "YOLO11n-pose 640, torch", "YOLO11n-pose 640, ONNX Runtime"]
    cases = ["pip install"] + 2 * ["clip.mp4"] + 2 * ["1", "2"]
    cases += ["1 pictures", "clip.mp4, 2 boxes"]
    assert [tuple(r["case"].values()) for r in rows] == [(c, n) for c in cases for n in names]
    assert not any("failed" in row["more"] for row in rows)
    values = {
        (row["what"].split()[1], row["case"]["system"].split()[0]): row["values"] for row in rows
    }
    assert values["install", "MediaPipe"] == {
        "installed_mb": 45,
        "networks_mb": 0,
        "install_s": 12.3,
    }
    assert values["install", "YOLO11n-pose"]["networks_mb"] == 6
    speed = values["speed", "MediaPipe"]
    assert (speed["frames"], speed["people"]) == (4, 1)
    assert 0 < speed["first_s"] < speed["wall_s"]
    assert speed["fps"] == pytest.approx(4 / speed["wall_s"], rel=1e-3)
    # It found nobody in the third of four frames.
    assert values["speed", "YOLO11n-pose"]["people"] == 0.75
    assert values["identity", "YOLO11n-pose"]["IDF1"] == 100
    assert set(values["accuracy", "MediaPipe"]) == {"AP"}

    text = page.read_text()
    assert "**clip.mp4**, 4 frames" in text
    assert "| MediaPipe Pose | Apache-2.0 | one person |" in text
    page.write_text(f"before\n{text}after\n")
    assert bench("--json", out, "--markdown", page) == 0
    assert page.read_text() == text


def test_one_that_fails_stands_in_the_rows_and_stops_nobody(
    tmp_path: Path, peers: Path, clip: Path
) -> None:
    out = tmp_path / "out.jsonl"
    words = ("--config", "--only", "MediaPipe Pose", "448", "--sections", "speed", "--rounds", 1)
    assert bench(clip, "--peers", peers, *words, "--json", out) == 1
    good, bad = read(out)
    assert good["values"]["frames"] == 4
    assert bad["values"] == {}
    assert bad["more"]["failed"] == "yolo: ended with 1: no such size"
    page = tmp_path / "page.md"
    assert bench("--json", out, "--markdown", page) == 0
    assert "- YOLO11n-pose 448, ONNX Runtime, speed: yolo: ended with 1" in page.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing to do"),
        (("--markdown", "page.md"), "--markdown: shows the rows of --json"),
        (("--json", "nowhere.jsonl", "--markdown", "page.md"), "nowhere.jsonl: cannot be read"),
        (("--peers", "x", "--only", "nobody"), "--only: no system is called 'nobody'"),
        (("--peers", "x", "--sections", "speed"), "section speed: name one CLIP"),
        (("--peers", "x", "no.mp4", "--sections", "speed"), "no.mp4: cannot be opened"),
        (("--peers", "x", "--coco", "no.json", "no", "--sections", "crowd"), "no.json: not a"),
        (("--peers", "x", "--truth", "a", "b", "--sections", "identity"), "b: cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bench(*words) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1
    assert message in errors[0]
    assert not list(tmp_path.iterdir())


def test_without_data_the_option_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STEADYPOSE_DATA", raising=False)
    assert bench("--peers", "x", "--sections", "identity") == 2
    assert "--truth: not given" in capsys.readouterr().err


def test_an_environment_that_is_not_there(
    tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--only", "MediaPipe Pose", "--sections", "install", "speed", "--rounds", 1)
    assert bench(clip, "--peers", tmp_path, *words) == 1
    assert "make it with benchmarks/peers/make_peers.sh" in capsys.readouterr().out


def test_crowds_hold_so_many_people() -> None:
    from steadypose.benchmarks.pasted import slots
    from steadypose.benchmarks.peers.crowds import HEIGHT, SIZE

    assert len(slots(SIZE, HEIGHT)) >= 30
    assert np.prod(SIZE) == 1280 * 720
