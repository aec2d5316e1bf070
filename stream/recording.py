"""A run written to files: results to sinks, the summary, and what is kept when it is cut short."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from steadypose.errors import OutputError, SteadyposeError
from steadypose.skeletons import get_skeleton
from steadypose.stream.complaints import EXIT_DONE, EXIT_INTERRUPTED, complain
from steadypose.stream.interrupt import stop_on_signal
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.progress import Progress
from steadypose.stream.records import Source
from steadypose.stream.sinks import (
    FileSink,
    MqttSink,
    RecordOptions,
    RecordSink,
    make_sinks,
    write_summary,
)
from steadypose.stream.smoothing import smoothed
from steadypose.stream.stages import stage
from steadypose.stream.summary import RunSummary, Summarised
from steadypose.stream.timing import Stopwatch
from steadypose.stream.window import Window


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What became of a run.

    Attributes:
        outcome: ``"done"``, ``"failed"`` or ``"interrupted"``.
        reason: Why it failed, in one line; else ``""``.
        exit_code: 0 done, 2 not written, 3 a source or stage failed, 130 interrupted.
        report: The summary.
        complaints: All that the user should be told of, a line each.
        paths: The files; empty where not a single frame was tracked.
        error: What ended the run.
    """

    outcome: str
    reason: str
    exit_code: int
    report: Mapping[str, Any]
    complaints: tuple[str, ...]
    paths: tuple[Path, ...]
    error: SteadyposeError | None = None


class Watcher(Protocol):
    """Told of every frame that is done."""

    def update(self, people: int) -> None:
        """One more frame is done, with so many people in it."""
        ...


@dataclass(kw_only=True)
class _Ending:
    """How a run ends, as far as it is known; the first reason to fail stays."""

    outcome: str = "done"
    error: SteadyposeError | None = None
    exit_code: int = EXIT_DONE
    complaints: list[str] = field(default_factory=list)

    def fail(self, error: SteadyposeError) -> None:
        self.complaints.append(str(error))
        self.exit_code = max(self.exit_code, error.exit_code)
        if self.outcome == "done":
            self.outcome, self.error = "failed", error


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What a run is given to beside its files.

    Attributes:
        show: Open a window.
        record: Folder of the recording, which exists; None for none.
        record_options: How it is cut and kept.
        mqtt: URL of a broker and topic; ``""`` for none.
        max_frames: End after so many results; None for no limit. A live source drops frames, so
            that its own limit would end the run sooner.
    """

    show: bool = False
    record: Path | None = None
    record_options: RecordOptions = field(default_factory=RecordOptions)
    mqtt: str = ""
    max_frames: int | None = None


def record(
    pipeline: Pipeline,
    source: Source,
    folder: Path,
    stem: str,
    *,
    quiet: bool = False,
    extras: Extras | None = None,
) -> int:
    """Track a source and write what the settings ask for into ``folder``.

    Files are complete and valid however the run ends: at its end, when the source or a stage
    fails, or at SIGINT and SIGTERM.

    Args:
        pipeline: The networks and settings.
        source: Where the frames come from; closed at the end.
        folder: Where the files go; it exists.
        stem: What they are called after.
        quiet: Print nothing but errors.
        extras: What the results are given to beside the files.

    Returns:
        The exit code: 0 done, 2 not written, 3 a source or stage failed, 130 interrupted.

    Raises:
        OutputError: A file would replace the source itself, or cannot be begun.
    """
    progress = Progress(source.info.name, source.info.frames, quiet=quiet)
    try:
        run = pipeline.run(source)
        recorded = write_results(run, folder, stem, watcher=progress, extras=extras)
    finally:
        progress.close()
    for line in recorded.complaints:
        complain(line, recorded.exit_code)
    if recorded.paths and not quiet:
        _tell(recorded)
    return recorded.exit_code


def write_results(
    run: Summarised,
    folder: Path,
    stem: str,
    *,
    watcher: Watcher,
    notes: Callable[[], Mapping[str, Any]] | None = None,
    extras: Extras | None = None,
) -> Recorded:
    """Write every result of a run, then its summary, which is thereby the last file to appear.

    Args:
        run: The results, iterated once.
        folder: Where the files go; made where it is missing.
        stem: What they are called after.
        watcher: Told of every frame.
        notes: Makes further entries of the summary when all else is written.
        extras: What the results are given to beside the files.

    Raises:
        OutputError: A file would replace one that is not ours, or cannot be begun.
    """
    wanted = extras or Extras()
    sinks = _open_sinks(run, folder, stem)
    try:
        sinks += _open_extras(run.source, stem, wanted)
    except SteadyposeError:
        for sink in sinks:
            sink.discard()
        raise
    summary = RunSummary(run)
    try:
        ending = _drain(run, sinks, summary, watcher, wanted)
    except BaseException:
        for sink in sinks:
            sink.discard()
        raise
    report = summary.report(ending.outcome, None if ending.error is None else str(ending.error))
    for sink in sinks:
        try:
            sink.close(report) if summary.frames else sink.discard()
        except OutputError as error:
            ending.fail(error)
    ending.complaints[:0] = [f"warning: {line}" for line in report["warnings"]]
    if ending.outcome == "interrupted":
        ending.complaints.append(f"interrupted after {summary.frames} frames; they are on disk")
    paths = [path for sink in sinks for path in sink.paths] if summary.frames else []
    reason = "" if ending.error is None else str(ending.error)
    report |= {"outcome": ending.outcome, "reason": reason or None}
    report |= {"files": {path.name: size_of(path) for path in paths if path.exists()}}
    report |= notes() if notes else {}
    if summary.frames:
        paths.append(folder / f"{stem}.summary.json")
        try:
            write_summary(paths[-1], report)
        except OutputError as error:
            ending.fail(error)
    return Recorded(
        outcome=ending.outcome,
        reason=reason if ending.error is None else str(ending.error),
        exit_code=ending.exit_code,
        report=report,
        complaints=tuple(ending.complaints),
        paths=tuple(paths),
        error=ending.error,
    )


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(inner.stat().st_size for inner in path.rglob("*") if inner.is_file())
    return path.stat().st_size


def _open_sinks(run: Summarised, folder: Path, stem: str) -> list[FileSink]:
    output = run.room.config.output
    return make_sinks(
        output.formats,
        folder,
        run.source.info,
        stem=stem,
        skeleton=get_skeleton(output.skeleton),
        overlay=output.save_video,
        draw_score=output.draw_score,
        blur=output.blur,
        crops=output.crops,
    )


def _open_extras(source: Source, stem: str, wanted: Extras) -> list[FileSink]:
    sinks: list[FileSink] = []
    if wanted.mqtt:
        sinks.append(MqttSink(wanted.mqtt, source.info.name))
    if wanted.record is not None:
        sinks.append(RecordSink(wanted.record, stem, source.info, wanted.record_options))
    return sinks


def _drain(
    run: Summarised,
    sinks: list[FileSink],
    summary: RunSummary,
    watcher: Watcher,
    wanted: Extras,
) -> _Ending:
    """Write every result; say how it ended. A window has this thread, the results another."""
    window = None
    if wanted.show:
        window = Window(run.source, draw_score=run.room.config.output.draw_score)

    def work() -> None:
        for result in smoothed(run, run.room.smoother()):
            if window is not None:
                window.show(result)
            writing = Stopwatch()
            with stage("write"), writing.measure("write"):
                for sink in sinks:
                    sink.write(result)
            summary.add(result, writing)
            watcher.update(len(result.poses))
            if summary.frames == wanted.max_frames:
                run.stop()
                break

    ending = _Ending()
    with stop_on_signal(run.stop) as asked:
        try:
            work() if window is None else window.beside(work, run.stop)
        except SteadyposeError as error:
            ending.fail(error)
    if ending.error is None and asked.is_set():
        ending.outcome, ending.exit_code = "interrupted", EXIT_INTERRUPTED
    return ending


def _tell(recorded: Recorded) -> None:
    report = recorded.report
    people = report["people"]
    print(
        f"{report['source']['name']}: {report['frames']} frames, {report['tracks']} people, "
        f"at most {people['per_frame_max']} at once, {report['fps']:g} frames/s"
    )
    for path in recorded.paths:
        print(f"  {path}")
