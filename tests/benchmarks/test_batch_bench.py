"""What ``bench batch`` makes of videos and of two runs' results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from steadypose.benchmarks.batch.clips import cut_clips, long_video
from steadypose.benchmarks.batch.resume import begun_after_done, results_of
from steadypose.benchmarks.batch.seams import (
    compared,
    crossings,
    id_switches,
    same_looks,
    same_share,
)
from steadypose.benchmarks.batch.sharing import difference
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


def test_looks_and_joints_are_compared() -> None:
    def seen(detected: list[bool], joint: float) -> list[dict[str, Any]]:
        made = frames(*[[(1, 0)] for _ in detected])
        for frame, looked in zip(made, detected, strict=True):
            frame["detected"] = looked
            frame["persons"][0]["keypoints"] = [[joint, 1, 0.5]]
        return made

    one, other = seen([True, False, True], 1.0), seen([True, True, True], 1.5)
    assert same_looks(one, other) == pytest.approx(2 / 3)
    assert same_share(one, other) == 1.0
    assert same_share(one, other, exactly=True) == 0.0
    assert compared(timed(one), timed(one), [1])["equal_pose_share"] == 1.0


def timed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "pts_s": row["index"] / 2} for row in rows]


def persons(*rows: tuple[int, float]) -> list[dict[str, Any]]:
    return [{"persons": [{"track_id": i, "keypoints": [[x, 0, 1], None]}]} for i, x in rows]


def test_shared_results_are_compared() -> None:
    alone = {"a": persons((1, 0), (1, 1)), "b": persons((1, 0)), "c": persons((1, 0))}
    together = {"a": persons((1, 0), (1, 1.5)), "b": persons((1, 0)), "c": persons((2, 9))}
    assert difference(alone, together) == {
        "videos": 3,
        "same_videos": 1,
        "same_ids": 2,
        "same_people": pytest.approx(2 / 3, abs=1e-4),
        "largest_px": 0.5,
    }


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
