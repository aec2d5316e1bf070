"""Workers that do several videos at once: the same bytes, and each video's failure its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from steadypose.benchmarks.batch.resume import begun_after_done, results_of
from steadypose.stream.batch.crew import Lost, Message
from steadypose.stream.batch.videos import Task
from steadypose.stream.batch.worker import Orders
from steadypose.stream.cli.main import main
from tests.cli.conftest import encode
from tests.cli.reading import one_line
from tests.media import cut, write_clip
from tests.stream.batch.conftest import Batch
from tests.stream.batch.shelf import (
    HandCrew,
    all_gone,
    children,
    clip,
    command,
    done_in_or_over,
    events,
    manifest,
    outcomes,
    reasons,
    run_batch,
    wait_for,
    workers_of,
)
from tests.stream.stand_ins import scene, stand_in_room

Networks = tuple[str, ...]
SHARED = ("--jobs", "1", "--share", "3")
FILES = ("--save-video", "--format", "posetrack,jsonl,csv")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    for number in range(8):
        clip(folder / f"{number}.mp4", start=number)
    return folder


@pytest.fixture(scope="module")
def whole(shelf: Path, tmp_path_factory: pytest.TempPathFactory, networks: Networks) -> Path:
    """The results of the shelf where no two videos share anything."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert run_batch(shelf, "-o", out, "--jobs", "1", *FILES, networks=networks)[0] == 0
    return out


def assert_same(out: Path, whole: Path) -> None:
    first, second = results_of(whole), results_of(out)
    assert len(first) >= 32
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_the_bytes_are_those_of_each_video_alone(
    shelf: Path, whole: Path, tmp_path: Path, networks: Networks
) -> None:
    out = tmp_path / "out"
    code, _, errors = run_batch(shelf, "-o", out, *SHARED, *FILES, networks=networks)
    assert (code, errors) == (0, "")
    assert_same(out, whole)
    told = [video["sharing"] for video in manifest(out)["videos"]]
    assert all(0 < sharing["rounds"] <= sharing["people"] for sharing in told)
    assert sum(sharing["shared"] for sharing in told) > 0
    assert sum(s["all_people"] for s in told) > sum(s["people"] for s in told)
    summary = json.loads((out / "0.summary.json").read_text())
    assert summary["batch"]["sharing"] == told[0]
    # How many share does not count as a setting.
    assert run_batch(shelf, "-o", out, *FILES, networks=networks)[1].endswith(
        "8 skipped, 0 failed\n"
    )


def test_broken_videos_spare_those_beside_them(
    shelf: Path, whole: Path, tmp_path: Path, networks: Networks
) -> None:
    folder, out = tmp_path / "shelf", tmp_path / "out"
    folder.mkdir()
    for path in shelf.iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "3-text.mp4").write_text("This is no video.\n" * 50)
    cut(write_clip(folder / "5-cut.mkv", frames=50), 0.5)
    assert run_batch(folder, "-o", out, *SHARED, *FILES, networks=networks)[0] == 3
    told = reasons(out)
    assert told.keys() == {"3-text", "5-cut"}
    assert "not a video file" in told["3-text"]
    assert "ended after frame" in told["5-cut"]
    for path in out.glob("5-cut*"):
        path.unlink()
    assert_same(out, whole)


def test_killed_and_resumed(shelf: Path, whole: Path, tmp_path: Path, networks: Networks) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(shelf, "-o", out, *SHARED, *FILES, networks=networks),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(partial(done_in_or_over, out, 2, process))
    workers = children(process.pid)
    process.kill()
    process.wait()
    wait_for(partial(all_gone, workers))
    assert run_batch(shelf, "-o", out, *SHARED, *FILES, networks=networks)[0] == 0
    assert_same(out, whole)
    assert begun_after_done(events(out)) == []
    assert list(out.rglob("*.part")) == []


@pytest.fixture(scope="module")
def long_shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    for number in range(2):
        encode(folder / f"{number}.mp4", [scene([(20, 20, 60 + number, 100)])] * 300)
    return folder


def both_begun(out: Path) -> bool:
    parts = [out / f"{number}.jsonl.part" for number in range(2)]
    return all(part.exists() and part.stat().st_size > 0 for part in parts)


def test_a_killed_worker_costs_none_of_its_videos(
    long_shelf: Path, tmp_path: Path, networks: Networks
) -> None:
    """Which of them it was is not known, so that each is tried again alone."""
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(long_shelf, "-o", out, *SHARED, "--retries", "0", networks=networks),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(partial(both_begun, out))
    for pid in workers_of(process.pid):
        os.kill(pid, signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    assert outcomes(out) == {"0": "done", "1": "done"}
    course = [event["event"] for event in events(out)]
    assert course == ["begun", "begun", "lost", "lost", "begun", "done", "begun", "done"]


def test_ctrl_c_keeps_what_was_tracked(
    long_shelf: Path, tmp_path: Path, networks: Networks
) -> None:
    """In a terminal it reaches the workers too."""
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(long_shelf, "-o", out, *SHARED, networks=networks),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(partial(both_begun, out))
    workers = children(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert outcomes(out) == {"0": "interrupted", "1": "interrupted"}
    for number in range(2):
        frames = json.loads((out / f"{number}.summary.json").read_text())["frames"]
        assert 0 < frames < 300
        assert (out / f"{number}.jsonl").read_text().count("\n") == frames
    assert list(out.rglob("*.part")) == []
    wait_for(partial(all_gone, workers))


class PoisonedCrew(HandCrew):
    """Its worker is lost, with all it is at, whenever the video ``poison`` is among that."""

    def __init__(self, orders: Orders, jobs: int) -> None:
        super().__init__(orders, jobs, stand_in_room(orders.config))
        self._given: dict[int, Task] = {}
        self.company: list[list[str]] = []

    def give(self, slot: int, task: Task) -> None:
        self._given[slot] = task

    def wait(self, timeout_s: float) -> list[Message]:
        given, self._given = self._given, {}
        if given:
            self.company.append([task.video.stem for task in given.values()])
        if any(task.video.stem == "poison" for task in given.values()):
            return [Lost(slots=tuple(range(self.share)), reason="killed")]
        for slot, task in given.items():
            super().give(slot, task)
        return super().wait(timeout_s)


@pytest.mark.parametrize("retries", [0, 1])
def test_who_kills_every_worker_fails_alone(
    monkeypatch: pytest.MonkeyPatch, shelf: Path, tmp_path: Path, retries: int
) -> None:
    folder, out = tmp_path / "shelf", tmp_path / "out"
    folder.mkdir()
    for name in ("a", "b", "poison", "q", "r"):
        (folder / f"{name}.mp4").symlink_to(shelf / "0.mp4")
    crews: list[PoisonedCrew] = []

    def hire(orders: Orders, jobs: int) -> PoisonedCrew:
        crews.append(PoisonedCrew(orders, jobs))
        return crews[-1]

    monkeypatch.setattr("steadypose.stream.batch.processes.ProcessCrew", hire)
    code = main(["batch", str(folder), "-o", str(out), *SHARED, "--retries", str(retries)])
    assert code == 3
    assert reasons(out) == {"poison": "killed"}
    assert sorted(outcomes(out).values()) == ["done"] * 4 + ["failed"]
    assert crews[0].company == [
        ["a", "b", "poison"],
        ["a"],
        ["b"],
        *[["poison"]] * (1 + retries),
        ["q", "r"],
    ]


@pytest.mark.parametrize(
    ("options", "share", "size"),
    [
        ((), 1, 1),
        (("--share", "3"), 3, 3),
        (("--share", "9"), 8, 8),
        (("--share", "3", "--jobs", "4"), 2, 8),
        (("--device", "cuda:0"), 4, 4),
        (("--device", "cuda:0", "--share", "1"), 1, 1),
        (("--device", "cuda:0", "--max-memory", "2G"), 1, 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_how_many_a_worker_is_given(
    monkeypatch: pytest.MonkeyPatch,
    batch: Batch,
    crews: list[HandCrew],
    shelf: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    share: int,
    size: int,
) -> None:
    monkeypatch.setattr("steadypose.stream.batch.limits.cores", lambda: 1)
    monkeypatch.setattr("steadypose.stream.batch.worker.limit_memory", lambda limit: True)
    assert batch(shelf, "-o", tmp_path / "out", *options)[0] == 0
    assert (crews[0].share, crews[0].size) == (share, size)


def test_a_limit_of_memory_is_of_one_video(batch: Batch, shelf: Path, tmp_path: Path) -> None:
    code, _, errors = batch(shelf, "-o", tmp_path / "out", "--share", "2", "--max-memory", "2G")
    assert code == 2
    assert "--max-memory and --share cannot be used together" in one_line(errors)
