"""Random search over the tracker's settings, on the tuning videos alone.

Trial n draws from the seed and n; every second trial starts from the best so far, the others from
the settings given. So a search that goes on from its log ends as one that was never cut short.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tqdm import tqdm

from steadypose.benchmarks.trackers.contenders import run_ours
from steadypose.benchmarks.trackers.identity import merit, scene_sums
from steadypose.benchmarks.trackers.scenes import Scenes
from steadypose.benchmarks.trackers.scoring import MEASURES, measures
from steadypose.benchmarks.trackers.simulation import rng_for
from steadypose.benchmarks.writing import append_lines, plain
from steadypose.errors import ConfigError, InputError
from steadypose.trackers import TrackerSettings

Values = Mapping[str, Any]

_NOT_SEEN_HERE = frozenset(
    {
        "output_unconfirmed",
        "follow_s",
        "ask_again_s",
        "poor_pose_share",
        "doubtful_pose_share",
        "follow_match_similarity",
    }
)
"""Settings that make no difference where a detector looks at every frame, or say what is told."""

_CHANGED = 0.25
"""Share of the settings that a trial draws anew."""

_FACTOR = 2.0
"""They are drawn between the value given divided by this and times this, on a logarithmic scale."""

_REDRAWS = 1000


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Settings and how they did.

    Attributes:
        number: Of the trial; 0 has the settings given.
        merit: Mean over the frame rates of :func:`identity.merit`.
        settings: Values that are not the tracker's defaults.
        measures: By frame rate, the scores of all tuning videos.
    """

    number: int
    merit: float
    settings: Values
    measures: Mapping[str, Mapping[str, float]]


def tune(
    scenes: Mapping[str, Scenes], given: Values, trials: int, seed: int, log: Path, run: Values
) -> Trial:
    """Try settings, keep every result, and return the best.

    Args:
        scenes: Observed tuning videos by frame rate.
        given: The tracker's settings to begin with, where they are not its defaults.
        trials: How many settings are to be in the log in the end.
        seed: Of the draws.
        log: A line of JSON a trial; what it holds of the same search is not done again.
        run: What the search is: only lines with the same are gone on from, and it goes into each.

    Raises:
        InputError: The log is no log.
        OutputError: It cannot be written.
    """
    done = _read(log, run)[:trials]
    best = max(done, key=lambda trial: trial.merit, default=None)
    with tqdm(
        total=trials, initial=len(done), unit=" trials", disable=not sys.stderr.isatty()
    ) as bar:
        for number in range(len(done), trials):
            start = best.settings if best is not None and number % 2 else given
            values = given if number == 0 else drawn(start, seed, number)
            trial = _try(scenes, values, number)
            append_lines(log, [{**vars(trial), "search": dict(run)}])
            if best is None or trial.merit > best.merit:
                best = trial
            bar.set_postfix_str(f"best {best.merit:.2f}")
            bar.update()
    if best is None:
        raise InputError("--tune: no trial was asked for")
    return best


def drawn(start: Values, seed: int, number: int) -> dict[str, Any]:
    """Settings of a trial: some of those at the start drawn anew, within what the tracker takes."""
    rng = rng_for("trial", seed, number)
    for _ in range(_REDRAWS):
        values = {**start, **_changes(start, rng)}
        try:
            TrackerSettings(**values)
        except ConfigError:
            continue
        return values
    raise InputError("no settings near those given are valid")


def _changes(start: Values, rng: np.random.Generator) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields(TrackerSettings):
        if field.name in _NOT_SEEN_HERE or field.default is MISSING:
            continue
        value = start.get(field.name, field.default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if rng.random() < _CHANGED:
            factor = float(np.exp(rng.uniform(-1, 1) * np.log(_FACTOR)))
            if isinstance(field.default, int):
                found[field.name] = max(0, value + int(rng.integers(-1, 2)))
            else:
                found[field.name] = float(f"{value * factor:.3g}")
    return found


def _try(scenes: Mapping[str, Scenes], values: Values, number: int) -> Trial:
    settings, found, merits = TrackerSettings(**values), {}, []
    for rate, each in scenes.items():
        total = measures(scene_sums(each, run_ours(settings, each.observed)).sum(0))
        found[rate] = dict(zip(MEASURES, total.tolist(), strict=True))
        merits.append(merit(total, each.people))
    # As the log will have it, so that going on from it makes no difference.
    mean = plain(float(np.mean(merits)))
    return Trial(number=number, merit=mean, settings=plain(values), measures=plain(found))


def _read(log: Path, run: Values) -> list[Trial]:
    """Trials of the same search, in order, as far as none is missing."""
    if not log.exists():
        return []
    found: dict[int, Trial] = {}
    for place, line in enumerate(log.read_text(encoding="utf-8").splitlines(), 1):
        try:
            values = json.loads(line)
            search = values.pop("search")
            trial = Trial(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{log}: line {place} is no trial; choose another file") from error
        if search == json.loads(json.dumps(dict(run))):
            found[trial.number] = trial
    return [found[n] for n in takewhile(found.__contains__, count())]


def as_yaml(trial: Trial) -> str:
    """The settings as ``--config`` takes them, with how they did as a comment."""
    lines = [f"# trial {trial.number}, merit {trial.merit:.2f}"]
    lines += [f"# {rate}: {_scores(found)}" for rate, found in trial.measures.items()]
    settings = {"tracker": dict(trial.settings)} if trial.settings else {"tracker": {}}
    return "\n".join(lines) + "\n" + yaml.safe_dump(settings, sort_keys=False)


def _scores(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in found.items())
