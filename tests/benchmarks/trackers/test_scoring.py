from __future__ import annotations

import numpy as np
import pytest

from steadypose.benchmarks.trackers.contenders import (
    PLAIN_VARIANTS,
    run_ours,
    run_perfect,
    run_plain,
)
from steadypose.benchmarks.trackers.identity import Contender, merit, stand
from steadypose.benchmarks.trackers.noise import Noise
from steadypose.benchmarks.trackers.scenes import make_scenes
from steadypose.benchmarks.trackers.scoring import (
    HEAD_OF_SIZE,
    MEASURES,
    box_sums,
    joint_sums,
    measures,
)
from steadypose.benchmarks.trackers.simulation import simulate
from steadypose.trackers import TrackerSettings
from tests.benchmarks.trackers.made_up import video

TRUE = video(people=6, seconds=2.0)


def told(sums: np.ndarray) -> dict[str, float]:
    return dict(zip(MEASURES, measures(sums).tolist(), strict=True))


def test_the_truth_scores_100() -> None:
    ids = TRUE.footage.people.track_ids
    assert told(box_sums(TRUE, TRUE.footage, ids)) == pytest.approx(
        {"MOTA": 100, "IDF1": 100, "HOTA": 100, "DetA": 100, "AssA": 100, "switches": 0}
    )
    for joint in joint_sums(TRUE, TRUE.footage, ids):
        assert told(joint)["MOTA"] == pytest.approx(100)
        assert told(joint)["HOTA"] == pytest.approx(100)


def test_one_id_change_is_one_switch() -> None:
    ids = TRUE.footage.people.track_ids.copy()
    ids[(TRUE.footage.frame_of >= 25) & (ids == 3)] = 99
    found = told(box_sums(TRUE, TRUE.footage, ids))
    assert found["switches"] == 1
    assert found["DetA"] == pytest.approx(100)
    assert found["AssA"] == pytest.approx(100 * (5 + 0.5) / 6)
    # Half of one of six people has another id: IDTP 5.5 of 6, and as many false as missed.
    assert found["IDF1"] == pytest.approx(100 * 5.5 / 6)
    assert found["MOTA"] == pytest.approx(100 * (1 - 1 / 300))


def test_people_without_an_id_are_misses() -> None:
    ids = TRUE.footage.people.track_ids.copy()
    ids[ids == 1] = -1
    found = told(box_sums(TRUE, TRUE.footage, ids))
    assert found["MOTA"] == pytest.approx(100 * 5 / 6)
    assert found["switches"] == 0
    nobody = told(box_sums(TRUE, TRUE.footage, np.full(len(ids), -1)))
    assert (nobody["MOTA"], nobody["IDF1"], nobody["HOTA"]) == (0, 0, 0)


def test_joints_are_near_within_half_a_head() -> None:
    ids = TRUE.footage.people.track_ids
    moved = TRUE.footage.people.keypoints.copy()
    sides = TRUE.footage.people.boxes[:, 2:] - TRUE.footage.people.boxes[:, :2]
    head = HEAD_OF_SIZE * np.sqrt(sides.prod(1))
    for share, mota in ((0.45, 100.0), (0.55, -100.0)):
        TRUE.footage.people.keypoints[:, 5, 0] = moved[:, 5, 0] + share * head
        observed = type(TRUE.footage)(
            name="a",
            pts_s=TRUE.footage.pts_s,
            offsets=TRUE.footage.offsets,
            people=type(TRUE.footage.people).create(
                TRUE.footage.people.keypoints.copy(), boxes=TRUE.footage.people.boxes
            ),
        )
        TRUE.footage.people.keypoints[:] = moved
        sums = joint_sums(TRUE, observed, ids)
        assert told(sums[5])["MOTA"] == pytest.approx(mota)
        assert told(sums[6])["MOTA"] == pytest.approx(100)


def test_sums_of_videos_can_be_added() -> None:
    """The pooled score of two videos is that of their sums, not the mean of their scores."""
    ids = TRUE.footage.people.track_ids
    good = box_sums(TRUE, TRUE.footage, ids)
    bad = box_sums(TRUE, TRUE.footage, np.where(ids < 4, ids, -1))
    assert told(good + bad)["MOTA"] == pytest.approx(75)
    assert told(good + bad)["IDF1"] == pytest.approx(100 * 450 / (450 + 75))


SCENES = make_scenes(
    [video(8, 3.0, "test_a"), video(8, 3.0, "test_b", 1)], 25, 1, Noise(), 0, tuning=False
)


@pytest.mark.parametrize("name", ["ours", "plain", "perfect"])
def test_every_observation_is_told_an_id_or_none(name: str) -> None:
    run = {
        "ours": lambda: run_ours(TrackerSettings(), SCENES.observed),
        "plain": lambda: run_plain(PLAIN_VARIANTS[0], SCENES.observed),
        "perfect": lambda: run_perfect(SCENES.observed),
    }[name]()
    for observed, ids, spent in zip(SCENES.observed, run.ids, run.frame_s, strict=True):
        assert ids.shape == (len(observed.people),)
        assert spent.shape == (len(observed),)
        for frame in range(len(observed)):
            named = ids[observed.rows(frame)]
            named = named[named >= 0]
            assert len(set(named.tolist())) == len(named)


def test_a_tracker_stands_between_nothing_and_the_truth() -> None:
    def ours(_: object, videos: object) -> list[object]:
        return [run_ours(TrackerSettings(), videos)]  # type: ignore[arg-type]

    def perfect(_: object, videos: object) -> list[object]:
        return [run_perfect(videos)]  # type: ignore[arg-type]

    rows = [
        stand(Contender(name=name, variants=[{}], track=track), 25, None, SCENES, 50, 0)  # type: ignore[arg-type]
        for name, track in (("Steadypose", ours), ("perfect", perfect))
    ]
    for name in ("MOTA", "IDF1", "HOTA"):
        mine, best = (row.values[name] for row in rows)
        assert not isinstance(mine, float)
        assert not isinstance(best, float)
        assert 40 < mine.value <= best.value + 1
        assert mine.low <= mine.value <= mine.high
    assert {"joint MOTA", "joint HOTA"} <= set(rows[0].values)
    assert set(rows[0].more["switches_by_video"]) == {"test_a", "test_b"}


def test_settings_are_chosen_on_the_tuning_videos() -> None:
    """Variant 1 is best there and variant 0 on the held-out ones: variant 1 is measured."""
    tuning = make_scenes([video(4, 1.0, "train_a")], 25, 1, Noise(), 0, tuning=True)

    def track(variants: object, videos: object) -> list[object]:
        here = [v["n"] for v in variants]  # type: ignore[attr-defined]
        on_tuning = videos[0].name == "train_a"  # type: ignore[index]
        runs = []
        for n in here:
            run = run_perfect(videos)  # type: ignore[arg-type]
            if (n == 1) != on_tuning:
                run = type(run)(ids=[np.full_like(i, -1) for i in run.ids], frame_s=run.frame_s)
            runs.append(run)
        return runs

    contender = Contender(name="a", variants=[{"n": 0}, {"n": 1}], track=track)  # type: ignore[arg-type]
    row = stand(contender, 25, tuning, SCENES, 20, 0)
    assert row.settings == {"n": 1}
    assert row.values["MOTA"].value == 0  # type: ignore[union-attr]
    assert set(row.more["tried_on_tuning"]) == {"{'n': 0}", "{'n': 1}"}


def test_a_switch_among_100_people_costs_a_point() -> None:
    total = np.array([80.0, 90.0, 70.0, 0.0, 0.0, 4.0])
    assert merit(total, 200) == pytest.approx(80 - 2)


def test_plain_sort_keeps_people_who_walk() -> None:
    observed = simulate(TRUE.footage, Noise(miss_rate=0, flicker=0, ghost_rate=0), 0)
    run = run_plain({"max_age_s": 1.0}, [observed])
    found = told(box_sums(TRUE, observed, run.ids[0]))
    assert found["IDF1"] > 70
