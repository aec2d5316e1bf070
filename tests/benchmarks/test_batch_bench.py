"""What ``bench batch`` makes of videos and of two runs' results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from steadypose.benchmarks.batch.clips import cut_clips, long_video
from steadypose.benchmarks.batch.resume import begun_after_done, results_of
from steadypose.benchmarks.batch.seams import crossings, id_switches, same_share
from tests.media import write_clip


def length(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_clips_are_cut_at_key_frames(tmp_path: Path) -> None:
    video = write_clip(tmp_path / "v.mp4", frames=40, options={"g": "10", "bf": "0"})
    clips = cut_clips([video], tmp_path / "clips", 3, 6)
    assert [length(clip) for clip in clips] == [6, 7, 8]
    assert len({clip.read_bytes() for clip in clips}) == 3


def test_a_long_video_goes_to_and_fro(tmp_path: Path) -> None:
    video = write_clip(tmp_path / "v.mp4", frames=10)
    assert length(long_video(video, tmp_path / "long.mp4", 1.0)) == 25


def frames(*rows: list[tuple[int, float]]) -> list[dict[str, Any]]:
    """For each frame ids with the left side of their boxes."""
    return [
        {
            "index": index,
            "persons": [{"track_id": i, "box": [x, 0, x + 10, 20]} for i, x in row],
        }
        for index, row in enumerate(rows)
    ]


TRUTH = frames([(1, 0), (2, 50)], [(1, 1), (2, 51)], [(1, 2)], [(1, 3), (2, 53)])


@pytest.mark.parametrize(
    ("other", "switches", "same"),
    [
        (TRUTH, [], 1.0),
        (frames([(7, 0), (9, 50)], [(7, 1), (9, 51)], [(7, 2)], [(7, 3), (9, 53)]), [], 1.0),
        (frames([(1, 0), (2, 50)], [(1, 1), (2, 51)], [(1, 2)], [(2, 3), (1, 53)]), [3, 3], 1.0),
        (frames([(1, 0), (2, 50)], [(1, 1)], [(1, 2)], [(1, 3), (3, 53)]), [3], 6 / 7),
        (frames([], [], [], []), [], 0.0),
    ],
    ids=["same", "other-names", "exchanged", "renewed", "nobody"],
)
def test_id_switches(other: list[dict[str, Any]], switches: list[int], same: float) -> None:
    assert id_switches(TRUTH, other) == switches
    assert same_share(TRUTH, other) == pytest.approx(same)


@pytest.mark.parametrize(
    ("seam", "expected"), [(1, (2, 0)), (2, (1, 0)), (3, (1, 1))], ids=["kept", "one", "switched"]
)
def test_people_who_cross_a_seam(seam: int, expected: tuple[int, int]) -> None:
    exchanged = frames([(1, 0), (2, 50)], [(1, 1), (2, 51)], [(1, 2)], [(2, 3), (1, 53)])
    assert crossings(TRUTH, exchanged, seam, 1) == expected


@pytest.mark.parametrize(
    ("events", "again"),
    [
        ("begun done", []),
        ("begun begun done", []),
        ("begun done begun", ["a"]),
        ("begun done done", ["a"]),
        ("begun failed begun done", []),
    ],
)
def test_what_is_done_twice(events: str, again: list[str]) -> None:
    journal = [{"event": event, "video": "a"} for event in events.split()]
    assert begun_after_done(journal) == again


def test_results_leave_out_what_holds_times(tmp_path: Path) -> None:
    names = ("a.jsonl", "a.summary.json", "steadypose-batch.json", ".steadypose/journal.jsonl")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert results_of(tmp_path) == {"a.jsonl": b"a.jsonl"}
