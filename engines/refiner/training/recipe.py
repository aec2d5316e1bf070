"""All settings of a training run; read from YAML, kept beside the weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from steadypose.configs import build, check_range, check_sizes, read_yaml, recipe_paths, unknown
from steadypose.engines.refiner.data.samples import SampleSettings
from steadypose.errors import ConfigError

_PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class OptimiserRecipe:
    """AdamW (Loshchilov and Hutter 2019) with linear warm-up and cosine decay.

    Attributes:
        rate: Peak learning rate of the layers that start from random weights.
        backbone_rate: Peak learning rate of the layers that start from pretrained weights.
        weight_decay: Of weights with two or more dimensions; biases and norms have none.
        clip: Largest norm of the whole gradient.
        warm_up: Fraction of the planned steps over which the rate rises from 0.
        final: Learning rate at the end, as a fraction of the peak.
        frozen: Fraction of the planned steps in which the backbone keeps its weights.
        average: Decay of the exponential moving average of the weights.
        low_every: The first stages, whose maps are largest and whose gradients cost half of a
            step, are trained in every n-th step only.
    """

    rate: float = 1e-3
    backbone_rate: float = 3e-4
    weight_decay: float = 0.02
    clip: float = 5.0
    warm_up: float = 0.02
    final: float = 0.01
    frozen: float = 0.0
    average: float = 0.999
    low_every: int = 1

    def __post_init__(self) -> None:
        check_range("optimiser.rate", self.rate, 0, 1)
        check_range("optimiser.backbone_rate", self.backbone_rate, 0, 1)
        check_range("optimiser.weight_decay", self.weight_decay, 0, 1)
        check_range("optimiser.clip", self.clip, 1e-6, 1e6)
        check_range("optimiser.warm_up", self.warm_up, 0, 1)
        check_range("optimiser.final", self.final, 0, 1)
        check_range("optimiser.frozen", self.frozen, 0, 1)
        check_range("optimiser.average", self.average, 0, 0.999999)
        check_range("optimiser.low_every", self.low_every, 1, 1e6)


@dataclass(frozen=True, kw_only=True)
class PairRecipe:
    """Second looks at the samples, which must come to the same poses.

    Attributes:
        weight: Of the two looks' disagreement in the loss; 0 trains on single looks.
        noise_px: Standard deviation of what is added to the second look's input joints, crop px.
    """

    weight: float = 0.0
    noise_px: float = 2.0

    def __post_init__(self) -> None:
        check_range("pairs.weight", self.weight, 0, 100)
        check_range("pairs.noise_px", self.noise_px, 0, 100)


@dataclass(frozen=True, kw_only=True)
class ValidationRecipe:
    """How the run is watched and when it ends early.

    Attributes:
        every: Steps between two looks at the validation split.
        batches: Batches of a look; the same ones each time.
        patience: Looks without a better OKS after which the run ends; 0 never ends it early.
        calibration_batches: Other batches of the validation split, for the scores' calibration.
        ridge: Pull of each joint's calibration towards that of all joints, in samples.
    """

    every: int = 500
    batches: int = 12
    patience: int = 12
    calibration_batches: int = 40
    ridge: float = 50.0

    def __post_init__(self) -> None:
        check_range("validation.every", self.every, 1, 1e9)
        check_range("validation.batches", self.batches, 1, 1e6)
        check_range("validation.patience", self.patience, 0, 1e6)
        check_range("validation.calibration_batches", self.calibration_batches, 1, 1e6)
        check_range("validation.ridge", self.ridge, 0, 1e9)


@dataclass(frozen=True, kw_only=True)
class MachineRecipe:
    """What the run uses of the machine. None of it changes what is learnt, but for rounding.

    Attributes:
        device: ``auto`` (CUDA where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        precision: Of the network's arithmetic: ``float32``, ``bfloat16`` (weights stay float32)
            or ``auto``, which takes bfloat16 where the card or the CPU computes in it and float32
            elsewhere.
        threads: Threads of torch on the CPU; 0 leaves torch's choice.
        workers: Processes that make batches ahead; 0 makes them in the loop.
        checkpoint_minutes: Time between two saved states.
        log_every: Steps per line of the log.
    """

    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    workers: int = 1
    checkpoint_minutes: float = 5.0
    log_every: int = 50

    def __post_init__(self) -> None:
        if self.precision not in _PRECISIONS:
            raise ConfigError(
                "machine.precision: " + unknown("precision", self.precision, list(_PRECISIONS))
            )
        check_range("machine.threads", self.threads, 0, 1024)
        check_range("machine.workers", self.workers, 0, 256)
        check_range("machine.checkpoint_minutes", self.checkpoint_minutes, 0, 1e6)
        check_range("machine.log_every", self.log_every, 1, 1e9)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A training run.

    Attributes:
        name: What the run is called in its records.
        variant: ``fast`` or ``accurate``: the size of the network.
        seed: Of the new layers' weights and of every batch.
        steps: Planned steps; the learning rate follows the share of them that is done.
        batch_size: People per step.
        sizes: Crop sizes [height, width] in pixels, multiples of 32; each batch has one of them.
        samples: How samples are made of the pictures.
        optimiser, pairs, validation, machine: See their classes.
    """

    name: str = "fast"
    variant: str = "fast"
    seed: int = 1
    steps: int = 20_000
    batch_size: int = 32
    sizes: tuple[tuple[int, int], ...] = ((256, 192),)
    samples: SampleSettings = field(default_factory=SampleSettings)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    pairs: PairRecipe = field(default_factory=PairRecipe)
    validation: ValidationRecipe = field(default_factory=ValidationRecipe)
    machine: MachineRecipe = field(default_factory=MachineRecipe)

    def __post_init__(self) -> None:
        if self.variant not in ("fast", "accurate"):
            raise ConfigError("variant: " + unknown("variant", self.variant, ["fast", "accurate"]))
        check_range("seed", self.seed, 0, 2**31 - 1)
        check_range("steps", self.steps, 1, 1e9)
        check_range("batch_size", self.batch_size, 1, 65536)
        if not self.sizes:
            raise ConfigError("sizes: expected at least one [height, width]")
        check_sizes("sizes", self.sizes)

    @property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of all that shapes the weights.

        The name and the machine's settings are left out.
        """
        values = {k: v for k, v in asdict(self).items() if k not in ("name", "machine")}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

    def to_yaml(self) -> str:
        """The recipe as a file that ``load_recipe`` reads back to an equal one."""
        # Through JSON, as YAML's safe writer knows no tuples.
        return yaml.safe_dump(json.loads(json.dumps(asdict(self))), sort_keys=False)


def load_recipe(spec: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A shipped recipe by its name, or one from a file.

    Args:
        spec: One of ``recipe_paths``, or the path of a ``.yaml`` / ``.yml`` file.
        overrides: Top-level values that win over the file's.

    Raises:
        ConfigError: No such recipe or file, not YAML, an unknown key, or a value out of range.
    """
    shipped = recipe_paths()
    path = shipped.get(spec, Path(spec))
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(unknown("recipe", spec, list(shipped)) + " (or a .yaml file)")
    values = {"name": path.stem, **read_yaml(path, "a recipe"), **(overrides or {})}
    return build(Recipe, values)
