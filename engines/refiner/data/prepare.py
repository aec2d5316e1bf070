"""From data sets on disk to the makers of training and validation batches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from steadypose.engines.crops import Size
from steadypose.engines.refiner.data.cache import Cache
from steadypose.engines.refiner.data.labels import fuse_labels
from steadypose.engines.refiner.data.records import Picture
from steadypose.engines.refiner.data.samples import (
    SampleSettings,
    TrainingBatches,
    ValidationBatches,
)


def batch_makers(
    pictures: Sequence[Picture],
    estimates: Path,
    *,
    seed: int,
    batch_size: int,
    sizes: Sequence[Size] = ((256, 192),),
    settings: SampleSettings | None = None,
) -> tuple[TrainingBatches, ValidationBatches]:
    """Makers of batches of the training and of the validation split; the test split is left out.

    Args:
        pictures: As ``load_pictures`` gives them, splits assigned.
        estimates: File of base estimators' results, made by the module ``estimates``.
        seed: Of the training batches; validation is always the same.
        batch_size: People in a batch.
        sizes: Crop sizes to train with; validation takes the largest.
        settings: How training samples are made.

    Raises:
        InputError: The estimates are not of these pictures, or a split has nobody in it.
    """
    known = Cache.load(estimates).attach([p for p in pictures if p.split != "test"])
    train = fuse_labels([p for p in known if p.split == "train"])
    largest = max(sizes, key=lambda size: size[0] * size[1])
    return (
        TrainingBatches(train, seed=seed, batch_size=batch_size, sizes=sizes, settings=settings),
        ValidationBatches(
            [p for p in known if p.split == "val"], batch_size=batch_size, size=largest
        ),
    )
