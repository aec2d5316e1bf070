"""The training loop: steps, looks at the validation split, saved states, an orderly end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from steadypose.engines.refiner.losses import Truth, refiner_loss
from steadypose.engines.refiner.network import Refiner, decode
from steadypose.engines.refiner.training import checkpoint
from steadypose.engines.refiner.training.average import averaged
from steadypose.engines.refiner.training.batches import BatchMaker, batches
from steadypose.engines.refiner.training.fitting import Fit
from steadypose.engines.refiner.training.heap import keep_freed_memory
from steadypose.engines.refiner.training.log import CsvLog
from steadypose.engines.refiner.training.machine import choose_device, choose_precision
from steadypose.engines.refiner.training.optimiser import make_optimiser, set_rates
from steadypose.engines.refiner.training.pairs import disagreement, draw_move, with_second_looks
from steadypose.engines.refiner.training.recipe import Recipe
from steadypose.engines.refiner.training.schedule import is_frozen
from steadypose.engines.refiner.training.tensors import to_tensors
from steadypose.engines.refiner.training.validate import figures, predict
from steadypose.errors import InputError, SteadyposeError

_NO_LAST = 2**31
"""Number after the last batch while nobody knows how many there will be."""
_LOW_STAGES = 3
"""Stages of the trunk at strides 2 to 8, which may rest in some steps."""

Outcome = Literal["finished", "stopped early", "out of time", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is told of the run after a step.

    Attributes:
        step: Steps done.
        loss: Total loss of the step.
        figures: Of the validation split, where this step ended with a look at it.
    """

    step: int
    loss: float
    figures: dict[str, float] | None = None


class Trainer:
    """A run in a folder of its own, which can be left at any step and taken up again.

    Args:
        model: The network, with its starting weights; trained in place.
        recipe: All settings.
        train: Makes the training batches.
        validate: Makes the validation batches.
        folder: Where states and logs go; must exist.
        data: Digest of what the batches are made of; a run goes on only with the same.
        origin: What else to record beside the weights: plain values by name.
        tell: Called after every step.
        replanned: Called with the recipe once its steps were planned anew, see ``run``.
    """

    def __init__(
        self,
        model: Refiner,
        recipe: Recipe,
        train: BatchMaker,
        validate: BatchMaker,
        folder: Path,
        *,
        data: str = "",
        origin: Mapping[str, Any] | None = None,
        tell: Callable[[Look], None] | None = None,
        replanned: Callable[[Recipe], None] = lambda _: None,
    ) -> None:
        self.recipe, self.folder, self.data = recipe, folder, data
        self.device = choose_device(recipe.machine.device)
        self.precision = choose_precision(recipe.machine.precision, self.device)
        if recipe.machine.threads:
            torch.set_num_threads(recipe.machine.threads)
        if self.device.type == "cpu":
            keep_freed_memory()
        self.model = model.to(self.device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = averaged(self.model, recipe.optimiser.average)
        self.optimiser = make_optimiser(self.model, recipe.optimiser)
        self.step, self.minutes = 0, 0.0
        self.origin = dict(origin or {})
        self.best: dict[str, float] = {}
        self._train, self._validate, self._tell = train, validate, tell
        self._replanned = replanned
        self._looks_since_best, self._begun = 0, time.monotonic()
        self._sums: dict[str, float] = {}
        self._logs: dict[str, CsvLog] = {}

    def resume(self) -> None:
        """Go on from the state in the folder.

        Raises:
            InputError: There is none, or it belongs to another recipe or other data.
        """
        path = self.folder / checkpoint.STATE_FILE
        state = checkpoint.load(path)
        if state.get("recipe") != self.recipe.digest:
            raise InputError(
                f"{path}: belongs to another recipe; give the folder's own recipe.yaml, "
                "or start anew in another folder"
            )
        if state.get("data") != self.data:
            raise InputError(f"{path}: was trained on other pictures or estimates than those given")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.best = state["step"], state["best"]
        self._looks_since_best, self._sums = state["looks_since_best"], state["sums"]
        self.origin, self.minutes = state["origin"], state["minutes"]

    def run(
        self,
        stop: Callable[[], bool] = lambda: False,
        max_minutes: float | None = None,
        fit_minutes: float | None = None,
    ) -> Outcome:
        """Train until the planned steps are done, or the run is over for another reason.

        Args:
            stop: Asked after every step; True ends the run with its state saved.
            max_minutes: The same after so much time.
            fit_minutes: Plan as many steps as fit into so much time, by the speed of the first
                ones; ``recipe`` then has them. The run ends after that time at the latest.

        Raises:
            SteadyposeError: The loss is no longer a number, or a file cannot be written.
        """
        self._open_logs()
        machine, now = self.recipe.machine, time.monotonic()
        self._begun = now - 60 * self.minutes
        most = min(m for m in (max_minutes, fit_minutes, math.inf) if m is not None)
        deadline = now + 60 * most
        fit = None if fit_minutes is None else Fit(60 * fit_minutes, now, self.step)
        saved = now
        outcome: Outcome = "finished"
        last = _NO_LAST if fit else self.recipe.steps
        with closing(self._steps(last)) as steps:
            for _ in steps:
                now = time.monotonic()
                planned = fit.plan(self.step, now) if fit else None
                if planned is not None:
                    fit, self.recipe = None, replace(self.recipe, steps=planned)
                    self._replanned(self.recipe)
                done = fit is None and self.step >= self.recipe.steps
                ended = self._ended(done, stop, now >= deadline)
                if ended or now - saved >= 60 * machine.checkpoint_minutes:
                    self.save()
                    saved = now
                if ended:
                    outcome = ended
                if ended or done:
                    break
        if outcome == "finished":
            self.save()
        if outcome == "out of time" and not self.best:
            self._look()  # a run that was too short for a look leaves weights all the same
        return outcome

    def _ended(self, done: bool, stop: Callable[[], bool], late: bool) -> Outcome | None:
        patience = self.recipe.validation.patience
        if patience and self._looks_since_best >= patience:
            return "stopped early"
        if done:
            return None
        if stop():
            return "interrupted"
        return "out of time" if late else None

    def _open_logs(self) -> None:
        for name in ("train", "validation"):
            keep = self.step if self.step else None
            self._logs[name] = CsvLog(self.folder / f"{name}.csv", keep)

    def _steps(self, last: int) -> Generator[None]:
        every = self.recipe.validation.every
        numbered = batches(self._train, self.step, last, self.recipe.machine.workers)
        with closing(numbered) as made:
            for batch in made:
                losses = self._one_step(to_tensors(batch, self.device))
                self._log(losses)
                found = None
                if self.step % every == 0 or self.step == self.recipe.steps:
                    found = self._look()
                if self._tell:
                    self._tell(Look(step=self.step, loss=losses["total"], figures=found))
                yield

    def _one_step(self, batch: dict[str, Tensor]) -> dict[str, float]:
        recipe = self.recipe
        # Whatever is random in a step depends on its number alone.
        torch.manual_seed(recipe.seed * 1_000_003 + self.step)
        set_rates(self.optimiser, self.step, recipe.steps, recipe.optimiser)
        frozen = is_frozen(self.step, recipe.steps, recipe.optimiser)
        for parameter in self.model.pretrained():
            parameter.requires_grad_(not frozen)
        self.model.train()
        rests = self.step % recipe.optimiser.low_every
        self.model.trunk.resting = _LOW_STAGES if rests else 0
        move = draw_move() if recipe.pairs.weight else None
        if move is not None:
            batch = with_second_looks(batch, move, recipe.pairs.noise_px)
        reduced = self.precision != torch.float32
        with torch.autocast(self.device.type, self.precision, enabled=reduced):
            maps = self.model.maps(batch["image"], batch["pose"], batch["prior"])
        truth = Truth(**{name: batch[name] for name in Truth._fields})
        decoded = decode(maps, self.model.mass_weight)
        losses = refiner_loss(maps, decoded, truth, batch["pose"])
        if move is not None:
            present = batch["present"].chunk(2)[0]
            losses["pair"] = disagreement(maps, decoded, present, move)
            losses["total"] = losses["total"] + recipe.pairs.weight * losses["pair"]
        self.optimiser.zero_grad(set_to_none=True)
        losses["total"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), recipe.optimiser.clip)
        values = {name: float(value.detach()) for name, value in losses.items()}
        if not math.isfinite(values["total"]):
            raise SteadyposeError(
                f"step {self.step}: the loss is {values['total']}; start anew with a "
                "lower optimiser.rate or a smaller optimiser.clip"
            )
        self.optimiser.step()
        self.average.update_parameters(self.model)
        self.step += 1
        return values

    def _log(self, losses: dict[str, float]) -> None:
        every = self.recipe.machine.log_every
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value / every
        if self.step % every == 0:
            rate = max(group["lr"] for group in self.optimiser.param_groups)
            self._logs["train"].add(self.step, {**self._sums, "rate": rate})
            self._sums = {}

    def _look(self) -> dict[str, float]:
        numbers = range(self.recipe.validation.batches)
        found = figures(
            predict(self.average.module, (self._validate(n) for n in numbers), self.device)
        )
        self._logs["validation"].add(self.step, found)
        self._looks_since_best += 1
        if found["oks"] > self.best.get("oks", -1.0):
            self.best, self._looks_since_best = {"step": self.step, **found}, 0
            checkpoint.save(self.folder / checkpoint.BEST_FILE, self._best_state())
        return found

    def _best_state(self) -> dict[str, Any]:
        return {
            "variant": self.recipe.variant,
            "recipe": self.recipe.digest,
            "data": self.data,
            "seed": self.recipe.seed,
            **self.origin,
            "figures": {k: v for k, v in self.best.items() if math.isfinite(v)},
            "calibrated": False,
            "model": self.average.module.state_dict(),
        }

    def save(self) -> None:
        """Write the state from which ``resume`` goes on.

        Raises:
            OutputError: It could not be written.
        """
        self.minutes = (time.monotonic() - self._begun) / 60
        state = {
            "origin": self.origin,
            "minutes": self.minutes,
            "recipe": self.recipe.digest,
            "data": self.data,
            "step": self.step,
            "best": self.best,
            "looks_since_best": self._looks_since_best,
            "sums": self._sums,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        checkpoint.save(self.folder / checkpoint.STATE_FILE, state)
