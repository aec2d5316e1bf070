"""A run written to files: results to sinks, the summary, and what is kept when it is cut short."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steadypose.errors import OutputError, SteadyposeError
from steadypose.skeletons import get_skeleton
from steadypose.stream.complaints import EXIT_DONE, EXIT_INTERRUPTED, complain
from steadypose.stream.interrupt import stop_on_signal
from steadypose.stream.pipeline import Pipeline, Run
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
from steadypose.stream.summary import RunSummary
from steadypose.stream.timing import Stopwatch
from steadypose.stream.window import Window


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """How a run ended: ``"done"``, ``"failed"`` or ``"interrupted"``."""

    name: str = "done"
    error: SteadyposeError | None = None

    @property
    def exit_code(self) -> int:
        if self.name == "interrupted":
            return EXIT_INTERRUPTED
        return EXIT_DONE if self.error is None else self.error.exit_code


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
        extras: Window, recording and broker.

    Returns:
        The exit code: 0 done, 2 not written, 3 a source or stage failed, 130 interrupted.

    Raises:
        OutputError: A file would replace the source itself, or cannot be begun.
    """
    run = pipeline.run(source)
    wanted = extras or Extras()
    sinks = _open_sinks(pipeline, source, folder, stem)
    try:
        sinks += _open_extras(source, stem, wanted)
    except SteadyposeError:
        for sink in sinks:
            sink.discard()
        raise
    summary = RunSummary(run)
    window = None
    if wanted.show:
        window = Window(source, draw_score=pipeline.config.output.draw_score)
    outcome = _drain(run, sinks, summary, window, limit=wanted.max_frames, quiet=quiet)
    return _finish(outcome, sinks, summary, folder / f"{stem}.summary.json", quiet=quiet)


def _open_sinks(pipeline: Pipeline, source: Source, folder: Path, stem: str) -> list[FileSink]:
    output = pipeline.config.output
    return make_sinks(
        output.formats,
        folder,
        source.info,
        stem=stem,
        skeleton=get_skeleton(output.skeleton),
        overlay=output.save_video,
        draw_score=output.draw_score,
    )


def _open_extras(source: Source, stem: str, wanted: Extras) -> list[FileSink]:
    sinks: list[FileSink] = []
    if wanted.mqtt:
        sinks.append(MqttSink(wanted.mqtt, source.info.name))
    if wanted.record is not None:
        sinks.append(RecordSink(wanted.record, stem, source.info, wanted.record_options))
    return sinks


def _drain(
    run: Run,
    sinks: list[FileSink],
    summary: RunSummary,
    window: Window | None,
    *,
    limit: int | None,
    quiet: bool,
) -> _Outcome:
    """Write every result; say how it ended. A window has this thread, the results another."""

    def work() -> SteadyposeError | None:
        return _write_all(run, sinks, summary, window, limit=limit, quiet=quiet)

    with stop_on_signal(run.stop) as asked:
        error = work() if window is None else _beside(window, run, work)
    if error is not None:
        return _Outcome(name="failed", error=error)
    return _Outcome(name="interrupted") if asked.is_set() else _Outcome()


def _write_all(
    run: Run,
    sinks: list[FileSink],
    summary: RunSummary,
    window: Window | None,
    *,
    limit: int | None,
    quiet: bool,
) -> SteadyposeError | None:
    """Write every result; the error that ended it, if there was one."""
    info = run.source.info
    progress = Progress(info.name, info.frames, quiet=quiet)
    try:
        for result in run:
            if window is not None:
                window.show(result)
            writing = Stopwatch()
            with writing.measure("write"):
                for sink in sinks:
                    sink.write(result)
            summary.add(result, writing)
            progress.update(len(result.poses))
            if summary.frames == limit:
                break
        run.close()
    except SteadyposeError as error:
        return error
    finally:
        progress.close()
    return None


def _beside(
    window: Window, run: Run, work: Callable[[], SteadyposeError | None]
) -> SteadyposeError | None:
    """Do the work on a thread of its own, while this one keeps the window alive."""
    ended: list[BaseException | None] = []

    def guarded() -> None:
        try:
            ended.append(work())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=guarded, name="steadypose-write")
    thread.start()
    try:
        window.loop(lambda: not thread.is_alive())
    finally:
        run.stop()
        thread.join()
    (error,) = ended
    if error is None or isinstance(error, SteadyposeError):
        return error
    raise error


def _finish(
    outcome: _Outcome, sinks: list[FileSink], summary: RunSummary, path: Path, *, quiet: bool
) -> int:
    """Complete the files, write the summary, tell the user."""
    report = summary.report(outcome.name, None if outcome.error is None else str(outcome.error))
    code = outcome.exit_code
    for sink in sinks:
        try:
            sink.close(report) if summary.frames else sink.discard()
        except OutputError as error:
            code = max(code, complain(str(error), error.exit_code))
    for warning in report["warnings"]:
        complain(f"warning: {warning}", code)
    if outcome.error is not None:
        complain(str(outcome.error), code)
    if outcome.name == "interrupted":
        complain(f"interrupted after {summary.frames} frames; they are on disk", code)
    if summary.frames:
        try:
            write_summary(path, report)
        except OutputError as error:
            code = max(code, complain(str(error), error.exit_code))
        if not quiet:
            _tell(report, sinks, path)
    return code


def _tell(report: dict[str, Any], sinks: list[FileSink], summary: Path) -> None:
    people = report["people"]
    print(
        f"{report['source']['name']}: {report['frames']} frames, {report['tracks']} people, "
        f"at most {people['per_frame_max']} at once, {report['fps']:g} frames/s"
    )
    for path in [*(path for sink in sinks for path in sink.paths), summary]:
        print(f"  {path}")
