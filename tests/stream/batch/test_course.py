"""The course of a batch: what is done, skipped, done again, and told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from steadypose.stream.batch.crew import Message
from steadypose.stream.batch.lock import sole_use
from steadypose.stream.batch.places import LocalPlace
from tests.cli.reading import one_line
from tests.stream.batch.conftest import Batch
from tests.stream.batch.shelf import HandCrew, clip, events, manifest, outcomes, reasons


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for name in ("a.mp4", "day/b.mp4", "day/c.mp4"):
        clip(tmp_path / "shelf" / name)
    return tmp_path / "shelf"


def test_the_tree_is_mirrored_and_told(batch: Batch, shelf: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, errors = batch(shelf, "-o", out, "--format", "jsonl")
    assert (code, errors) == (0, "")
    written = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    stems = ("a", "day/b", "day/c")
    expected = [f"{stem}.{suffix}" for stem in stems for suffix in ("jsonl", "summary.json")]
    ours = [".steadypose/journal.jsonl", ".steadypose/lock", "steadypose-batch.json"]
    assert written == sorted([*expected, *ours])
    assert printed.splitlines()[-1] == "3 videos: 3 done, 0 failed"
    told = manifest(out)
    assert told["counts"]["done"] == 3
    assert [video["frames"] for video in told["videos"]] == [12, 12, 12]
    assert told["ended"] >= told["begun"]


def test_a_second_run_has_nothing_to_do(
    batch: Batch, shelf: Path, tmp_path: Path, crews: list[HandCrew]
) -> None:
    out = tmp_path / "out"
    batch(shelf, "-o", out)
    code, printed, _ = batch(shelf, "-o", out)
    assert code == 0
    assert len(crews) == 1
    assert printed.splitlines()[-1] == "3 videos: 0 done, 3 skipped, 0 failed"
    assert set(outcomes(out).values()) == {"skipped"}
    assert manifest(out)["videos"][0]["frames"] == 12


def change_settings(shelf: Path, out: Path) -> tuple[str, ...]:
    return ("--detect-every", "3")


def change_video(shelf: Path, out: Path) -> tuple[str, ...]:
    clip(shelf / "a.mp4", start=5)
    return ()


def touch_video(shelf: Path, out: Path) -> tuple[str, ...]:
    os.utime(shelf / "a.mp4", (1, 1))
    return ()


def change_video_secretly(shelf: Path, out: Path) -> tuple[str, ...]:
    """The same size and time, another content."""
    path = shelf / "a.mp4"
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return ("--rehash",)


def lose_a_result(shelf: Path, out: Path) -> tuple[str, ...]:
    (out / "a.jsonl").unlink()
    return ()


def cut_a_result(shelf: Path, out: Path) -> tuple[str, ...]:
    (out / "a.jsonl").write_text("")
    return ()


def lose_a_summary(shelf: Path, out: Path) -> tuple[str, ...]:
    (out / "a.summary.json").unlink()
    return ()


def spoil_a_summary(shelf: Path, out: Path) -> tuple[str, ...]:
    (out / "a.summary.json").write_text('{"outcome": "do')
    return ()


def share_threads_otherwise(shelf: Path, out: Path) -> tuple[str, ...]:
    return ("--runtime.threads", "1")


def use_another_summary(shelf: Path, out: Path) -> tuple[str, ...]:
    """One of ``steadypose track``, which says nothing of the input."""
    report = json.loads((out / "a.summary.json").read_text())
    del report["batch"]
    (out / "a.summary.json").write_text(json.dumps(report))
    return ()


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (change_settings, "settings or version changed"),
        (change_video, "the video changed"),
        (touch_video, None),
        (change_video_secretly, "the video changed"),
        (lose_a_result, "results are missing or changed"),
        (cut_a_result, "results are missing or changed"),
        (lose_a_summary, "new"),
        (spoil_a_summary, "new"),
        (share_threads_otherwise, None),
        (use_another_summary, "it was done"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_done_again(
    batch: Batch, shelf: Path, tmp_path: Path, change: object, again: str | None
) -> None:
    out = tmp_path / "out"
    batch(shelf / "a.mp4", "-o", out)
    options = change(shelf, out)  # type: ignore[operator]
    _, planned, _ = batch(shelf / "a.mp4", "-o", out, "--dry-run", *options)
    assert planned.startswith("run " if again else "skip")
    assert f"({again or 'done before'})" in planned
    before = len(events(out))
    code, _, _ = batch(shelf / "a.mp4", "-o", out, *options)
    assert code == 0
    assert [e["event"] for e in events(out)[before:]] == (["begun", "done"] if again else [])


def test_a_dry_run_writes_nothing(batch: Batch, shelf: Path, tmp_path: Path) -> None:
    code, printed, _ = batch(shelf, "-o", tmp_path / "out", "--dry-run")
    assert code == 0
    assert printed.splitlines()[-1] == "3 videos: 3 to run, 0 done before"
    assert not (tmp_path / "out").exists()


def test_failures_are_named_and_spare_the_others(batch: Batch, shelf: Path, tmp_path: Path) -> None:
    (shelf / "bad.mp4").write_text("no video")
    (shelf / "empty.mp4").touch()
    out = tmp_path / "out"
    code, printed, _ = batch(shelf, shelf / "none.mp4", "-o", out)
    assert code == 3
    assert printed.splitlines()[-1] == "6 videos: 3 done, 3 failed"
    told = reasons(out)
    assert told["empty"] == f"{shelf}/empty.mp4: the file is empty"
    assert told["none"] == f"{shelf}/none.mp4: no such file"
    assert told["bad"].startswith(f"{shelf}/bad.mp4: not a video file")
    code, printed, errors = batch(shelf, "-o", out, "--quiet")
    assert (code, printed) == (3, "")
    assert errors.splitlines() == [f"steadypose: {name}: {told[name]}" for name in ("bad", "empty")]


def test_only_the_failed_are_tried_again(batch: Batch, shelf: Path, tmp_path: Path) -> None:
    (shelf / "bad.mp4").write_text("no video")
    out = tmp_path / "out"
    batch(shelf, "-o", out)
    clip(shelf / "bad.mp4")
    clip(shelf / "late.mp4")
    code, printed, _ = batch(shelf, "-o", out, "--retry-failed")
    assert code == 0
    assert printed.splitlines()[-1] == "1 videos: 1 done, 0 failed"
    assert not (out / "late.jsonl").exists()
    assert batch(shelf, "-o", out, "--retry-failed")[1].endswith("failed in the last batch\n")


def interrupt(crew: HandCrew, timeout_s: float) -> list[Message]:
    raise KeyboardInterrupt


def test_a_retry_that_was_stopped_goes_on(
    batch: Batch, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    for name in ("b", "c"):
        (shelf / f"day/{name}.mp4").write_text("no video")
    assert batch(shelf, "-o", out)[1].splitlines()[-1] == "3 videos: 1 done, 2 failed"
    with monkeypatch.context() as patched:
        patched.setattr(HandCrew, "wait", interrupt)
        assert batch(shelf, "-o", out, "--retry-failed")[0] == 130
    assert outcomes(out) == {"day/b": "failed", "day/c": "failed"}
    for name in ("b", "c"):
        clip(shelf / f"day/{name}.mp4")
    printed = batch(shelf, "-o", out, "--retry-failed")[1]
    assert printed.splitlines()[-1] == "2 videos: 2 done, 0 failed"


def test_one_batch_at_a_time_in_one_folder(batch: Batch, shelf: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with sole_use(LocalPlace(out)):
        code, _, errors = batch(shelf, "-o", out)
        assert code == 2
        assert one_line(errors) == f"steadypose: {out}: another batch is at work there"
        assert batch(shelf, "-o", out, "--dry-run")[0] == 0
        assert batch(shelf, "-o", tmp_path / "other")[0] == 0
    assert batch(shelf, "-o", out)[0] == 0


def test_fail_fast_ends_at_the_first(batch: Batch, shelf: Path, tmp_path: Path) -> None:
    (shelf / "a.mp4").write_text("no video")
    code, printed, _ = batch(shelf, "-o", tmp_path / "out", "--fail-fast", "--jobs", 1)
    assert code == 3
    assert printed.splitlines()[-1] == "3 videos: 0 done, 1 failed, 2 pending"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--jobs", "0"), "whole number above 0"),
        (("--split", "0.5"), "--split: expected 1 second or more"),
        (("--split", "60", "--max-frames", "5"), "cannot be used together"),
        (("--retries", "-1"), "--retries: expected 0 or more"),
        (("--ray-cpus", "2"), "need --ray"),
        (("--max-memory", "much"), "expected 512M or more"),
        (("--preset", "fastt"), "did you mean 'fast'"),
        (("--blur", "all"), "'faces'"),
        (("--format", "parket"), "did you mean 'parquet'"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_usage(
    batch: Batch, shelf: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, _, errors = batch(shelf, "-o", tmp_path / "out", *arguments)
    assert code == 2
    if words != "'faces'":
        assert words in one_line(errors)


def test_nothing_to_do_at_all(batch: Batch, tmp_path: Path) -> None:
    code, _, errors = batch(tmp_path, "-o", tmp_path / "out")
    assert code == 2
    assert one_line(errors) == f"steadypose: {tmp_path}: no videos found"


def test_half_written_files_of_a_killed_run_go(batch: Batch, shelf: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "a.openpose.part").mkdir(parents=True)
    (out / "a.csv.part").touch()
    (out / "ab.csv.part").touch()
    batch(shelf / "a.mp4", "-o", out)
    assert [p.name for p in out.rglob("*.part")] == ["ab.csv.part"]


def test_a_video_is_not_replaced_by_its_overlay(batch: Batch, tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4")
    before = path.read_bytes()
    code, _, _ = batch(path, "-o", tmp_path, "--save-video")
    assert code == 3
    assert "was not written by Steadypose" in reasons(tmp_path)["a"]
    assert path.read_bytes() == before
