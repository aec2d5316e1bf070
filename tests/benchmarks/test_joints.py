from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steadypose.benchmarks.refiner import joints as j
from tests.benchmarks.made_up import found, people, row

LEFT, RIGHT = row("left_wrist"), row("right_wrist")


def test_right_is_within_half_a_head() -> None:
    two = people((0, 0), (10, 20))
    joints = found(two)
    joints[0, LEFT, 0] += 14.9  # head_px is 30
    joints[1, LEFT, 0] += 15.1
    joints[1, RIGHT, 2] = 0
    hit = j.right(joints, two)
    assert hit[0].all()
    assert np.flatnonzero(~hit[1]).tolist() == [LEFT, RIGHT]


def test_right_by_the_torso() -> None:
    one = people((0, 0))
    torso = float(np.hypot(*(one.truth[0, row("left_shoulder")] - one.truth[0, row("right_hip")])))
    joints = found(one)
    joints[0, LEFT, 1] += 0.19 * torso
    joints[0, RIGHT, 1] += 0.21 * torso
    hit, among = j.right_by_torso(joints, one)
    assert among.all()
    assert np.flatnonzero(~hit[0]).tolist() == [RIGHT]


@pytest.mark.parametrize("joint", ["left_shoulder", "right_hip"])
def test_without_a_torso_nobody_counts(joint: str) -> None:
    one = people((0, 0))
    labelled = one.labelled.copy()
    labelled[0, row(joint)] = False
    _, among = j.right_by_torso(found(one), replace(one, labelled=labelled))
    assert not among.any()


def test_wrists_that_traded_places_are_inverted() -> None:
    one = people((0, 0))
    joints = found(one)
    joints[0, [LEFT, RIGHT]] = joints[0, [RIGHT, LEFT]]
    seen = j.inverted(joints, one)
    assert np.flatnonzero(seen.any[0]).tolist() == [LEFT, RIGHT]
    assert np.flatnonzero(seen.clear[0]).tolist() == [LEFT, RIGHT]
    assert not seen.among[0, [row("nose"), row("neck"), row("head_top")]].any()
    assert seen.among[0].sum() == 16


def test_true_joints_and_far_ones_are_not_inverted() -> None:
    one = people((0, 0))
    joints = found(one)
    joints[0, LEFT, :2] = one.truth[0, RIGHT] + (-60, 0)  # nearer the twin, but near nothing
    assert not j.inverted(joints, one).any.any()


def test_twins_close_together_are_not_clearly_inverted() -> None:
    one = people((0, 0))
    truth = one.truth.copy()
    truth[0, LEFT] = truth[0, RIGHT] + (3, 0)
    one = replace(one, truth=truth)
    joints = found(one)
    joints[0, LEFT, :2] = truth[0, RIGHT]
    seen = j.inverted(joints, one)
    assert np.flatnonzero(seen.any[0]).tolist() == [LEFT]
    assert not seen.clear.any()


def test_an_unlabelled_twin_says_nothing() -> None:
    one = people((0, 0))
    labelled = one.labelled.copy()
    labelled[0, RIGHT] = False
    joints = found(one)
    joints[0, LEFT, :2] = one.truth[0, RIGHT]
    seen = j.inverted(joints, replace(one, labelled=labelled))
    assert not seen.any.any()
    assert not seen.among[0, [LEFT, RIGHT]].any()


@pytest.mark.parametrize("theirs", ["left_wrist", "right_wrist"])
def test_a_joint_on_the_neighbour_is_swapped(theirs: str) -> None:
    two = people((0, 0), (70, 0), together=True)
    assert two.crowded.all()
    joints = found(two)
    assert not j.swapped(joints, two).any.any()
    joints[0, LEFT, :2] = two.truth[1, row(theirs)]
    seen = j.swapped(joints, two)
    assert np.argwhere(seen.any).tolist() == [[0, LEFT]]


def test_a_joint_on_the_own_other_side_is_no_swap() -> None:
    two = people((0, 0), (70, 0), together=True)
    joints = found(two)
    joints[0, LEFT, :2] = two.truth[0, RIGHT]
    assert not j.swapped(joints, two).any.any()


def test_unlabelled_neighbours_cannot_be_swapped_onto() -> None:
    two = people((0, 0), (70, 0), together=True)
    known = tuple(np.zeros_like(mask) for mask in two.others_labelled)
    joints = found(two)
    joints[0, LEFT, :2] = two.truth[1, LEFT]
    assert not j.swapped(joints, replace(two, others_labelled=known)).any.any()


def test_people_apart_are_no_crowd() -> None:
    assert not people((0, 0), (300, 0), together=True).crowded.any()
    assert not people((0, 0), (10, 0)).crowded.any()
