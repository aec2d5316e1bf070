"""Runs the sections asked for and reports what they find."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from steadypose.benchmarks import records
from steadypose.benchmarks.records import Origin
from steadypose.benchmarks.refiner import report
from steadypose.benchmarks.refiner.context import Context, Settings
from steadypose.benchmarks.refiner.figures import Figure
from steadypose.benchmarks.refiner.networks import Base, RefinerFile
from steadypose.benchmarks.refiner.people import load_test_data
from steadypose.benchmarks.refiner.sections import (
    ap,
    calibration,
    cost,
    int8,
    jitter,
    mistakes,
    parity,
    pck,
    presence,
    prior,
)
from steadypose.benchmarks.refiner.workbench import Workbench
from steadypose.benchmarks.writing import write_whole
from steadypose.errors import InputError

_PACKAGES = ("numpy", "onnxruntime", "opencv-python", "pycocotools")
_SECTIONS: dict[str, Callable[[Context], list[Figure]]] = {
    "ap": ap.measure,
    "pck": pck.measure,
    "mistakes": mistakes.measure,
    "jitter": jitter.measure,
    "prior": prior.measure,
    "calibration": calibration.measure,
    "presence": presence.measure,
    "cost": cost.measure,
    "parity": parity.measure,
    "int8": int8.measure,
}


def run(options: argparse.Namespace) -> int:
    """Measure, print the table, and write what was asked for."""
    with tempfile.TemporaryDirectory() as folder:
        model, compare = _exports(options, Path(folder))
        context = _context(options, model, compare)
        config, origin = _config(options, context), Origin.of(options, _PACKAGES)
        figures = []
        for name in options.sections:
            started = time.monotonic()
            found = _SECTIONS[name](context)
            spent = time.monotonic() - started
            print(f"{name}: {spent:.0f} s", file=sys.stderr, flush=True)
            figures += found
            # At once: a long run that is cut off leaves what it has.
            records.append(options.json, report.as_records(found, config), origin)
    text = report.markdown(report.as_records(figures, config), origin)
    print(text, end="")
    if options.markdown:
        write_whole(options.markdown, text)
    return 0


def _exports(options: argparse.Namespace, folder: Path) -> tuple[str, tuple[str, ...]]:
    """The file to measure and those to compare it with; a run's weights are exported first."""
    if not Path(options.model).is_dir():
        return options.model, tuple(options.compare)
    try:
        from steadypose.engines.refiner.export import export_refiner
        from steadypose.engines.refiner.training.finish import load_best
    except ImportError as error:
        raise InputError(
            f"{options.model}: exporting a run needs torch ({error}); name an .onnx file"
        ) from error
    model, record = load_best(Path(options.model))
    half, single = folder / "fp16.onnx", folder / "fp32.onnx"
    export_refiner(model, half, "fp16", record)
    export_refiner(model, single, "fp32", record)
    return str(half), (str(single), *options.compare)


def _context(options: argparse.Namespace, model: str, compare: tuple[str, ...]) -> Context:
    refiner = RefinerFile(model, options.threads, how=_how(options), int8=options.int8)
    bases = [Base(name, options.threads) for name in options.bases]
    return Context(
        bench=Workbench(refiner, bases, options.cache),
        data=load_test_data(options.data, options.coco, options.lsp, options.limit),
        settings=Settings(
            detector=options.detector,
            resamples=options.resamples,
            seed=options.seed,
            threads=options.threads,
            compare=compare,
        ),
    )


def _how(options: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(options, name) for name in ("flip", "given_weight", "keep_below")}


def _config(options: argparse.Namespace, context: Context) -> dict[str, Any]:
    """What a reader needs to know to do it again."""
    refiner, data = context.bench.refiner, context.data
    counts = {p.data: f"{len(set(p.pictures))} pictures, {len(p)} people" for p in data.sets}
    told: dict[str, Any] = {
        "model": Path(options.model).name,
        "sha256": refiner.sha256,
        "variant": refiner.variant,
        "precision": refiner.precision,
        "split": "test" if options.limit is None else f"part of test, {options.limit} pictures",
        "data": counts,
        **_how(options),
        "resamples": options.resamples,
        "seed": options.seed,
    }
    if data.chooser is not None and {"ap", "prior", "int8"} & set(options.sections):
        told["score_rules"] = {"base": context.base_rule, "refined": context.score_rule}
        for name, rules in (("base", context.base_rules), ("refined", context.score_rules)):
            told[f"validation_ap_{name}"] = {rule: round(ap, 2) for rule, ap in rules.items()}
    return told
