"""An exported refiner in INT8 for the processor, in a file of its own beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import onnx

from steadypose.engines import zoo
from steadypose.engines.refiner.data.cache import Cache
from steadypose.engines.refiner.data.records import Picture
from steadypose.engines.refiner.data.samples import ValidationBatches
from steadypose.engines.refiner.exporting import write_refiner
from steadypose.engines.refiner.int8 import Feeds
from steadypose.engines.refiner.int8_trials import Trials, Tried, least_moved
from steadypose.engines.refiner.load import check_source
from steadypose.errors import InputError

_BATCH = 8
_PEOPLE = 256
"""Of whom one half calibrates; more change nothing but the time it takes."""


def export_int8(
    model: Path,
    pictures: Sequence[Picture],
    estimates: Path,
    path: Path,
    tell: Callable[[], object] = lambda: None,
) -> Tried:
    """Quantise an exported refiner and write it, with its record beside it.

    People of the validation split are seen as in use: plain crops, poses that base estimators
    found, priors. Groups of layers that alone move joints far stay in FP32; of the ways to choose
    the other layers' ranges the one is taken that moves joints least.

    Args:
        model: The refiner, an ONNX file of ``export_refiner``.
        pictures: As ``load_pictures`` gives them, splits assigned.
        estimates: File of base estimators' results on those of the validation split.
        path: The ONNX file to write; the record gets the same name with ``.json``.
        tell: Called after each step.

    Raises:
        InputError: The estimates are not of these pictures, or too few people validate.
        ModelError: The refiner is another file than its record says, or in INT8 already.
        OutputError: A file cannot be written.
    """
    origin = check_source(model)
    trials = Trials(model, _validation(pictures, estimates), tell=tell)
    tried = least_moved(trials.every_range(trials.sensitive(trials.alone())))
    record = {
        "variant": origin.get("variant"),
        "precision": "int8",
        "of": zoo.file_sha256(model),
        "recipe": str(tried.recipe),
        "moved_px": dict(zip(("p50", "p90", "p99"), tried.moved_px, strict=True)),
        "people": sum(len(batch["image"]) for batch in trials.seen),
    }
    write_refiner(onnx.load_from_string(tried.graph), path, record)
    return tried


def _validation(pictures: Sequence[Picture], estimates: Path) -> list[Feeds]:
    people = [p for p in Cache.load(estimates).attach(pictures) if p.split == "val"]
    if not people:
        raise InputError("none of the pictures is of the validation split; name more of them")
    make = ValidationBatches(people, batch_size=_BATCH)
    count = max(min(len(make.people), _PEOPLE) // _BATCH, 2)
    batches = (make(number) for number in range(count))
    return [{"image": b.image, "pose": b.pose, "prior": b.prior} for b in batches]
