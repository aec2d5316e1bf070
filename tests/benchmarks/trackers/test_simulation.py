from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steadypose.benchmarks.trackers.chains import lasting, spells
from steadypose.benchmarks.trackers.footage import Footage, person_sizes
from steadypose.benchmarks.trackers.noise import Noise
from steadypose.benchmarks.trackers.scenes import make_scenes, step_of
from steadypose.benchmarks.trackers.simulation import simulate
from steadypose.geometry import box_iou_pairs, oks_pairs
from steadypose.poses import NO_TRACK, Poses
from tests.benchmarks.trackers.made_up import video

NOTHING_WRONG = Noise(
    miss_rate=0,
    covered_miss_rate=0,
    flicker=0,
    joint_miss=0,
    covered_joint_miss=0,
    covered_joint_theft=0,
    gross=0,
    inversion=0,
    jitter=0,
    box_jitter=0,
    duplicate=0,
    ghost_rate=0,
    score_noise=0,
)
TRUE = video(people=12, seconds=8.0).footage


def matched(observed: Footage) -> tuple[Poses, Poses]:
    """Observed people and the true ones they are."""
    where = {
        (f, i): row
        for row, (f, i) in enumerate(zip(TRUE.frame_of, TRUE.people.track_ids, strict=True))
    }
    rows = [
        where.get(key, -1) for key in zip(observed.frame_of, observed.people.track_ids, strict=True)
    ]
    place = np.array(rows)
    return observed.people[place >= 0], TRUE.people[place[place >= 0]]


def test_without_noise_the_truth_is_seen() -> None:
    observed = simulate(TRUE, NOTHING_WRONG, 0)
    seen, true = matched(observed)
    assert len(seen) == len(TRUE.people) == len(observed.people)
    np.testing.assert_allclose(seen.keypoints, true.keypoints, atol=1e-3)
    np.testing.assert_allclose(seen.boxes, true.boxes, atol=1e-3)


def test_the_same_seed_gives_the_same_and_another_does_not() -> None:
    first, again = (simulate(TRUE, Noise(), 3).people for _ in range(2))
    np.testing.assert_array_equal(first.keypoints, again.keypoints)
    np.testing.assert_array_equal(first.box_scores, again.box_scores)
    for other in (simulate(TRUE, Noise(), 4), simulate(TRUE, Noise(), 3, repeat=1)):
        assert len(other.people) != len(first) or (other.people.boxes != first.boxes).any()


@pytest.mark.parametrize(
    ("changes", "low", "high"),
    [
        pytest.param({"flicker": 0.2}, 0.75, 0.85, id="flicker"),
        pytest.param({"miss_rate": 1.0, "miss_s": 1.0}, 0.4, 0.7, id="spells"),
        pytest.param({}, 1.0, 1.0, id="none"),
    ],
)
def test_share_of_people_found(changes: dict[str, float], low: float, high: float) -> None:
    observed = simulate(TRUE, replace(NOTHING_WRONG, **changes), 0)
    assert low <= len(observed.people) / len(TRUE.people) <= high


def test_people_vanish_for_a_while_not_for_frames() -> None:
    observed = simulate(TRUE, replace(NOTHING_WRONG, miss_rate=0.5, miss_s=0.5), 0)
    gaps = []
    for person in range(1, 13):
        seen = np.zeros(len(TRUE), bool)
        seen[observed.frame_of[observed.people.track_ids == person]] = True
        edges = np.flatnonzero(np.diff(seen.astype(int)))
        gaps += np.diff(edges)[::2].tolist() if seen[0] else np.diff(edges)[1::2].tolist()
    assert 0.25 < np.mean(gaps) / 25 < 1.0


def test_joints_are_missing_and_off_and_their_scores_tell() -> None:
    noise = replace(NOTHING_WRONG, joint_miss=0.1, gross=0.2, jitter=0.3, score_noise=0.05)
    seen, true = matched(simulate(TRUE, noise, 0))
    assert 0.87 < seen.present.mean() < 0.93
    distance = np.linalg.norm(seen.keypoints - true.keypoints, axis=2)
    relative = distance / person_sizes(true.boxes)[:, None]
    near, far = relative < 0.03, relative > 0.2
    assert seen.scores[near].mean() > seen.scores[far].mean() + 0.3


def test_jitter_is_in_spreads_and_lasts() -> None:
    seen, true = matched(simulate(TRUE, replace(NOTHING_WRONG, jitter=0.5, quality_spread=0), 0))
    area = 0.53 * person_sizes(true.boxes) ** 2
    found = oks_pairs(seen.keypoints, true.keypoints, area, true.skeleton.sigmas).mean()
    alone = 1 / (1 + 0.5**2)  # mean of exp(-d^2 / 2) for a deviation of 0.5 in x and y
    assert alone - 0.15 < found < alone + 0.03  # covered people shake more


def test_second_looks_and_ghosts() -> None:
    noise = replace(NOTHING_WRONG, duplicate=0.1, box_jitter=0.04)
    observed = simulate(TRUE, noise, 0)
    twice = observed.people.track_ids == NO_TRACK
    assert 0.07 < twice.sum() / len(TRUE.people) < 0.13
    ghostly = simulate(TRUE, replace(NOTHING_WRONG, ghost_rate=0.5), 0)
    false = ghostly.people[ghostly.people.track_ids == NO_TRACK]
    assert len(false) > 20
    assert false.box_scores.mean() < 0.4


def test_the_covered_are_seen_worse() -> None:
    crowd = video(people=40, seconds=4.0, seed=1).footage
    seen = simulate(crowd, Noise(), 0).people
    boxes = crowd.people.boxes
    behind = np.zeros(len(boxes), bool)
    for frame in range(len(crowd)):
        rows = np.arange(len(boxes))[crowd.rows(frame)]
        pairs = [(a, b) for a in rows for b in rows if boxes[b, 3] > boxes[a, 3]]
        if pairs:
            first, second = np.array(pairs).T
            behind[first[box_iou_pairs(boxes[first], boxes[second]) > 0.4]] = True
    frames = simulate(crowd, Noise(), 0).frame_of
    found = set(zip(frames.tolist(), seen.track_ids.tolist(), strict=True))
    keys = list(zip(crowd.frame_of.tolist(), crowd.people.track_ids.tolist(), strict=True))
    hit = np.array([key in found for key in keys])
    assert hit[behind].mean() < hit[~behind].mean() - 0.1


def test_observations_carry_no_hint_in_their_order() -> None:
    observed = simulate(TRUE, NOTHING_WRONG, 0)
    ids = [people.track_ids.tolist() for _, people in observed]
    assert sum(row == sorted(row) for row in ids) < len(ids) / 4


@pytest.mark.parametrize(("fps", "step"), [(25, 1), (12, 2), (6, 4), (30, 1)])
def test_frame_rates_are_whole_steps(fps: float, step: int) -> None:
    assert step_of(fps) == step


def test_scenes_hold_one_split_alone() -> None:
    videos = [video(name=name, seconds=1.0) for name in ("train_a", "train_b", "test_c")]
    tuning = make_scenes(videos, 12, 2, Noise(), 0, tuning=True)
    held_out = make_scenes(videos, 12, 2, Noise(), 0, tuning=False)
    names = [truth.footage.name for truth in tuning.truths]
    assert names == ["train_a", "train_a", "train_b", "train_b"]
    assert [truth.footage.name for truth in held_out.truths] == ["test_c"] * 2
    assert tuning.groups.tolist() == [0, 0, 1, 1]
    assert tuning.people == 2 * 2 * 4 * 12 + 4 * 2  # the first repeat has one frame more each
    starts = [truth.footage.pts_s[0] for truth in held_out.truths]
    assert starts == pytest.approx([0.0, 0.04])


def test_noise_that_lasts_has_its_memory_and_variance() -> None:
    rng = np.random.default_rng(0)
    noise = lasting(rng, np.full(4000, 0.1), 0.5, (3,))
    assert noise.std() == pytest.approx(1, abs=0.1)
    correlation = (noise[1:] * noise[:-1]).mean() / noise.var()
    assert correlation == pytest.approx(np.exp(-0.2), abs=0.05)


def test_spells_have_their_share_at_any_frame_rate() -> None:
    for step in (0.02, 0.1):
        frames = round(4000 / step)
        rate = np.ones(frames)
        on = spells(np.random.default_rng(0), np.full(frames, step), 0.5 * rate, 2 * rate)
        assert on.mean() == pytest.approx(0.2, abs=0.03)
