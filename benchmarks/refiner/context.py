"""What every section of the benchmark works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from steadypose.benchmarks.refiner.average_precision import (
    BASE_RULES,
    SCORE_RULES,
    Evaluation,
    Floats,
    Joints,
    Truth,
    coco_results,
)
from steadypose.benchmarks.refiner.networks import Base
from steadypose.benchmarks.refiner.people import People, TestData
from steadypose.benchmarks.refiner.resampling import Resampler
from steadypose.benchmarks.refiner.workbench import Workbench
from steadypose.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How it is measured.

    Attributes:
        detector: Of detected boxes.
        resamples: Of each interval.
        seed: Of resamples, crops and priors.
        threads: Of one call of a network.
        compare: Exports of the same weights in other precisions.
    """

    detector: str = "picodet-s"
    resamples: int = 500
    seed: int = 0
    threads: int = 2
    compare: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Context:
    """Networks, data and settings of one benchmark."""

    bench: Workbench
    data: TestData
    settings: Settings

    @property
    def crop_bases(self) -> list[Base]:
        """The bases that see people in crops, as they do in use."""
        return [base for base in self.bench.bases if not base.whole]

    def resampler(self, people: People) -> Resampler:
        """Draws over the groups of near-duplicates of some people."""
        return Resampler(people.groups, self.settings.resamples, self.settings.seed)

    @cached_property
    def truth(self) -> Truth:
        """COCO's annotations. Raises InputError where there are none."""
        if self.data.annotations is None:
            raise InputError("AP needs COCO annotations: give --coco or --data")
        return Truth(self.data.annotations)

    @cached_property
    def score_rules(self) -> dict[str, float]:
        """AP on the validation split with each rule for a refined person's score, mean of bases."""
        return {rule: self._ap_with(rule, refined=True) for rule in SCORE_RULES}

    @cached_property
    def base_rules(self) -> dict[str, float]:
        """The same of the bases alone."""
        return {rule: self._ap_with(rule, refined=False) for rule in BASE_RULES}

    def _ap_with(self, rule: str, *, refined: bool) -> float:
        people = self.data.chooser
        if people is None:
            return float("nan")
        found = []
        for base in self.crop_bases or self.bench.bases:
            before = self.bench.estimate(base, people.rows)
            joints = self.bench.refined(base, people.rows) if refined else before
            scores = SCORE_RULES[rule](joints, before)
            found.append(self.evaluation(people.pictures, joints, scores).ap())
        return float(np.mean(found))

    @cached_property
    def score_rule(self) -> str:
        """The best for refined people; the first where they cannot be told apart."""
        return max(self.score_rules, key=lambda rule: self.score_rules[rule])

    @cached_property
    def base_rule(self) -> str:
        """The best for the bases alone."""
        return max(self.base_rules, key=lambda rule: self.base_rules[rule])

    def person_scores(self, refined: Joints, base: Joints) -> Floats:
        """``(P,)`` of refined people by the rule chosen."""
        return SCORE_RULES[self.score_rule](refined, base)

    def base_scores(self, base: Joints) -> Floats:
        """``(P,)`` of a base's people by the rule chosen."""
        return SCORE_RULES[self.base_rule](base, base)

    def evaluation(self, pictures: Sequence[str], joints: Joints, scores: Floats) -> Evaluation:
        """Of people ``(P, 19, 3)`` with scores ``(P,)`` in COCO pictures."""
        ids = [int(picture) for picture in pictures]
        return Evaluation(self.truth, ids, coco_results(ids, joints, scores))

    def pair(self, base: Base, people: People) -> tuple[Joints, Joints]:
        """A base's joints and the refined ones."""
        return self.bench.estimate(base, people.rows), self.bench.refined(base, people.rows)
