"""``steadypose engine build`` and ``verify``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from steadypose.configs import Config, load_config
from steadypose.engines.runtimes.gpu import Accelerator, find_accelerator
from steadypose.engines.tensorrt.cache import EngineCache, Stale
from steadypose.engines.tensorrt.device import find_gpu
from steadypose.engines.tensorrt.flavours import Flavour, find_flavour
from steadypose.engines.tensorrt.memory import open_memory
from steadypose.engines.tensorrt.obtain import key_of, obtain_engine, spec_of
from steadypose.engines.tensorrt.spec import BuildSpec
from steadypose.errors import ConfigError, EngineError, InputError, ModelError, SteadyposeError
from steadypose.stream.cli.engine_models import Wanted, read_pictures, wanted_models
from steadypose.stream.cli.engine_words import engine_line
from steadypose.stream.complaints import EXIT_DONE, EXIT_USAGE, complain

if TYPE_CHECKING:
    from pathlib import Path

    from steadypose.engines.tensorrt.samples import Samples

_MIB = 1 << 20
_BAR = "{desc} |{bar}| {percentage:.0f}%"


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What builds engines.

    Attributes:
        flavour: The TensorRT.
        runner: What then runs them; None where there is no GPU to do so, and none is needed.
        why_not: Why there is none.
    """

    flavour: Flavour
    runner: Accelerator | None = None
    why_not: str = ""


def build_all(options: argparse.Namespace) -> int:
    """Build each engine asked for; what is wrong with one is said in one line."""
    config = load_config(options.config)
    models = wanted_models(config, options.models)
    place = _building_place(options)
    people, worst = _People(None), EXIT_DONE
    for wanted in models:
        try:
            worst = max(
                worst, _build(wanted, _spec(wanted, config, options), place, people, options)
            )
        except SteadyposeError as error:
            worst = max(worst, complain(str(error), error.exit_code))
    return worst


def verify_all(options: argparse.Namespace) -> int:
    """Verify each engine asked for."""
    config = load_config(options.config)
    try:
        on = find_accelerator("cuda" if options.device == "auto" else options.device)
    except EngineError as error:
        raise EngineError(f"engines cannot be run here: {_reason(error)}") from error
    if on is None:
        raise ConfigError(f"--device {options.device}: engines run on a GPU; give cuda or cuda:N")
    people, worst, cache = _People(options.images), EXIT_DONE, EngineCache()
    for wanted in wanted_models(config, options.models):
        try:
            spec = spec_of(wanted.shapes, options.precision or config.runtime.precision)
            found = cache.find(key_of(wanted.path, spec, on.flavour, on.gpu), wanted.name)
            if found is None or isinstance(found, Stale):
                reason = f"its engine is {found.reason}" if found else "it has no engine"
                raise EngineError(
                    f"{wanted.name}: {reason}; run: steadypose engine build {wanted.given}"
                )
            worst = max(worst, _verify(cache, found, wanted, on, people))
        except SteadyposeError as error:
            worst = max(worst, complain(str(error), error.exit_code))
    return worst


def _building_place(options: argparse.Namespace) -> _Place:
    """Raises EngineError where there is no TensorRT, or no GPU for one that needs it."""
    flavour = find_flavour(None if options.flavour == "auto" else options.flavour)
    if flavour.rtx:
        for name, given, why in (
            ("--timing-cache", options.timing_cache, "measures nothing when it builds"),
            ("--hardware-compatible", options.hardware_compatible, "builds for all its GPUs"),
            ("--optimisation-level", options.optimisation_level is not None, "has no such choice"),
        ):
            if given:
                raise ConfigError(f"{name}: {flavour} {why}; leave it out")
    try:
        gpu = find_gpu(options.device)
        if not flavour.runs_on(gpu.capability):
            raise EngineError(f"{flavour} has no kernels for {gpu}")
        memory = open_memory(gpu)
        runner = Accelerator(gpu=gpu, flavour=flavour, memory=memory, insisted=True)
        return _Place(flavour=flavour, runner=runner)
    except EngineError as error:
        if flavour.rtx and options.device == "auto":
            return _Place(flavour=flavour, why_not=_reason(error))
        raise EngineError(f"{flavour} cannot build here: {_reason(error)}") from error


def _reason(error: EngineError) -> str:
    """Why there is no GPU, without the advice for those who track."""
    return str(error).removesuffix(", or use --device cpu")


def _spec(wanted: Wanted, config: Config, options: argparse.Namespace) -> BuildSpec:
    spec = spec_of(wanted.shapes, options.precision or config.runtime.precision)
    return replace(
        spec,
        batches=options.batch or spec.batches,
        workspace_bytes=options.workspace * _MIB if options.workspace else spec.workspace_bytes,
        version_compatible=options.version_compatible,
        ampere_plus=options.hardware_compatible,
        optimisation_level=options.optimisation_level,
    )


def _build(
    wanted: Wanted, spec: BuildSpec, place: _Place, people: _People, options: argparse.Namespace
) -> int:
    cache, bar, runner = EngineCache(), _Bar(), place.runner
    try:
        path, manifest = obtain_engine(
            wanted.path,
            spec,
            place.flavour,
            runner.gpu if runner else None,
            memory=runner.memory if runner else None,
            cache=cache,
            timings=options.timing_cache is not False,
            exact=True,
            force=options.force,
            report=lambda line: print(line, file=sys.stderr, flush=True),
            progress=bar,
        )
    finally:
        bar.close()
    print(engine_line(path, manifest, at_hand=not bar.told), flush=True)
    if runner is None:
        if bar.told:
            print(f"{wanted.name}: not verified: {place.why_not}", file=sys.stderr)
        return EXIT_DONE
    if manifest.verified is not None:
        return EXIT_DONE
    try:
        return _verify(cache, path, wanted, runner, people)
    except (InputError, ModelError) as error:
        print(f"{wanted.name}: not verified: {error}", file=sys.stderr)
        return EXIT_DONE


def _verify(
    cache: EngineCache, plan: Path, wanted: Wanted, on: Accelerator, people: _People
) -> int:
    """Compare an engine with its network, record how, and say so."""
    from steadypose.engines.tensorrt.agreement import compare
    from steadypose.engines.tensorrt.verify import summary

    verified = compare(plan, cache.manifest(plan), wanted.path, on, people.samples())
    cache.record_verified(plan, verified)
    verdict = "agrees" if verified.ok else "does not agree"
    print(f"{wanted.name}: {verdict} with FP32 on the processor: {summary(verified)}", flush=True)
    return EXIT_DONE if verified.ok else EXIT_USAGE


class _People:
    """People to compare engines on, found when they are first needed."""

    def __init__(self, source: str | None) -> None:
        self._source = source
        self._found: Samples | None = None

    def samples(self) -> Samples:
        from steadypose.engines.tensorrt.samples import find_people

        if self._found is None:
            self._found = find_people(read_pictures(self._source))
        return self._found


class _Bar:
    """How far a build is, on a terminal.

    Attributes:
        told: Whether anything was built.
    """

    def __init__(self) -> None:
        self.told = False
        self._bar: tqdm[Any] | None = None

    def __call__(self, what: str, share: float | None) -> None:
        self.told = True
        if not sys.stderr.isatty():
            return
        bar = self._bar or tqdm(total=1.0, bar_format=_BAR, leave=False)
        self._bar = bar
        bar.set_description_str(what, refresh=False)
        if share is not None:
            bar.n = share
        bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
