"""What ``steadypose evaluate`` does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from steadypose._version import __version__
from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.evaluation import METRICS, Evaluation
from steadypose.benchmarks.posetrack.operating_points import OperatingPoint, tune, untuned
from steadypose.benchmarks.posetrack.pairs import Pairs
from steadypose.benchmarks.posetrack.scores import ProtocolName
from steadypose.benchmarks.posetrack.tables import clip_rows, result_text, table
from steadypose.configs import unknown
from steadypose.errors import ConfigError, InputError
from steadypose.skeletons import get_skeleton
from steadypose.stream.sinks.part_file import PartFile
from steadypose.stream.sinks.values import compact_json


def run(options: argparse.Namespace) -> int:
    """Evaluate what the options name, print it, and write the JSON file if asked."""
    metrics = _metrics(options.metric)
    only = tuple(filter(None, (options.sequences or "").split(",")))
    skeleton = get_skeleton(options.keypoints)
    pairs = Pairs(options.gt, options.pred, skeleton, only, by_name=options.order == "name")
    protocols: list[ProtocolName] = (
        ["official", "fixed"] if options.protocol == "both" else [options.protocol]
    )
    report: dict[str, Any] = {"steadypose": __version__, "protocols": {}}
    names = pairs.names()
    for protocol in protocols:
        points = _points(options, names, protocol)
        evaluations = evaluate(progress(pairs, len(names), protocol), points, metrics, protocol)
        _tell(protocol, points, evaluations, each=options.per_sequence)
        report["protocols"][protocol] = as_dict(points, evaluations)
    if options.json:
        write_json(options.json, report)
    return 0


def evaluate(
    pairs: Iterable[tuple[Clip, Clip]],
    points: Sequence[OperatingPoint],
    metrics: Sequence[str],
    protocol: ProtocolName,
) -> list[Evaluation]:
    """An evaluation for each operating point, with every pair read once."""
    evaluations = [Evaluation(metrics, protocol, point.threshold) for point in points]
    for truth, found in pairs:
        for evaluation in evaluations:
            evaluation.add(truth, found)
    return evaluations


def progress(
    pairs: Iterable[tuple[Clip, Clip]], count: int, name: str
) -> Iterator[tuple[Clip, Clip]]:
    """The pairs, with a bar of sequences and time left on a terminal."""
    bar = tqdm(pairs, name, count, unit=" sequences", disable=not sys.stderr.isatty(), leave=False)
    yield from bar


def as_dict(points: Sequence[OperatingPoint], evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """Everything, as plain values for JSON."""
    return {
        "points": [
            {
                "name": point.name,
                "threshold": point.threshold,
                "origin": point.origin,
                "total": evaluation.total().as_dict(),
                "sequences": {n: r.as_dict() for n, r in evaluation.clips.items()},
            }
            for point, evaluation in zip(points, evaluations, strict=True)
        ]
    }


def write_json(path: Path, values: Any) -> None:
    """Write JSON whole or not at all. Raises OutputError."""
    write_text(path, compact_json(values) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all. Raises OutputError."""
    file = PartFile(path)
    try:
        file.write(text)
        file.commit()
    finally:
        file.discard()


def _metrics(text: str) -> list[str]:
    metrics = [name for name in text.split(",") if name]
    for name in metrics:
        if name not in METRICS:
            raise ConfigError("--metric: " + unknown("metric", name, list(METRICS)))
    if not metrics:
        raise ConfigError(f"--metric: name some of {','.join(METRICS)}")
    return metrics


def _points(
    options: argparse.Namespace, names: list[str], protocol: ProtocolName
) -> list[OperatingPoint]:
    if (options.train_gt is None) != (options.train_pred is None):
        raise InputError("--train-gt and --train-pred: give both or neither")
    if options.train_gt is None:
        return untuned(options.mota_threshold)
    if options.mota_threshold is not None:
        raise InputError("--mota-threshold: not with --train-gt, which finds it")
    training = Pairs(options.train_gt, options.train_pred, get_skeleton(options.keypoints))
    return tune(progress(training, len(training.names()), "training"), names, protocol)


def _tell(
    protocol: str, points: list[OperatingPoint], evaluations: list[Evaluation], *, each: bool
) -> None:
    count = len(evaluations[0].clips)
    print(f"protocol {protocol}, {count} sequence{'s' * (count != 1)}")
    for point, evaluation in zip(points, evaluations, strict=True):
        print(f"\n{point}")
        if each:
            print(table(*clip_rows(evaluation.clips)) + "\n")
        print(result_text(evaluation.total()))
