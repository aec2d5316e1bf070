"""How it is measured."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How it is measured.

    Attributes:
        runtimes: To compare.
        device: Of TensorRT and torch.
        precision: Of TensorRT.
        batches: Crops at once.
        rounds: Timed calls.
        warm: Calls before them.
        people: Of the frame.
        soak_batches: Batches of a soak.
        images: Folder of pictures; None takes the demo clip.
        threads: Of one call on the processor.
        seed: Of noise.
    """

    runtimes: tuple[str, ...] = ("onnxruntime",)
    device: str = "auto"
    precision: str = "fp16"
    batches: tuple[int, ...] = (1, 4, 8, 16, 32)
    rounds: int = 200
    warm: int = 20
    people: int = 10
    soak_batches: int = 10_000
    images: Path | None = None
    threads: int = 2
    seed: int = 0

    @classmethod
    def of(cls, options: argparse.Namespace, runtimes: tuple[str, ...]) -> Settings:
        """From the options of the command."""
        return cls(
            runtimes=runtimes,
            device=options.device,
            precision=options.precision,
            batches=tuple(sorted(set(options.batches))),
            rounds=options.rounds,
            warm=options.warm,
            people=options.people,
            soak_batches=options.soak_batches,
            images=options.images,
            threads=options.threads,
            seed=options.seed,
        )
