"""Real workers on tiny networks: killed, starved, interrupted, and a folder of bad videos."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from steadypose.benchmarks.batch.resume import begun_after_done, results_of
from tests.cli.conftest import encode
from tests.cli.reading import one_line
from tests.media import cut, write_clip, write_sound
from tests.stream.batch.shelf import (
    all_gone,
    black,
    children,
    clip,
    command,
    done_in,
    done_in_or_over,
    events,
    manifest,
    outcomes,
    reasons,
    run_batch,
    wait_for,
    workers_of,
)
from tests.stream.stand_ins import scene

Networks = tuple[str, ...]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    for number in range(10):
        clip(folder / f"{number}.mp4", start=number)
    return folder


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that takes a few seconds."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return encode(path, [scene([(20, 20, 60, 100)])] * 1500)


@pytest.fixture(scope="module")
def huge_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames of 8k video, a hundred million bytes each."""
    path = tmp_path_factory.mktemp("huge") / "8k.mp4"
    return encode(path, [scene([(900, 900, 3000, 4000)], (4320, 7680))] * 6)


def begun(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def test_killed_and_resumed_gives_the_bytes_of_one_run(
    shelf: Path, tmp_path: Path, networks: Networks
) -> None:
    options = ("--jobs", "2", "--save-video", "--format", "posetrack,jsonl,csv,trc")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert run_batch(shelf, "-o", whole, *options, networks=networks)[0] == 0
    chance = random.Random(1)  # noqa: S311 - the same moments on every run
    for least in (1, 4):
        process = subprocess.Popen(
            command(shelf, "-o", broken, *options, networks=networks),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(partial(done_in_or_over, broken, least, process))
        time.sleep(chance.random() * 0.2)
        workers = children(process.pid)
        process.kill()
        process.wait()
        wait_for(partial(all_gone, workers))
        assert done_in(broken) < 10
    assert run_batch(shelf, "-o", broken, *options, networks=networks)[0] == 0
    first, second = results_of(whole), results_of(broken)
    assert len(first) >= 50
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert begun_after_done(events(broken)) == []
    assert list(broken.rglob("*.part")) == []


def test_a_killed_worker_costs_its_video_alone(
    shelf: Path, long_clip: Path, tmp_path: Path, networks: Networks
) -> None:
    process = subprocess.Popen(
        command(
            *(long_clip, shelf, "-o", tmp_path / "out", "--jobs", "1"),
            *("--retries", "0"),
            networks=networks,
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(partial(begun, tmp_path / "out" / "long.jsonl.part"))
    for pid in workers_of(process.pid):
        os.kill(pid, signal.SIGKILL)
    printed, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (3, "")
    assert printed.splitlines()[-1] == "11 videos: 10 done, 1 failed"
    assert reasons(tmp_path / "out") == {
        "long": "its worker was killed (SIGKILL), as the system does when memory runs out"
    }
    assert [p.name for p in (tmp_path / "out").glob("long*")] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_batch_in_order(
    long_clip: Path, tmp_path: Path, networks: Networks, number: signal.Signals
) -> None:
    clip(tmp_path / "next.mp4")
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(
            *(long_clip, tmp_path / "next.mp4", "-o", out, "--jobs", "1"),
            networks=networks,
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(partial(begun, out / "long.jsonl.part"))
    workers = children(process.pid)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert one_line(errors) == "steadypose: interrupted; 2 videos are left"
    assert outcomes(out) == {"long": "interrupted", "next": "pending"}
    assert list(out.rglob("*.part")) == []
    wait_for(partial(all_gone, workers))


@pytest.fixture
def bad_shelf(tmp_path: Path, huge_clip: Path) -> Path:
    """Videos that are wrong in every way, and some that are only odd."""
    folder = tmp_path / "bad"
    clip(folder / "good.mp4")
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("This is no video.\n" * 50)
    cut(clip(folder / "index-cut-off.mp4"), 0.6)
    cut(write_clip(folder / "truncated.mkv", frames=50), 0.5)
    write_sound(folder / "sound.mp4")
    clip(folder / "one.mp4", frames=1)
    clip(folder / "same.mp4")
    clip(folder / "same.mov")
    clip(folder / "zwei Füße 👣 漢字.mp4")
    clip(folder / ("long-" + "x" * 240 + ".mp4"))
    shutil.copy(huge_clip, folder)
    encode(folder / "nobody.mp4", black(5))
    (folder / "dangling.mp4").symlink_to(folder / "gone.mp4")
    return folder


def test_the_bad_set(bad_shelf: Path, tmp_path: Path, networks: Networks) -> None:
    out = tmp_path / "out"
    code, printed, errors = run_batch(bad_shelf, "-o", out, "--jobs", "2", networks=networks)
    assert (code, errors) == (3, "")
    told = outcomes(out)
    long = next(name for name in told if name.startswith("long-"))
    failed = {
        "empty": "empty.mp4: the file is empty",
        "text": "text.mp4: not a video file, or damaged beyond reading",
        "index-cut-off": "index-cut-off.mp4: not a video file, or damaged beyond reading",
        "truncated": "truncated.mkv: ended after frame",
        "sound": "sound.mp4: holds no video, only audio",
        "dangling": "dangling.mp4: no such file",
    }
    good = ("good", "one", "same.mp4", "same.mov", "zwei Füße 👣 漢字", long, "8k", "nobody")
    assert told == dict.fromkeys(failed, "failed") | dict.fromkeys(good, "done")
    for name, reason in failed.items():
        assert reason in reasons(out)[name]
        assert reason in printed
    frames = {video["name"]: video["frames"] for video in manifest(out)["videos"]}
    assert [frames[name] for name in ("one", "8k", "nobody", "good")] == [1, 6, 5, 12]
    assert 0 < frames["truncated"] < 50
    assert (out / "truncated.jsonl").read_text().count("\n") == frames["truncated"]
    assert len(long.encode()) <= 199
    assert (out / f"{long}.posetrack.json").stat().st_size > 0
    assert list(out.rglob("*.part")) == []


def test_no_permission(tmp_path: Path, networks: Networks) -> None:
    clip(tmp_path / "good.mp4")
    clip(tmp_path / "secret.mp4").chmod(0)
    (clip(tmp_path / "closed" / "a.mp4").parent).chmod(0)
    limited = command(tmp_path, "-o", tmp_path / "out", "--jobs", "1", networks=networks)
    if os.geteuid() == 0:
        # The administrator may read everything, but for one who gave that right up.
        limited = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *limited]
    done = subprocess.run(limited, capture_output=True, text=True, check=False, timeout=120)
    (tmp_path / "closed").chmod(0o700)
    assert done.returncode == 3
    assert reasons(tmp_path / "out") == {
        "secret": f"{tmp_path}/secret.mp4: cannot be read: Permission denied",
        "closed": f"{tmp_path}/closed: cannot be read: Permission denied",
    }


def test_a_video_that_takes_too_much_memory(
    huge_clip: Path, tmp_path: Path, networks: Networks
) -> None:
    clip(tmp_path / "small.mp4")
    out = tmp_path / "out"
    code, _, _ = run_batch(
        *(huge_clip, tmp_path / "small.mp4", "-o", out),
        *("--jobs", "1", "--max-memory", "700M"),
        networks=networks,
    )
    assert code == 3
    assert outcomes(out) == {"8k": "failed", "small": "done"}
    assert reasons(out)["8k"].startswith("out of memory (limit 700 MB)")


def test_a_full_disk_is_named_and_the_others_go_on(tmp_path: Path, networks: Networks) -> None:
    encode(tmp_path / "long.mp4", [scene([(20, 20, 60, 100)])] * 150)
    clip(tmp_path / "short.mp4", frames=4)
    limited = ["bash", "-c", 'ulimit -f 24; exec "$0" "$@"']
    paths = (tmp_path / "long.mp4", tmp_path / "short.mp4")
    out = tmp_path / "out"
    done = subprocess.run(
        [*limited, *command(*paths, "-o", out, "--jobs", "1", networks=networks)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 3
    assert outcomes(out) == {"long": "failed", "short": "done"}
    assert "cannot be written" in reasons(out)["long"]


def test_networks_that_cannot_be_loaded_are_one_line(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4")
    (tmp_path / "net.onnx").write_bytes(b"nonsense")
    code, _, errors = run_batch(
        *(tmp_path / "a.mp4", "-o", tmp_path / "out", "--device", "cpu", "--jobs", "2"),
        networks=("--detector.model", str(tmp_path / "net.onnx")),
    )
    assert code == 2
    assert "net.onnx" in one_line(errors)
