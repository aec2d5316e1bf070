"""Engines are kept, found again, and built by one at a time."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from steadypose.engines.tensorrt.build import Built
from steadypose.engines.tensorrt.cache import Stale, record_of
from steadypose.engines.tensorrt.manifest import PORTABLE
from steadypose.errors import EngineError, OutputError
from tests.conftest import ROOT
from tests.engines.tensorrt.kept import PLAN, PROFILE, built, key
from tests.engines.tensorrt.shop import Shop, one_line
from tests.engines.tensorrt.test_manifest import OTHER


def test_what_is_built_is_found_again(shop: Shop) -> None:
    assert shop.cache.find(key(), "net") is None
    path, manifest = shop.get()
    assert shop.get() == (path, manifest)
    assert (shop.builds, shop.lines) == (1, [])
    assert shop.cache.find(key(), "net") == shop.cache.path_of(key()) == path
    assert shop.cache.load(path) == (PLAN + b"\x01", manifest)
    assert shop.files() == {path.name, record_of(path).name}
    assert (manifest.name, manifest.seconds, manifest.key) == ("net", 1.5, key())


def test_nobody_else_may_read_or_write_what_is_kept(shop: Shop) -> None:
    old = os.umask(0)
    try:
        path, _ = shop.get()
    finally:
        os.umask(old)
    assert stat.S_IMODE(shop.cache.folder.stat().st_mode) == 0o700
    for file in (path, record_of(path)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("field", sorted(OTHER))
def test_a_stale_engine_is_rebuilt_with_one_line_that_says_why(shop: Shop, field: str) -> None:
    old, _ = shop.get(key(**{field: OTHER[field]}))
    found = shop.cache.find(key(profile=PROFILE.replace("n1-4-8", "n1-4-99")), "net")
    assert isinstance(found, Stale)
    wanted = key(profile=OTHER["profile"].replace("9", "99")) if field == "profile" else key()
    new, manifest = shop.get(wanted)
    assert new != old
    assert manifest.key == wanted
    (line,) = shop.lines
    assert line.startswith("net: engine built ")
    assert line.endswith("; building anew")
    shop.get(wanted)
    assert shop.builds == 2


@pytest.mark.parametrize(
    "change",
    [
        {"capability": PORTABLE},
        {"profile": PROFILE.replace("n1-4-8", "n1-16-32")},
        {"profile": PROFILE + " vc", "version": "10.1.0"},
    ],
)
def test_an_engine_that_covers_what_is_wanted_is_taken(shop: Shop, change: dict[str, str]) -> None:
    more, _ = shop.get(key(**change))
    assert shop.get()[0] == more
    assert shop.get(exact=True)[0] == shop.cache.path_of(key()) != more
    assert (shop.builds, shop.lines) == (2, [])
    newest, _ = shop.get(key(**change), exact=True, force=True)
    assert shop.get()[0] == newest == more


def test_another_networks_engine_says_nothing(shop: Shop) -> None:
    shop.cache.get_or_build(key(), "other", lambda: built(key()))
    assert shop.cache.find(key(onnx_sha256="d" * 64), "net") is None


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda plan: b"", f"0 bytes, expected {len(PLAN) + 1}"),
        (lambda plan: plan[:1], "1 bytes, expected"),
        (lambda plan: plan[: len(plan) // 2], "bytes, expected"),
        (lambda plan: plan[:-1], "bytes, expected"),
        (lambda plan: plan + b"x", "bytes, expected"),
        (lambda plan: plan[:-1] + b"x", "its SHA-256 is not"),
    ],
)
def test_a_damaged_engine_is_not_loaded_but_rebuilt(shop: Shop, harm: object, words: str) -> None:
    path, manifest = shop.get()
    path.write_bytes(harm(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(EngineError) as error:
        shop.cache.load(path)
    assert words in one_line(error.value)
    found = shop.cache.find(key(), "net")
    assert isinstance(found, Stale)
    assert shop.get()[0] == path
    (line,) = shop.lines
    assert line.startswith("net: engine damaged (")
    assert shop.cache.load(path)[1].sha256 != manifest.sha256


def test_a_damaged_manifest_leads_to_a_new_engine(shop: Shop) -> None:
    path, _ = shop.get()
    whole = record_of(path).read_bytes()
    harms = [whole[:n] for n in range(0, len(whole) - 1, 97)]
    harms += [b"\xff" * 10, b"[" * 60_000, b" " * 100_000 + whole, whole.replace(b"10.3", b"10.4")]
    for n, harm in enumerate(harms, 2):
        record_of(path).write_bytes(harm)
        with pytest.raises(EngineError) as error:
            shop.cache.load(path)
        one_line(error.value)
        assert shop.get()[0] == path
        assert shop.builds == n
    assert all("damaged (" in line for line in shop.lines)


def test_a_manifest_or_an_engine_alone_is_nothing(shop: Shop) -> None:
    path, _ = shop.get()
    record_of(path).unlink()
    with pytest.raises(EngineError, match=r"\.json: missing$"):
        shop.cache.load(path)
    shop.get()
    path.unlink()
    with pytest.raises(EngineError, match=r"\.engine: missing$"):
        shop.cache.load(path)
    shop.get()
    assert shop.builds == 3


class Crash(BaseException):  # not an error: a process that is no more
    """Stands for the moment at which a process dies."""


@pytest.mark.parametrize("before", [False, True], ids=["first", "again"])
def test_a_crash_at_any_step_leaves_no_engine_that_is_not_whole(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    old = shop.get() if before else None
    steps = 0
    while True:
        crash_after(monkeypatch, steps)
        try:
            shop.get(force=True)
            break
        except Crash:
            monkeypatch.undo()
        found = shop.cache.find(key(), "net")
        if isinstance(found, Path):  # the old one, whole, or the new one
            assert shop.cache.load(found)[0].startswith(PLAN)
        else:
            assert found is None or found.reason.startswith("damaged (")
        if steps == 0 and old is not None:
            assert found == old[0]
        steps += 1
    monkeypatch.undo()
    assert steps >= 6
    assert shop.files() == {p.name for p in (shop.get()[0], record_of(shop.get()[0]))}


def crash_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Die in place of the next system call that changes the cache, after so many others."""
    left = [steps]

    def counted(real: object) -> object:
        def call(*arguments: object, **options: object) -> object:
            if left[0] == 0:
                raise Crash
            left[0] -= 1
            return real(*arguments, **options)  # type: ignore[operator]

        return call

    for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync")):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))


CHILD = """
import os, sys, time
from pathlib import Path
from steadypose.engines.tensorrt.cache import EngineCache
from tests.engines.tensorrt.kept import built, key

folder, stage, log = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])

def stop(*_):
    print("here", flush=True)
    time.sleep(600)

def build():
    with log.open("a") as file:
        print(os.getpid(), file=file)
    if stage == "build":
        stop()
    if stage == "both":
        print("building", flush=True)
        while not log.with_suffix(".go").exists():
            time.sleep(0.02)
    return built(key())

writes = []
real = os.fsync
def fsync(descriptor):
    writes.append(descriptor)
    if stage == "engine part" or stage == "manifest part" and len(writes) == 3:
        stop()
    real(descriptor)
os.fsync = fsync

print("ready", flush=True)
sys.stdin.readline()
cache = EngineCache(folder)
path, manifest = cache.get_or_build(key(), "net", build, lambda line: print(line, flush=True))
print(manifest.sha256, flush=True)
"""


def child(shop: Shop, stage: str, log: Path) -> subprocess.Popen[str]:
    """A process that gets the engine when it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(shop.cache.folder), stage, str(log)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(
    ("stage", "left"),
    [
        ("build", set()),
        ("engine part", {".engine.part"}),
        ("manifest part", {".engine", ".json.part"}),
    ],
)
def test_a_process_killed_while_it_builds_holds_nobody_up(
    shop: Shop, tmp_path: Path, stage: str, left: set[str]
) -> None:
    with child(shop, stage, tmp_path / "log") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    stem = key().stem
    assert shop.files() == {stem + end for end in left}
    assert not isinstance(shop.cache.find(key(), "net"), Path)
    path, _ = shop.get()
    assert shop.builds == 1
    assert shop.cache.load(path)[0] == PLAN + b"\x01"
    assert shop.files() == {path.name, record_of(path).name}


def test_of_two_processes_one_builds(shop: Shop, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with child(shop, "both", log) as one, child(shop, "both", log) as two:
        first = []
        for process in (one, two):
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for process in (one, two):
            assert process.stdout is not None
            first.append(process.stdout.readline())
        log.with_suffix(".go").touch()
        told = [process.communicate()[0].splitlines() for process in (one, two)]
        assert (one.returncode, two.returncode) == (0, 0)
    waiting = "net: waiting for another steadypose that is building its engine\n"
    assert sorted(first) == ["building\n", waiting]
    assert len(log.read_text().splitlines()) == 1
    assert told[0] == told[1]


def test_of_several_threads_one_builds(shop: Shop) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(shop.get()[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [shop.cache.path_of(key())] * 4
    assert shop.builds == 1


def test_a_failed_build_leaves_nothing_and_lets_go(shop: Shop) -> None:
    def fail() -> Built:
        raise EngineError("net: no")

    with pytest.raises(EngineError, match="net: no"):
        shop.cache.get_or_build(key(), "net", fail)
    assert shop.files() == set()
    shop.get()


def test_a_file_that_changed_while_it_was_built_is_no_engine(shop: Shop) -> None:
    with pytest.raises(EngineError, match="did the file change"):
        shop.cache.get_or_build(key(), "net", lambda: built(key(), onnx_sha256="e" * 64))
    assert shop.files() == set()


def test_a_full_disk_is_said_in_one_line(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError) as error:
        shop.get()
    assert "no space left for the cache" in one_line(error.value)
    assert shop.files() == set()
