"""The end of a run: the best weights take their final form and get scores that can be trusted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from steadypose.engines.refiner.losses import Truth, is_right
from steadypose.engines.refiner.network import Refiner, decode
from steadypose.engines.refiner.training import checkpoint
from steadypose.engines.refiner.training.batches import BatchMaker, batches
from steadypose.engines.refiner.training.calibrate import (
    expected_calibration_error,
    fit_calibration,
)
from steadypose.engines.refiner.training.machine import choose_device
from steadypose.engines.refiner.training.recipe import Recipe
from steadypose.engines.refiner.training.tensors import to_tensors
from steadypose.errors import InputError


def load_best(folder: Path) -> tuple[Refiner, dict[str, object]]:
    """The best averaged weights of a run, on the CPU, and what is recorded beside them.

    Raises:
        InputError: The folder holds none, or weights of another network.
    """
    path = folder / checkpoint.BEST_FILE
    record = checkpoint.load(path)
    variant = record.get("variant")
    if variant not in ("fast", "accurate") or "model" not in record:
        raise InputError(f"{path}: not the best weights of a training run")
    model = Refiner(variant)
    try:
        model.load_state_dict(record.pop("model"))
    except RuntimeError as error:
        raise InputError(f"{path}: weights of another version of the network") from error
    return model, record


def calibrate_best(
    folder: Path, recipe: Recipe, validate: BatchMaker, minutes: float
) -> dict[str, float]:
    """Round the best weights as they will be shipped, and calibrate and store them.

    The convolutions' weights are rounded to FP16 first, so that every precision in which they are
    exported later has the same ones.

    The batches are those of the validation split that follow the ones of its looks. Only joints
    that a data set labels of people who are there count.

    Args:
        folder: Of the run.
        recipe: Of the run.
        validate: Makes the validation batches.
        minutes: That the run took, for the record.

    Returns:
        ``ece_before`` and ``ece_after``: of the even batches' scores by a fit to the odd ones,
        so that the figure is not of the samples it was fitted to.

    Raises:
        InputError: The folder holds no weights.
    """
    model, record = load_best(folder)
    _round_to_half(model)
    device = choose_device(recipe.machine.device)
    logits, right, known, odd = _gather(model.to(device), recipe, validate, device)
    ridge = recipe.validation.ridge
    half = fit_calibration(logits[odd], right[odd], known[odd], ridge)
    rest, on = ~odd, known[~odd]
    measured = {
        "ece_before": _ece(logits[rest][on], right[rest][on]),
        "ece_after": _ece((logits[rest] * half.scale + half.bias)[on], right[rest][on]),
    }
    fit = fit_calibration(logits, right, known, ridge)
    model.calibration_scale.copy_(torch.from_numpy(fit.scale))
    model.calibration_bias.copy_(torch.from_numpy(fit.bias))
    record = {**record, "minutes": round(minutes, 1), "calibrated": True, **measured}
    state = {**record, "model": model.cpu().state_dict()}
    checkpoint.save(folder / checkpoint.BEST_FILE, state)
    return measured


def _round_to_half(model: Refiner) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            for parameter in module.parameters():
                parameter.data = parameter.data.half().float()


def _gather(
    model: Refiner, recipe: Recipe, validate: BatchMaker, device: torch.device
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Logits, right, known ``(M, K)`` and whether the batch was odd ``(M,)``."""
    model.eval()
    first = recipe.validation.batches
    last = first + recipe.validation.calibration_batches
    parts = []
    for number, batch in enumerate(batches(validate, first, last, recipe.machine.workers)):
        tensors = to_tensors(batch, device)
        with torch.inference_mode():
            maps = model.maps(tensors["image"], tensors["pose"], tensors["prior"])
            decoded = decode(maps, model.mass_weight)
            right = is_right(decoded.xy, Truth(**{n: tensors[n] for n in Truth._fields}))
        known = batch.labelled & batch.present[:, None]
        odd = np.full(len(batch), number % 2 == 1)
        parts.append((decoded.logit.cpu().numpy(), right.cpu().numpy(), known, odd))
    logits, rights, knowns, odds = (np.concatenate(column) for column in zip(*parts, strict=True))
    return logits, rights, knowns, odds


def _ece(logits: np.ndarray, right: np.ndarray) -> float:
    return expected_calibration_error(1 / (1 + np.exp(-logits.astype(np.float64))), right)
