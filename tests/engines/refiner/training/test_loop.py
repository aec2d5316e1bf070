from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steadypose.engines.refiner.training.recipe import (
    MachineRecipe,
    OptimiserRecipe,
    PairRecipe,
    Recipe,
    ValidationRecipe,
)
from steadypose.errors import InputError, SteadyposeError

from .made_up import Spots

torch = pytest.importorskip("torch")

if TYPE_CHECKING:
    from steadypose.engines.refiner.training.loop import Trainer

RECIPE = Recipe(
    steps=6,
    batch_size=3,
    optimiser=OptimiserRecipe(warm_up=0.2, frozen=0.3),
    validation=ValidationRecipe(every=3, batches=2, calibration_batches=4),
    machine=MachineRecipe(device="cpu", precision="float32", workers=0, log_every=2),
)


def make(folder: Path, recipe: Recipe = RECIPE, *, data: str = "spots") -> Trainer:
    from steadypose.engines.refiner.network import Refiner
    from steadypose.engines.refiner.training.loop import Trainer

    folder.mkdir(exist_ok=True)
    torch.manual_seed(recipe.seed)
    return Trainer(Refiner("fast"), recipe, Spots(1), Spots(2), folder, data=data)


def stop_after(trainer: Trainer, step: int) -> bool:
    return trainer.step >= step


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def state(path: Path) -> dict[str, object]:
    """All of a state but the time that the run took."""
    found: dict[str, object] = torch.load(path, weights_only=True)
    return {name: value for name, value in found.items() if name != "minutes"}


def same(a: object, b: object) -> bool:
    """Whether two states are equal to the bit."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run from first to last step."""
    folder = tmp_path_factory.mktemp("straight")
    assert make(folder).run() == "finished"
    return folder


@pytest.mark.parametrize("left_at", [1, 3, 5], ids=lambda n: f"left-at-{n}")
def test_a_resumed_run_is_the_straight_run_to_the_bit(
    straight: Path, tmp_path: Path, left_at: int
) -> None:
    first = make(tmp_path)
    assert first.run(lambda: stop_after(first, left_at)) == "interrupted"
    second = make(tmp_path)
    second.resume()
    assert second.step == left_at
    assert second.run() == "finished"
    for name in ("state.pt", "best.pt"):
        states = [state(f / name) for f in (straight, tmp_path)]
        assert same(*states), name
    for name in ("train.csv", "validation.csv"):
        assert (straight / name).read_text() == (tmp_path / name).read_text()


def test_rows_after_the_last_saved_state_are_made_again(straight: Path, tmp_path: Path) -> None:
    first = make(tmp_path)
    first.run(lambda: stop_after(first, 3))
    with (tmp_path / "train.csv").open("a") as file:
        file.write("4,1,1,1,1,1,1\n6,1")  # a crash in the middle of a row, after the state
    second = make(tmp_path)
    second.resume()
    second.run()
    assert (straight / "train.csv").read_text() == (tmp_path / "train.csv").read_text()


def test_batches_made_by_workers_are_the_same(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Workers import the module of the maker by its name.
    monkeypatch.syspath_prepend(str(Path(__file__).parents[4]))
    recipe = replace(RECIPE, machine=replace(RECIPE.machine, workers=2))
    assert make(tmp_path, recipe).run() == "finished"
    states = [state(f / "state.pt") for f in (straight, tmp_path)]
    assert same(*states)


def test_logs_hold_losses_and_figures(straight: Path) -> None:
    rows = read(straight / "train.csv")
    assert [row["step"] for row in rows] == ["2", "4", "6"]
    assert {"heat", "offset", "place", "sure", "total", "rate"} <= rows[0].keys()
    looks = read(straight / "validation.csv")
    assert [row["step"] for row in looks] == ["3", "6"]
    assert looks[0]["oks_in"] == looks[1]["oks_in"], "each look is at the same batches"
    assert looks[0]["oks"] != looks[1]["oks"]


def test_pairs_of_looks_are_trained_on_and_a_resumed_run_goes_on_with_them(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=3, pairs=PairRecipe(weight=0.5))
    recipe = replace(recipe, machine=replace(recipe.machine, log_every=1))
    whole = make(tmp_path / "whole", recipe)
    assert whole.run() == "finished"
    for row in read(tmp_path / "whole" / "train.csv"):
        parts = {name: float(row[name]) for name in ("heat", "offset", "place", "sure", "pair")}
        assert parts["pair"] > 0
        # The others' weights are those of losses.py.
        single = parts["heat"] + (parts["offset"] + parts["place"] + parts["sure"]) / 2
        assert float(row["total"]) == pytest.approx(single + parts["pair"] / 2, rel=1e-3)
    first = make(tmp_path / "parts", recipe)
    first.run(lambda: stop_after(first, 1))
    second = make(tmp_path / "parts", recipe)
    second.resume()
    second.run()
    assert same(*(state(tmp_path / name / "state.pt") for name in ("whole", "parts")))


def test_a_run_that_fits_its_time_plans_its_steps_and_can_be_resumed(tmp_path: Path) -> None:
    trainer = make(tmp_path, replace(RECIPE, steps=100_000))
    told: list[int] = []
    trainer._replanned = lambda recipe: told.append(recipe.steps)
    assert trainer.run(fit_minutes=0.05) in ("finished", "out of time")
    (steps,) = told
    assert trainer.recipe.steps == steps < 100_000
    assert 0 < trainer.step <= steps
    again = make(tmp_path, replace(RECIPE, steps=steps))
    again.resume()
    assert again.step == trainer.step


def test_a_run_that_fits_its_time_may_need_more_steps_than_the_recipe_has(tmp_path: Path) -> None:
    trainer = make(tmp_path, replace(RECIPE, steps=1))
    assert trainer.run(fit_minutes=0.05) in ("finished", "out of time")
    assert trainer.step > 1


def test_a_frozen_backbone_keeps_its_weights_then_learns(tmp_path: Path) -> None:
    trainer = make(tmp_path, replace(RECIPE, optimiser=replace(RECIPE.optimiser, frozen=0.5)))
    old = [p.detach().clone() for p in trainer.model.pretrained()]
    trainer.run(lambda: stop_after(trainer, 3))
    assert all(torch.equal(a, b) for a, b in zip(old, trainer.model.pretrained(), strict=True))
    later = make(tmp_path, trainer.recipe)
    later.resume()
    later.run()
    assert not all(torch.equal(a, b) for a, b in zip(old, later.model.pretrained(), strict=True))


def test_it_learns(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=80, optimiser=OptimiserRecipe(rate=3e-3, backbone_rate=3e-3))
    seen: list[float] = []
    trainer = make(tmp_path, recipe)
    trainer._tell = lambda look: seen.append(look.loss)
    trainer.run()
    assert np.mean(seen[-5:]) < 0.95 * np.mean(seen[:5])


def test_it_ends_early_when_nothing_gets_better(tmp_path: Path) -> None:
    still = OptimiserRecipe(rate=0, backbone_rate=0)
    looks = replace(RECIPE.validation, every=1, patience=2)
    trainer = make(tmp_path, replace(RECIPE, steps=50, optimiser=still, validation=looks))
    assert trainer.run() == "stopped early"
    assert trainer.step == 3
    assert trainer.best["step"] == 1


def test_a_run_out_of_time_leaves_weights_and_a_state(tmp_path: Path) -> None:
    trainer = make(tmp_path)
    assert trainer.run(max_minutes=1e-9) == "out of time"
    assert trainer.step == 1
    assert {"best.pt", "state.pt"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("recipe", "data", "complaint"),
    [
        (replace(RECIPE, steps=7), "spots", "another recipe"),
        (RECIPE, "blots", "other pictures"),
    ],
    ids=["recipe", "data"],
)
def test_a_run_goes_on_only_with_its_own(
    straight: Path, recipe: Recipe, data: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        make(straight, recipe, data=data).resume()


def test_the_machine_is_no_part_of_the_recipe(straight: Path) -> None:
    make(straight, replace(RECIPE, machine=replace(RECIPE.machine, threads=1))).resume()


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    trainer = make(tmp_path)
    with torch.no_grad():
        trainer.model.sharpness.fill_(float("nan"))
    with pytest.raises(SteadyposeError, match=r"step 0: the loss is nan.*optimiser\.rate"):
        trainer.run()
    assert not (tmp_path / "state.pt").exists()


def test_bfloat16_comes_close_to_float32(tmp_path: Path) -> None:
    steps = []
    for precision in ("float32", "bfloat16"):
        machine = replace(RECIPE.machine, precision=precision)
        trainer = make(tmp_path / precision, replace(RECIPE, machine=machine))
        trainer._tell = lambda look: steps.append(look.loss)
        trainer.run(lambda trainer=trainer: stop_after(trainer, 1))
    assert steps[0] != steps[1]
    assert steps[1] == pytest.approx(steps[0], rel=0.02)
