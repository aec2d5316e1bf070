"""What ``steadypose posetrack`` does: track, find thresholds, evaluate, report."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from steadypose._version import __version__
from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.evaluate import evaluate, write_json
from steadypose.benchmarks.posetrack.formats import read_clips, write_clip
from steadypose.benchmarks.posetrack.operating_points import OperatingPoint, tune, untuned
from steadypose.benchmarks.posetrack.plots import MOST_TIMELINES
from steadypose.benchmarks.posetrack.report import Compared, tell, write_report
from steadypose.benchmarks.posetrack.scores import ProtocolName
from steadypose.benchmarks.posetrack.submission import write_submission
from steadypose.benchmarks.posetrack.track_tree import track
from steadypose.benchmarks.posetrack.tree import Tree
from steadypose.benchmarks.posetrack.variants import rooms
from steadypose.configs import Config, load_config
from steadypose.engines.refiner.data.reading import read_json
from steadypose.errors import ConfigError, InputError, OutputError
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.progress import Progress

PAPER_THRESHOLD = 0.7
"""``refine_threshold`` of PoseRefiner for MOTA (arXiv 1804.07909), where nothing was tuned."""
METRICS = ("ap", "mota", "hota", "box")


def run(options: argparse.Namespace) -> int:
    """Run the benchmark over a tree; 0 when all is done.

    Raises:
        InputError: A sequence cannot be used; those before it are kept.
    """
    if not (np.isfinite(options.fps) and options.fps > 0):
        raise ConfigError(f"--fps: expected a number above 0, got {options.fps}")
    only = tuple(filter(None, (options.sequences or "").split(",")))
    tree = Tree.find(options.root, options.split, only)
    if options.check:
        return _check(tree)
    overrides = {"runtime": {"device": options.device}} if options.device else {}
    job = Job.begin(options, load_config(options.config, overrides))
    variants = tuple(filter(None, options.variants.split(",")))
    training = _training(options, tree)
    engines = rooms(job.config, variants, annotated_boxes=job.annotated_boxes)
    for name, room in engines.items():
        for part in (training, tree):
            if part is not None:
                job.track_all(part, name, room)
    _evaluate_all(job, tree, training, variants, options)
    return 0


def _check(tree: Tree) -> int:
    """Read every sequence; InputError for the first that is broken."""
    for file in tree.files:
        sequence = tree.read(file)
        images = sequence.clip.images
        print(
            f"{file.stem}: {len(images)} images, {int(images.labelled.sum())} labelled, "
            f"{len(sequence.clip.persons)} persons"
        )
    return 0


def _training(options: argparse.Namespace, tree: Tree) -> Tree | None:
    """Evenly chosen training sequences, where the tree has some."""
    if options.train_sequences < 1 or options.train_split == options.split:
        return None
    try:
        whole = Tree.find(options.root, options.train_split)
    except InputError:
        return None
    files = [file for file in whole.files if file.stem not in tree.names]
    rows = np.unique(np.linspace(0, len(files) - 1, options.train_sequences).round().astype(int))
    return Tree(whole.root, tuple(files[row] for row in rows)) if files else None


@dataclass(frozen=True)
class Job:
    """A folder of results, and the settings that they were made with.

    Attributes:
        folder: ``<variant>/<sequence>.json`` and the reports.
        config: Settings of the pipeline.
        annotated_boxes: Whether people are looked for in the annotated boxes.
        fps: Frames per second of the sequences.
        quiet: Show nothing.
    """

    folder: Path
    config: Config
    annotated_boxes: bool
    fps: float
    quiet: bool

    @classmethod
    def begin(cls, options: argparse.Namespace, config: Config) -> Job:
        """Make the folder, or go on with one that was made with the same settings.

        Raises:
            InputError: The folder holds results of other settings.
            OutputError: It cannot be written.
        """
        job = cls(options.output, config, options.boxes == "gt", options.fps, options.quiet)
        path, wanted = job.folder / "settings.json", job.settings()
        if path.exists():
            if read_json(path) != wanted:
                raise InputError(
                    f"{path}: results of other settings are in this folder; choose another with -o"
                )
            return job
        try:
            job.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{job.folder}: cannot be made: {error.strerror}") from error
        write_json(path, wanted)
        return job

    def settings(self) -> dict[str, Any]:
        """What the results depend on, as plain values."""
        values = _plain(asdict(self.config))
        return {
            "steadypose": __version__,
            "boxes": "gt" if self.annotated_boxes else "detector",
            "fps": self.fps,
            "settings": values,
        }

    def path(self, variant: str, name: str) -> Path:
        """Where the predictions for a sequence are."""
        return self.folder / variant / f"{name}.json"

    def track_all(self, tree: Tree, variant: str, room: EngineRoom) -> None:
        """Track what is not done yet. Raises InputError for the first sequence that is broken."""
        for number, file in enumerate(tree.files, 1):
            path = self.path(variant, file.stem)
            if path.exists():
                continue
            sequence = tree.read(file)
            title = f"{variant} {number}/{len(tree.files)} {file.stem}"
            bar = Progress(title, len(sequence.pictures), quiet=self.quiet)
            try:
                clip = track(
                    sequence,
                    room,
                    annotated_boxes=self.annotated_boxes,
                    fps=self.fps,
                    notice=bar.update,
                )
            finally:
                bar.close()
            path.parent.mkdir(parents=True, exist_ok=True)
            write_clip(clip, path, "posetrack18")

    def predictions(self, tree: Tree, variant: str) -> Iterator[Clip]:
        """What was predicted, sequence by sequence."""
        for name in tree.names:
            yield read_clips(self.path(variant, name))[0]

    def pairs(self, tree: Tree, variant: str) -> Iterator[tuple[Clip, Clip]]:
        """Truth and predictions, sequence by sequence."""
        for file, found in zip(tree.files, self.predictions(tree, variant), strict=True):
            yield read_clips(file)[0], found


def _evaluate_all(
    job: Job,
    tree: Tree,
    training: Tree | None,
    variants: tuple[str, ...],
    options: argparse.Namespace,
) -> None:
    """Evaluate every variant at both operating points; write submissions and the report."""
    protocols: tuple[ProtocolName, ...] = (
        ("official", "fixed") if options.protocol == "both" else (options.protocol,)
    )
    annotated = any(len(read_clips(file)[0].persons) for file in tree.files)
    compared = []
    for protocol in protocols:
        for variant in variants:
            points = _points(job, tree, training, variant, protocol)
            if protocol == protocols[0]:
                _submit(job, tree, variant, points)
            if annotated:
                done = evaluate(job.pairs(tree, variant), points, METRICS, protocol)
                compared += [
                    Compared(protocol, variant, *each) for each in zip(points, done, strict=True)
                ]
    if not annotated:
        print(
            f"split {options.split} has no annotated people: nothing to evaluate; the submissions "
            f"are in {job.folder}"
        )
        return
    last = list(islice(job.pairs(tree, variants[-1]), MOST_TIMELINES))
    write_report(job.folder, compared, last, job.settings() | {"split": options.split})
    if not options.quiet:
        tell(job.folder, compared)


def _points(
    job: Job, tree: Tree, training: Tree | None, variant: str, protocol: ProtocolName
) -> list[OperatingPoint]:
    """Thresholds found on training sequences; else those of the paper for what is refined."""
    if training is not None:
        return tune(job.pairs(training, variant), tree.names, protocol)
    if variant == "base":
        return [OperatingPoint(name, None, "not tuned") for name in ("mAP", "MOTA")]
    return untuned(PAPER_THRESHOLD, "not tuned, the PoseRefiner paper's")


def _submit(job: Job, tree: Tree, variant: str, points: list[OperatingPoint]) -> None:
    for point in points:
        path = job.folder / f"submission-{variant}-{point.name}.zip"
        write_submission(job.predictions(tree, variant), path, point.threshold)


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value
