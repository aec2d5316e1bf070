from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadypose.engines.refiner.data.body import NAMES
from steadypose.skeletons import COCO19

torch = pytest.importorskip("torch")

if TYPE_CHECKING:
    from torch import Tensor

    from steadypose.engines.refiner.network import Decoded, Maps
    from steadypose.engines.refiner.training.pairs import Move

HEIGHT, WIDTH, JOINTS = 64, 32, len(COCO19)
MOVES = st.tuples(st.booleans(), st.integers(-1, 1), st.integers(-1, 1))


def move_of(values: tuple[bool, int, int]) -> Move:
    from steadypose.engines.refiner.training.pairs import Move

    return Move(*values)


def batch_of(count: int = 2) -> dict[str, Tensor]:
    """People each of whose joints is one bright pixel, on the grid of the cells."""
    target = torch.stack(
        (
            4.0 * torch.randint(2, WIDTH // 4 - 2, (count, JOINTS)),
            4.0 * torch.randint(2, HEIGHT // 4 - 2, (count, JOINTS)),
        ),
        -1,
    )
    image = torch.zeros(count, HEIGHT, WIDTH, 3, dtype=torch.uint8)
    for person in range(count):
        x, y = target[person].long().unbind(-1)
        image[person, y, x] = 255
    score = torch.ones(count, JOINTS, 1)
    score[:, 3] = 0
    return {
        "image": image,
        "pose": torch.cat((target, score), -1),
        "prior": torch.zeros(count, JOINTS, 3),
        "target": target,
        "weight": torch.rand(count, JOINTS),
        "present": torch.ones(count, dtype=torch.bool),
        "unit": torch.rand(count) + 4,
        "labelled": torch.ones(count, JOINTS, dtype=torch.bool),
        "area": torch.rand(count) + 100,
    }


def seen(target: Tensor) -> tuple[Maps, Decoded]:
    """What a perfect network says of joints on the grid."""
    from steadypose.engines.refiner.network import Decoded, Maps

    count = len(target)
    heat = torch.full((count, JOINTS, HEIGHT // 4, WIDTH // 4), -20.0)
    for person in range(count):
        for joint in range(JOINTS):
            column, row = (target[person, joint] / 4).long().tolist()
            heat[person, joint, row, column] = 5.0
    maps = Maps(heat, torch.zeros(count, 2, *heat.shape[1:]), torch.zeros_like(heat))
    return maps, Decoded(target, torch.zeros(count, JOINTS))


@settings(max_examples=20, deadline=None)
@given(MOVES)
def test_what_is_on_the_picture_and_the_labels_move_together(values: tuple[bool, int, int]) -> None:
    from steadypose.engines.refiner.training.pairs import with_second_looks

    batch = batch_of()
    both = with_second_looks(batch, move_of(values), noise_px=0.0)
    assert {name: len(value) for name, value in both.items()} == dict.fromkeys(batch, 4)
    for name, value in batch.items():
        assert torch.equal(both[name][:2], value)
        assert both[name].dtype == value.dtype
    for person in (2, 3):
        x, y = both["target"][person].long().unbind(-1)
        assert (both["image"][person, y, x] == 255).all()
    given_there = both["pose"][2:, :, 2] > 0
    assert torch.equal(both["pose"][2:, :, :2][given_there], both["target"][2:][given_there])
    assert (both["pose"][2:][~given_there] == 0).all()
    assert not both["prior"].any()


def test_a_mirrored_look_exchanges_left_and_right() -> None:
    from steadypose.engines.refiner.training.pairs import with_second_looks

    batch = batch_of()
    both = with_second_looks(batch, move_of((True, 0, 0)), noise_px=0.0)
    left, right = NAMES.index("left_wrist"), NAMES.index("right_wrist")
    assert torch.equal(both["weight"][2:, left], batch["weight"][:, right])
    assert torch.equal(both["target"][2:, left, 1], batch["target"][:, right, 1])


def test_a_joint_that_leaves_the_crop_counts_no_more() -> None:
    from steadypose.engines.refiner.training.pairs import with_second_looks

    batch = batch_of()
    batch["target"][0, 5] = torch.tensor([WIDTH - 2.0, 10.0])
    both = with_second_looks(batch, move_of((False, 1, 0)), noise_px=0.0)
    assert both["weight"][0, 5] > 0
    assert both["weight"][2, 5] == 0
    assert not both["labelled"][2, 5]


@settings(max_examples=20, deadline=None)
@given(MOVES)
def test_looks_that_follow_the_move_agree(values: tuple[bool, int, int]) -> None:
    from steadypose.engines.refiner.training.pairs import disagreement, with_second_looks

    move = move_of(values)
    both = with_second_looks(batch_of(), move, noise_px=0.0)
    maps, decoded = seen(both["target"])
    assert float(disagreement(maps, decoded, both["present"][:2], move)) == pytest.approx(
        0, abs=1e-5
    )


def test_a_look_that_sees_a_joint_elsewhere_disagrees_and_is_drawn_to_the_other() -> None:
    from steadypose.engines.refiner.training.pairs import disagreement

    move = move_of((False, 0, 0))
    target = batch_of(1)["target"].repeat(2, 1, 1)
    target[1, 7] = torch.tensor([4.0, 8.0])
    target[0, 7] = torch.tensor([20.0, 40.0])
    maps, decoded = seen(target)
    heat = maps.heat.requires_grad_()
    found = disagreement(maps._replace(heat=heat), decoded, torch.ones(1, dtype=torch.bool), move)
    # Half of the mean lies where a look's heat is e^-25; four capped cells count half.
    heats = 25 / 2 - 0.6931
    assert float(found.detach()) == pytest.approx((heats + 2.0) / JOINTS, abs=1e-3)
    found.backward()
    assert heat.grad is not None
    assert heat.grad[0, 7, 2, 1] < 0 < heat.grad[0, 7, 10, 5]


def test_nobody_there_agrees_with_anything() -> None:
    from steadypose.engines.refiner.training.pairs import disagreement

    maps, decoded = seen(torch.cat((batch_of()["target"], batch_of()["target"])))
    absent = torch.zeros(2, dtype=torch.bool)
    assert float(disagreement(maps, decoded, absent, move_of((False, 0, 0)))) == 0


def test_moves_follow_the_seed_and_are_all_drawn() -> None:
    from steadypose.engines.refiner.training.pairs import draw_move

    torch.manual_seed(0)
    first = [draw_move() for _ in range(300)]
    torch.manual_seed(0)
    assert [draw_move() for _ in range(300)] == first
    assert len(set(first)) == 18
