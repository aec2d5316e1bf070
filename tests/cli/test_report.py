"""``steadypose report``: one page, whole in itself, of what was tracked."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from steadypose.stream.report.plots import thinned
from steadypose.stream.report.reading import read_video
from tests.cli.conftest import Run
from tests.cli.reading import one_line


@pytest.fixture
def results(run: Run, clip: Path, tmp_path: Path) -> Path:
    out = tmp_path / "out"
    for folder in ("a", "b<script>"):
        assert run("track", clip, "-o", out / folder)[0] == 0
    return out


class _Page(HTMLParser):
    """Counts elements, and collects whatever a page would fetch or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        links = [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.outside += [link for link in links if not link.startswith("#")]


def test_the_page_holds_everything(run: Run, results: Path) -> None:
    code, printed, errors = run("report", results)
    assert (code, errors) == (0, "")
    assert printed == f"2 videos: {results}/report.html\n"
    text = (results / "report.html").read_text()
    page = _Page(text)
    assert page.tags.count("svg") == 8
    assert page.tags.count("details") == 2
    assert page.outside == []
    assert "script" not in page.tags
    assert "b&lt;script&gt;/clip" in text
    for title in ("People over time", "Identities", "Joint confidence", "Stage times"):
        assert text.count(f"<h3>{title}</h3>") == 2
    assert run("report", results)[0] == 0
    assert (results / "report.html").read_text() == text


def test_few_plots_of_many_videos(run: Run, results: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    assert run("report", results, "-o", target, "--videos", 1)[0] == 0
    assert _Page(target.read_text()).tags.count("svg") == 4
    assert "Plots of the first 1 videos" in target.read_text()


def test_videos_without_results_have_their_reason(run: Run, results: Path) -> None:
    videos = [
        {"name": "a/clip", "outcome": "failed", "reason": "cut off"},
        {"name": "<bad>", "outcome": "failed", "reason": "x.mp4: the file is <empty>"},
        {"name": "late", "outcome": "pending", "reason": "new"},
        {"name": "good", "outcome": "done", "reason": None},
    ]
    (results / "steadypose-batch.json").write_text(json.dumps({"videos": videos}))
    assert run("report", results)[0] == 0
    text = (results / "report.html").read_text()
    assert (
        "<td>&lt;bad&gt;</td><td class='text bad'>failed: x.mp4: the file is &lt;empty&gt;" in text
    )
    assert "<td>late</td><td class='text bad'>pending: new</td>" in text
    assert "cut off" not in text  # its results tell their own story
    assert "<p>4 videos, 48 frames.</p>" in text


def test_a_batch_without_any_result_has_a_report(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    assert run("batch", tmp_path, "-o", tmp_path / "out", "--dry-run")[0] == 0
    (tmp_path / "out").mkdir()
    videos = [{"name": "a", "outcome": "failed", "reason": "the file is empty"}]
    (tmp_path / "out/steadypose-batch.json").write_text(json.dumps({"videos": videos}))
    assert run("report", tmp_path / "out")[0] == 0
    assert "failed: the file is empty" in (tmp_path / "out/report.html").read_text()


def test_without_json_lines_only_the_stage_times_are_drawn(run: Run, results: Path) -> None:
    for path in results.rglob("*.jsonl"):
        path.unlink()
    assert run("report", results)[0] == 0
    text = (results / "report.html").read_text()
    assert _Page(text).tags.count("svg") == 2
    assert "No JSON lines" in text


def test_what_is_read(results: Path) -> None:
    facts = read_video(results / "a" / "clip.summary.json", results)
    assert facts.name == "a/clip"
    assert facts.people.tolist() == [2] * 24
    assert facts.spans == {i: [(0.0, pytest.approx(23 / 25))] for i in (1, 2)}
    assert facts.confidence[:, 1] == pytest.approx(0.9, abs=0.02)
    assert facts.missing == pytest.approx(0)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: [p.unlink() for p in folder.rglob("*.summary.json")], "holds no results"),
        (lambda folder: (folder / "a/clip.summary.json").write_text("{}"), "not a summary of"),
        (lambda folder: (folder / "a/clip.summary.json").write_text("{"), "not a summary:"),
        (lambda folder: (folder / "a/clip.jsonl").write_text("{"), "clip.jsonl: cannot be read"),
        (lambda folder: (folder / "a/clip.jsonl").write_text("{}"), "line 1 is no frame of ours"),
        (lambda folder: (folder / "a/clip.jsonl").write_text("[1]"), "line 1 is no frame of ours"),
    ],
    ids=["none", "other", "broken", "lines", "no-frame", "no-record"],
)
def test_bad_results_are_one_line(run: Run, results: Path, spoil: object, words: str) -> None:
    spoil(results)  # type: ignore[operator]
    code, _, errors = run("report", results)
    assert code == 2
    assert words in one_line(errors)
    assert not list(results.glob("report*"))


def test_without_the_extra(run: Run, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, errors = run("report", results)
    assert code == 2
    assert re.search(r"pip install 'steadypose\[report\]'", one_line(errors))


def test_long_videos_keep_their_highest_points() -> None:
    people = np.zeros(100_000, np.int64)
    people[77_777] = 9
    times, thin = thinned(np.arange(100_000) / 25, people)
    assert len(times) == len(thin) == 1500
    assert thin.max() == 9
