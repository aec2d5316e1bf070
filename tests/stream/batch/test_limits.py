"""How workers share a machine, and how far a batch is said to be."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from steadypose.errors import InputError, StageError
from steadypose.stream.batch.limits import (
    available_memory,
    decoder_share,
    few_threads,
    parse_memory,
    ran_out_of_memory,
    reason_of,
    share_of_threads,
)
from steadypose.stream.batch.progress import BatchProgress
from steadypose.stream.batch.videos import DONE, FAILED, Result, Video


@pytest.mark.parametrize(
    ("cores", "jobs", "threads", "decoders"),
    [(2, 1, 2, 1), (2, 2, 1, 1), (2, 4, 1, 1), (8, 2, 4, 2), (64, 4, 16, 4), (6, 4, 1, 1)],
)
def test_the_cores_are_shared_out(cores: int, jobs: int, threads: int, decoders: int) -> None:
    share = share_of_threads(jobs, cores)
    assert (share, decoder_share(share)) == (threads, decoders)
    assert share * jobs <= max(cores, jobs)


def test_libraries_are_told_the_share_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with few_threads(3):
        assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "3"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "OPENBLAS_NUM_THREADS" not in os.environ


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1000000000", 10**9), ("800M", 800 << 20), ("1.5G", 3 << 29), ("2 gib", 2 << 30)],
)
def test_amounts_of_memory(text: str, amount: int) -> None:
    assert parse_memory(text) == amount


@pytest.mark.parametrize("text", ["", "much", "-1G", "1X", "G", "100M"])
def test_no_amounts_of_memory(text: str) -> None:
    with pytest.raises(InputError, match="expected 512M or more"):
        parse_memory(text)


def caused(error: Exception) -> StageError:
    stage = StageError("detect", error)
    stage.__cause__ = error
    return stage


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InputError("a.mp4: no\n  such file"), "a.mp4: no such file"),
        (caused(MemoryError()), "out of memory (limit 2 MB): stage 'detect' failed: MemoryError:"),
        (caused(RuntimeError("std::bad_alloc")), "out of memory (limit 2 MB): stage 'detect'"),
        (MemoryError(), "out of memory (limit 2 MB): MemoryError"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
    ],
)
def test_reasons(error: Exception, reason: str) -> None:
    assert reason_of(error, 2 << 20).startswith(reason)
    assert ran_out_of_memory(error) == reason.startswith("out of memory")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_weighs_videos_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", _Terminal())
    small, large = (
        Video(source=name, shown=name, folder="", stem=name, size=size)
        for name, size in (("small", 100), ("large", 300))
    )
    progress = BatchProgress([small, large])
    progress.frames(large, "large/None", 50, 0.5)
    progress.end(small, Result(outcome=FAILED))
    progress.frames(large, "large/None", 90, 0.9)
    progress.end(large, Result(outcome=DONE))
    progress.close()
    shown = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "100%" in shown
    assert "2/2 videos, 90 frames" in shown
    assert "1 failed" in shown


def test_progress_is_silent_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    video = Video(source="a", shown="a", folder="", stem="a")
    progress = BatchProgress([video])
    progress.frames(video, "a/None", 5, 0.5)
    progress.close()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("1000000", 1_000_000 - 600_000 + 100_000), ("400000", 1), ("max", None)],
)
def test_the_memory_of_a_container(tmp_path: Path, limit: str, expected: int | None) -> None:
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text("600000\n")
    (tmp_path / "memory.stat").write_text("active_file 5\ninactive_file 100000\n")
    if expected is None:
        assert available_memory(tmp_path) > 1_000_000
    else:
        assert available_memory(tmp_path) == expected
