from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from steadypose.errors import OutputError
from steadypose.stream.cli.track import distinct
from steadypose.stream.sinks.jsonl import JsonlSink
from tests.cli.conftest import Run, encode
from tests.media import cut, packet_places, set_display_matrix, spoil, write_sound


def lines_of(folder: Path, stem: str = "clip") -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{stem}.jsonl").read_text().splitlines()]


def summary_of(folder: Path, stem: str = "clip") -> dict[str, object]:
    loaded: dict[str, object] = json.loads((folder / f"{stem}.summary.json").read_text())
    return loaded


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text.strip()


def test_all_that_track_writes(run: Run, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    formats = "posetrack,jsonl,coco,csv,openpose"
    code, printed, errors = run("track", clip, "-o", out, "--save-video", "--format", formats)
    assert (code, errors) == (0, "")
    assert sorted(p.name for p in out.iterdir()) == [
        "clip.coco.json",
        "clip.csv",
        "clip.jsonl",
        "clip.mp4",
        "clip.openpose",
        "clip.posetrack.json",
        "clip.summary.json",
    ]
    assert "24 frames, 2 people" in printed
    for path in out.iterdir():
        assert str(path) in printed


def test_every_frame_once_with_its_container_time(run: Run, clip: Path, tmp_path: Path) -> None:
    assert run("track", clip, "-o", tmp_path / "out")[0] == 0
    rows = lines_of(tmp_path / "out")
    with av.open(str(clip)) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert [row["index"] for row in rows] == list(range(len(times)))
    assert [row["pts_s"] for row in rows] == pytest.approx(times, abs=1e-6)
    ids = {tuple(p["track_id"] for p in row["persons"]) for row in rows}  # type: ignore[attr-defined]
    assert ids == {(1, 2)}


def test_two_runs_give_the_same_bytes(run: Run, clip: Path, tmp_path: Path) -> None:
    formats = "posetrack,jsonl,coco,csv"
    for name in ("a", "b"):
        assert run("track", clip, "-o", tmp_path / name, "--format", formats)[0] == 0
    for suffix in ("posetrack.json", "jsonl", "coco.json", "csv"):
        first, second = ((tmp_path / n / f"clip.{suffix}").read_bytes() for n in ("a", "b"))
        assert first == second


def test_the_summary_adds_up(run: Run, clip: Path, tmp_path: Path) -> None:
    run("track", clip, "-o", tmp_path / "out", "--detect-every", 4)
    report = summary_of(tmp_path / "out")
    assert (report["outcome"], report["frames"], report["tracks"]) == ("done", 24, 2)
    assert report["frames_with_detection"] == 6
    assert report["people"] == {"rows": 48, "per_frame_mean": 2.0, "per_frame_max": 2}
    stages = report["stages"]
    assert isinstance(stages, dict)
    assert list(stages) == ["decode", "detect", "estimate", "track", "write"]
    for stage in stages.values():
        spent = stage["work_s"] + stage["wait_input_s"] + stage["wait_output_s"]
        assert spent <= report["elapsed_s"] * 1.05 + 0.05  # type: ignore[operator]
    assert stages["detect"]["frames"] == 6
    assert report["settings"]["detector"]["every"] == 4  # type: ignore[index]


def test_rotated_video_comes_out_upright(run: Run, clip: Path, tmp_path: Path) -> None:
    set_display_matrix(clip, (0, 1, -1, 0))
    assert run("track", clip, "-o", tmp_path / "out", "--save-video")[0] == 0
    with av.open(str(tmp_path / "out" / "clip.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == (120, 200)


def test_a_folder_of_pictures(run: Run, pictures: list[np.ndarray], tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for i, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"img{i + 1}.png"), picture)
    assert run("track", folder, "-o", tmp_path / "out")[0] == 0
    data = json.loads((tmp_path / "out" / "frames.posetrack.json").read_text())
    assert [Path(i["file_name"]).name for i in data["images"]] == [
        f"img{i + 1}.png" for i in range(24)
    ]
    assert run("track", folder / "img*.png", "-o", tmp_path / "glob")[0] == 0
    assert len(lines_of(tmp_path / "glob", "frames")) == 24


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


def test_same_names_do_not_overwrite_one_another(
    run: Run, pictures: list[np.ndarray], tmp_path: Path
) -> None:
    for name, length in (("a", 5), ("b", 9)):
        (tmp_path / name).mkdir()
        encode(tmp_path / name / "clip.mp4", pictures[:length])
    out = tmp_path / "out"
    assert run("track", tmp_path / "a" / "clip.mp4", tmp_path / "b" / "clip.mp4", "-o", out)[0] == 0
    assert (len(lines_of(out)), len(lines_of(out, "clip-2"))) == (5, 9)


@pytest.mark.parametrize(
    ("stems", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["clip", "clip", "clip"], ["clip", "clip-2", "clip-3"]),
        (["clip", "Clip"], ["clip", "Clip-2"]),
        (["clip", "clip-2", "clip"], ["clip", "clip-2", "clip-3"]),
        (["clip", "clip", "clip-2"], ["clip", "clip-2", "clip-2-2"]),
        ([], []),
    ],
)
def test_distinct_stems(stems: list[str], expected: list[str]) -> None:
    taken: set[str] = set()
    assert [distinct(stem, taken) for stem in stems] == expected


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
        (lambda p: "rtsp://user:secret@127.0.0.1/x", "url", "live sources"),
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
        (["--skeleton", "coco"], "coco17"),
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


def test_dotted_options_reach_the_settings(run: Run, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--tracker.lost_s", "1.5", "--estimator.sizes", "[[128, 96]]", "--max-frames", "3"]
    assert run("track", clip, "-o", out, "--config", "fast", *arguments)[0] == 0
    settings = summary_of(out)["settings"]
    assert isinstance(settings, dict)
    assert settings["tracker"] == {"lost_s": 1.5}
    assert settings["estimator"]["sizes"] == [[128, 96]]
    assert settings["detector"]["every"] == 10
    assert len(lines_of(out)) == 3


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.3])
def test_a_signal_stops_in_time_and_keeps_what_was_tracked(
    run: Run,
    pictures: list[np.ndarray],
    tmp_path: Path,
    number: signal.Signals,
    delay_s: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip = encode(tmp_path / "clip.mp4", pictures * 100)
    begun, sent = threading.Event(), [0.0]
    write = JsonlSink.write

    def note(self: JsonlSink, result: object) -> None:
        write(self, result)  # type: ignore[arg-type]
        begun.set()

    def send() -> None:
        begun.wait(20)
        time.sleep(delay_s)
        sent[0] = time.monotonic()
        os.kill(os.getpid(), number)

    monkeypatch.setattr(JsonlSink, "write", note)
    threading.Thread(target=send).start()
    out = tmp_path / "out"
    code, _, errors = run("track", clip, "-o", out, "--save-video")
    assert time.monotonic() - sent[0] < 2
    assert code == 130
    assert "interrupted after" in one_line(errors)
    rows = lines_of(out)
    assert 0 < len(rows) < 2400
    assert len(json.loads((out / "clip.posetrack.json").read_text())["images"]) == len(rows)
    assert summary_of(out)["outcome"] == "interrupted"
    with av.open(str(out / "clip.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(rows)
    assert not [p for p in out.iterdir() if p.name.startswith(".") or "part" in p.name]


def test_no_progress_and_no_words_when_quiet(run: Run, clip: Path, tmp_path: Path) -> None:
    assert run("track", clip, "-o", tmp_path / "out", "--quiet") == (0, "", "")


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
