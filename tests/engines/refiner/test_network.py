"""The refiner's network: what it draws, where it starts, what it is trained for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from steadypose.engines.refiner.drawing import draw, draw_mixed  # noqa: E402
from steadypose.engines.refiner.losses import Truth, is_right, refiner_loss  # noqa: E402
from steadypose.engines.refiner.network import JOINTS, Maps, Refiner, decode  # noqa: E402
from steadypose.engines.refiner.starting import start_from_movenet  # noqa: E402
from steadypose.errors import ModelError  # noqa: E402

SIZE = (96, 64)


def poses(count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    found = torch.rand(count, JOINTS, 3, generator=generator)
    found[..., 0] *= SIZE[1]
    found[..., 1] *= SIZE[0]
    return found


def pictures(count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (count, *SIZE, 3), dtype=torch.uint8, generator=generator)


def spike(x: float, y: float, height: int = 24, width: int = 16) -> Maps:
    """Maps of one person whose joints are all at ``x, y`` (cells), a little past the cell."""
    heat = torch.full((1, JOINTS, height, width), -8.0)
    heat[..., int(y), int(x)] = 8.0
    offset = torch.zeros(1, 2, JOINTS, height, width)
    offset[:, 0], offset[:, 1] = x - int(x), y - int(y)
    return Maps(heat, offset, torch.full_like(heat, 2.0))


class TestDrawing:
    def test_a_joint_is_as_high_as_its_score_at_its_place(self) -> None:
        pose = torch.zeros(1, JOINTS, 3)
        pose[0, 3] = torch.tensor([24.0, 40.0, 0.7])
        drawn = draw(pose, SIZE[0] // 4, SIZE[1] // 4, 4, 5.0)
        assert drawn[0, 3, 10, 6] == pytest.approx(0.7)
        assert drawn[0, 3].argmax() == 10 * (SIZE[1] // 4) + 6
        assert drawn[0, [*range(3), *range(4, JOINTS)]].abs().max() == 0

    @pytest.mark.parametrize("place", [float("nan"), float("inf"), -1e9])
    def test_a_missing_joint_draws_nothing_wherever_it_is(self, place: float) -> None:
        pose = torch.full((1, JOINTS, 3), place)
        pose[..., 2] = 0
        assert draw(pose, 8, 8, 4, 5.0).abs().max() == 0

    def test_mixed_maps_are_a_convolution_of_the_maps(self) -> None:
        weight = torch.randn(5, JOINTS, generator=torch.Generator().manual_seed(3))
        drawn = draw(poses(), 48, 32, 2, 4.0)
        expected = torch.einsum("ck,nkhw->nchw", weight, drawn)
        torch.testing.assert_close(
            draw_mixed(poses(), weight, 48, 32, 2, 4.0), expected, atol=1e-5, rtol=1e-5
        )


class TestDecoding:
    @pytest.mark.parametrize("place", [(3.25, 7.5), (0.1, 0.2), (15.0, 23.75)], ids=str)
    def test_the_joint_is_where_the_heat_and_its_offset_say(
        self, place: tuple[float, float]
    ) -> None:
        found = decode(spike(*place), torch.ones(JOINTS))
        np.testing.assert_allclose(found.xy[0], [[4 * p for p in place]] * JOINTS, atol=0.01)

    def test_neighbouring_cells_vote_by_their_heat(self) -> None:
        maps = spike(3.0, 7.0)
        maps.heat[..., 7, 4] = maps.heat[..., 7, 3]
        found = decode(maps, torch.ones(JOINTS))
        np.testing.assert_allclose(found.xy[0, 0], [14.0, 28.0], atol=0.01)

    def test_a_second_peak_far_off_lowers_the_certainty_and_moves_nothing(self) -> None:
        one, two = spike(3.0, 7.0), spike(3.0, 7.0)
        two.heat[..., 20, 12] = 7.9
        a, b = (decode(m, torch.ones(JOINTS)) for m in (one, two))
        torch.testing.assert_close(a.xy, b.xy)
        assert (b.logit < a.logit - 0.5).all()


class TestNetwork:
    @pytest.mark.parametrize("variant", ["fast", "accurate"])
    def test_shapes_and_ranges(self, variant: str) -> None:
        torch.manual_seed(0)
        model = Refiner("fast" if variant == "fast" else "accurate").eval()
        with torch.no_grad():
            found = model(pictures(), poses(), torch.zeros(2, JOINTS, 3))
        assert found.shape == (2, JOINTS, 3)
        assert torch.isfinite(found).all()
        assert ((found[..., 2] >= 0) & (found[..., 2] <= 1)).all()

    def test_at_first_pose_and_prior_only_add_heat_where_they_are(self) -> None:
        torch.manual_seed(0)
        model = Refiner("fast").eval()
        nobody = torch.zeros(1, JOINTS, 3)
        pose = nobody.clone()
        pose[0, 5] = torch.tensor([32.0, 48.0, 1.0])
        with torch.no_grad():
            without, added = (model.maps(pictures(1), p, nobody) for p in (nobody, pose))
        mixed_in = (added.heat - without.heat)[0]
        assert mixed_in[5].argmax() == 12 * (SIZE[1] // 4) + 8
        assert mixed_in[5, 12, 8] == pytest.approx(2.0, abs=1e-4)
        torch.testing.assert_close(mixed_in[:5], torch.zeros_like(mixed_in[:5]))

    def test_what_rests_gets_no_gradient(self) -> None:
        torch.manual_seed(0)
        model = Refiner("fast")
        model.trunk.resting = 3
        model.maps(pictures(), poses(), poses()).heat.sum().backward()
        assert model.trunk.first.weight.grad is None
        assert model.trunk.top.weight.grad is not None

    def test_another_file_is_no_start(self, tmp_path: Path) -> None:
        path = tmp_path / "other.onnx"
        path.write_bytes(b"no network")
        with pytest.raises(ModelError, match=r"other\.onnx"):
            start_from_movenet(Refiner("fast"), path)


def truth(x: float, y: float, *, present: bool = True, weight: float = 1.0) -> Truth:
    target = torch.tensor([x, y]).expand(1, JOINTS, 2).clone()
    return Truth(
        target, torch.full((1, JOINTS), weight), torch.tensor([present]), torch.tensor([20.0])
    )


class TestLosses:
    def test_a_right_answer_costs_less_than_a_wrong_one(self) -> None:
        maps = spike(3.0, 7.0)
        decoded = decode(maps, torch.ones(JOINTS))
        right = refiner_loss(maps, decoded, truth(12, 28))
        wrong = refiner_loss(maps, decoded, truth(40, 60))
        for name in ("heat", "place", "sure", "total"):
            assert right[name] < wrong[name], name
        assert right["place"] < 0.01

    def test_unlabelled_joints_and_absent_people_place_nothing(self) -> None:
        maps = spike(3.0, 7.0)
        decoded = decode(maps, torch.ones(JOINTS))
        for masked in (truth(40, 60, weight=0), truth(40, 60, present=False)):
            losses = refiner_loss(maps, decoded, masked)
            assert losses["heat"] == losses["offset"] == losses["place"] == 0

    def test_nobody_there_makes_certainty_expensive(self) -> None:
        maps = spike(3.0, 7.0)
        sure = decode(maps, torch.ones(JOINTS))
        unsure = sure._replace(logit=sure.logit - 6)
        gone = truth(12, 28, present=False)
        assert refiner_loss(maps, unsure, gone)["sure"] < refiner_loss(maps, sure, gone)["sure"]

    @pytest.mark.parametrize(
        ("away", "right"), [(0.0, True), (9.9, True), (10.1, False)], ids=["on", "in", "out"]
    )
    def test_right_means_within_half_a_head(self, away: float, right: bool) -> None:
        answer = truth(30, 30)
        assert bool(is_right(answer.target + torch.tensor([away, 0.0]), answer).all()) is right
