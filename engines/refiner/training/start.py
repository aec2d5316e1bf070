"""From data sets and a recipe to a trainer that is ready to run."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from steadypose.engines import zoo
from steadypose.engines.refiner.data.cache import Cache
from steadypose.engines.refiner.data.prepare import batch_makers
from steadypose.engines.refiner.data.records import Picture
from steadypose.engines.refiner.exported import is_exported, read_exported
from steadypose.engines.refiner.load import REFINERS, refiner_path
from steadypose.engines.refiner.network import Refiner
from steadypose.engines.refiner.starting import start_from_movenet
from steadypose.engines.refiner.training.batches import BatchMaker
from steadypose.engines.refiner.training.finish import load_best
from steadypose.engines.refiner.training.loop import Look, Trainer
from steadypose.engines.refiner.training.recipe import Recipe
from steadypose.errors import InputError

START_MODELS = {"fast": "movenet-lightning", "accurate": "movenet-thunder"}


@dataclass(frozen=True, kw_only=True)
class Data:
    """What a run learns from.

    Attributes:
        train, validate: Makers of the batches.
        digest: First 16 hexadecimal digits of the SHA-256 over the pictures' names and splits and
            what the base estimators' results were made with.
        counts: Labelled people by data set and split, e.g. ``{"lspet train": 5740}``.
    """

    train: BatchMaker
    validate: BatchMaker
    digest: str
    counts: dict[str, int]


def load_data(pictures: Sequence[Picture], estimates: Path, recipe: Recipe) -> Data:
    """Make the batch makers; the test split is left out.

    Args:
        pictures: As ``load_pictures`` gives them.
        estimates: File of base estimators' results on them.
        recipe: Seed, sizes and how samples are made.

    Raises:
        InputError: The estimates are not of these pictures, or a split has nobody in it.
    """
    train, validate = batch_makers(
        pictures,
        estimates,
        seed=recipe.seed,
        batch_size=recipe.batch_size,
        sizes=recipe.sizes,
        settings=recipe.samples,
    )
    return Data(
        train=train,
        validate=validate,
        digest=_digest(pictures, estimates),
        counts=_counts(pictures),
    )


def _digest(pictures: Sequence[Picture], estimates: Path) -> str:
    made_with = [f"{name} {key}" for name, key in Cache.load(estimates).keys.items()]
    lines = [f"{p.source}/{p.key} {p.split}" for p in pictures if p.split != "test"]
    text = "\n".join(sorted(lines) + sorted(made_with))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _counts(pictures: Sequence[Picture]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for picture in pictures:
        labelled = sum(bool(person.labelled.any()) for person in picture.persons)
        counts[f"{picture.source} {picture.split}"] += labelled
    return dict(sorted(counts.items()))


def make_trainer(
    recipe: Recipe,
    data: Data,
    start: str | None,
    folder: Path,
    tell: Callable[[Look], None],
    resume: bool,
    replanned: Callable[[Recipe], None] = lambda _: None,
) -> Trainer:
    """A trainer at the first step, or where the run in ``folder`` was left.

    Args:
        recipe: All settings.
        data: What it learns from.
        start: Name in the zoo or path of the MoveNet to start from, or what is trained on: a
            shipped refiner's name, an exported file, or the folder of a run for its best weights;
            None takes the variant's MoveNet.
        folder: Of the run.
        tell: Called after every step.
        resume: Go on with the state in ``folder``; ``start`` is not read then.
        replanned: Called with the recipe once its steps were planned anew.

    Raises:
        ModelError: The model to start from is not at hand or of another kind.
        InputError: There is no state to go on from, or it is of another recipe or other data.
    """
    torch.manual_seed(recipe.seed)
    model = Refiner("fast" if recipe.variant == "fast" else "accurate")
    if not resume:
        begin(model, start or START_MODELS[recipe.variant])
    # The name alone: the record travels with the weights, and folders are nobody's business.
    origin = {"people": data.counts, "start": Path(start or START_MODELS[recipe.variant]).name}
    trainer = Trainer(
        model,
        recipe,
        data.train,
        data.validate,
        folder,
        data=data.digest,
        origin=origin,
        tell=tell,
        replanned=replanned,
    )
    if resume:
        trainer.resume()
    return trainer


def begin(model: Refiner, start: str) -> None:
    """Give a new model its starting weights."""
    trained = _trained(start)
    if trained is None:
        start_from_movenet(model, Path(start) if start.endswith(".onnx") else zoo.locate(start))
        return
    if trained.variant != model.variant:
        raise InputError(f"{start}: the {trained.variant} refiner, not {model.variant}")
    model.load_state_dict(trained.state_dict())
    # What the scores were calibrated to is about to change.
    model.calibration_scale.fill_(1)
    model.calibration_bias.fill_(0)


def _trained(start: str) -> Refiner | None:
    """The refiner that a start names; None where it names a MoveNet."""
    if Path(start).is_dir():
        return load_best(Path(start))[0]
    if start in REFINERS or (start.endswith(".onnx") and is_exported(Path(start))):
        return read_exported(refiner_path(start))
    return None
