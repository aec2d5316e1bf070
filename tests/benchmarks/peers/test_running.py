"""Programs are run and watched; here small scripts."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from steadypose.benchmarks.peers.running import Run, watch
from steadypose.errors import InputError


def run(tmp_path: Path, code: str, *, threads: int = 1, limit_s: float = 30) -> Run:
    command = [sys.executable, "-c", code]
    return watch(command, threads=threads, cwd=tmp_path, env={"MORE": "yes"}, limit_s=limit_s)


def test_frames_are_timed_from_the_start_of_the_process(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "print('no such thing')\n"
        "for n in (1, 2, 5):\n"
        "    print(f'video 1/1 (frame {n}/5) clip.mp4: 2 persons', file=sys.stderr)\n"
        "    time.sleep(0.1)\n"
    )
    found = run(tmp_path, code)
    assert found.first_s is not None
    assert found.frame_ms is not None
    assert 0 < found.first_s < found.wall_s - 0.3
    # Two pauses of 100 ms for the four frames after the first.
    assert 50 <= found.frame_ms < 1000 * (found.wall_s - found.first_s) / 4


def test_a_program_that_tells_of_no_frames(tmp_path: Path) -> None:
    found = run(tmp_path, "print('done')")
    assert (found.first_s, found.frame_ms) == (None, None)
    assert found.wall_s > 0


def test_it_has_the_cores_the_folder_and_the_variables_it_was_given(tmp_path: Path) -> None:
    code = (
        "import os; from pathlib import Path\n"
        "told = os.environ['OMP_NUM_THREADS'], os.environ['MORE']\n"
        "Path('told').write_text(f'{len(os.sched_getaffinity(0))} {told[0]} {told[1]}')"
    )
    before = os.sched_getaffinity(0)
    run(tmp_path, code)
    assert (tmp_path / "told").read_text() == "1 1 yes"
    assert os.sched_getaffinity(0) == before


def test_memory_of_children_counts(tmp_path: Path) -> None:
    grown = "x = bytearray(120_000_000); import time; time.sleep(0.4)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{grown}'])"
    both = f"x = bytearray(120_000_000)\n{code}"
    assert run(tmp_path, "pass").peak_mb < 100
    assert 120 < run(tmp_path, code).peak_mb < 220
    assert 240 < run(tmp_path, both).peak_mb < 340


@pytest.mark.parametrize(
    ("code", "limit_s", "message"),
    [
        ("import sys; print('what it said'); sys.exit(3)", 30, "ended with 3: what it said"),
        ("import os; os.abort()", 30, "ended with -6"),
        ("import time; time.sleep(60)", 0.3, "not done after 0.3 s"),
    ],
)
def test_failures_say_why(tmp_path: Path, code: str, limit_s: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(tmp_path, code, limit_s=limit_s)


def test_children_do_not_outlive_a_program_that_is_late(tmp_path: Path) -> None:
    inner = "import time; time.sleep(60)"
    code = (
        "import subprocess, sys, time; from pathlib import Path\n"
        f"child = subprocess.Popen([sys.executable, '-c', '{inner}'])\n"
        "Path('pid').write_text(str(child.pid)); time.sleep(60)"
    )
    with pytest.raises(InputError, match="not done"):
        run(tmp_path, code, limit_s=3)
    child = Path("/proc", (tmp_path / "pid").read_text(), "stat")
    deadline = time.monotonic() + 10
    while lives(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lives(child)


def lives(stat: Path) -> bool:
    try:
        return ") Z " not in stat.read_text()
    except OSError:
        return False


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no-such-program: cannot be run"):
        watch(["no-such-program"], threads=1, cwd=tmp_path, env={}, limit_s=1)
