from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from steadypose.configs import recipe_paths
from steadypose.engines.refiner.training.recipe import (
    MachineRecipe,
    OptimiserRecipe,
    Recipe,
    load_recipe,
)
from steadypose.engines.refiner.training.schedule import is_frozen, rate_factor
from steadypose.errors import ConfigError


@pytest.mark.parametrize("name", ["fast", "accurate", "fast-gpu", "accurate-gpu", "full"])
def test_shipped_recipes_load(name: str) -> None:
    assert load_recipe(name).name == name
    assert name in recipe_paths()


def test_a_recipe_survives_its_file(tmp_path: Path) -> None:
    recipe = replace(load_recipe("full"), seed=7)
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe.to_yaml())
    assert load_recipe(str(path)) == recipe


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("stepps: 3", "did you mean 'steps'"),
        ("optimiser: {rat: 1}", "did you mean 'optimiser.rate'"),
        ("variant: small", "unknown variant 'small'"),
        ("steps: 0", "steps: expected 1"),
        ("sizes: [[100, 64]]", "multiples of 32"),
        ("sizes: []", "at least one"),
        ("optimiser: {warm_up: 2}", "optimiser.warm_up: expected 0 to 1"),
        ("machine: {precision: float16}", "unknown precision 'float16'"),
        ("- 1", "expected keys and values"),
        ("steps: [", "not valid YAML"),
    ],
)
def test_a_bad_recipe_is_told_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_recipe(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spec", ["fastt", "no/such.yaml"])
def test_an_unknown_recipe(spec: str) -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'fast'|cannot be read"):
        load_recipe(spec)


def test_the_digest_follows_what_shapes_the_weights() -> None:
    recipe = Recipe()
    assert recipe.digest == replace(recipe, name="other").digest
    assert recipe.digest == replace(recipe, machine=MachineRecipe(threads=3)).digest
    assert recipe.digest != replace(recipe, seed=2).digest
    assert recipe.digest != replace(recipe, optimiser=OptimiserRecipe(clip=1)).digest


def test_the_rate_rises_then_falls_to_its_final_share() -> None:
    recipe = OptimiserRecipe(warm_up=0.1, final=0.05)
    factors = [rate_factor(step, 1000, recipe) for step in range(1000)]
    top = factors.index(max(factors))
    assert top == 100
    assert factors[:100] == sorted(factors[:100])
    assert factors[100:] == sorted(factors[100:], reverse=True)
    assert 0 < factors[0] < 0.02
    assert max(factors) == pytest.approx(1)
    assert factors[-1] == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize("warm_up", [0.0, 1.0])
def test_the_rate_stays_in_range_without_and_with_nothing_but_warm_up(warm_up: float) -> None:
    recipe = OptimiserRecipe(warm_up=warm_up)
    assert all(0 < rate_factor(step, 10, recipe) <= 1 for step in range(10))


def test_the_backbone_is_frozen_for_its_share() -> None:
    recipe = OptimiserRecipe(frozen=0.25)
    assert [is_frozen(step, 8, recipe) for step in range(4)] == [True, True, False, False]
    assert not is_frozen(0, 8, OptimiserRecipe(frozen=0))
