"""A run written to files: results to sinks, the summary, and what is kept when it is cut short."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadypose.errors import OutputError, SteadyposeError
from steadypose.skeletons import get_skeleton
from steadypose.stream.complaints import EXIT_DONE, EXIT_INTERRUPTED, complain
from steadypose.stream.interrupt import stop_on_signal
from steadypose.stream.pipeline import Pipeline, Run
from steadypose.stream.progress import Progress
from steadypose.stream.records import Source
from steadypose.stream.sinks import FileSink, make_sinks, write_summary
from steadypose.stream.smoothing import smoothed
from steadypose.stream.summary import RunSummary
from steadypose.stream.timing import Stopwatch


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


def record(
    pipeline: Pipeline, source: Source, folder: Path, stem: str, *, quiet: bool = False
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

    Returns:
        The exit code: 0 done, 2 not written, 3 a source or stage failed, 130 interrupted.

    Raises:
        OutputError: A file would replace the source itself, or cannot be begun.
    """
    run = pipeline.run(source)
    sinks = _open_sinks(pipeline, source, folder, stem)
    summary = RunSummary(run)
    outcome = _drain(run, sinks, summary, quiet=quiet)
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


def _drain(run: Run, sinks: list[FileSink], summary: RunSummary, *, quiet: bool) -> _Outcome:
    """Write every result; say how it ended."""
    info = run.source.info
    progress = Progress(info.name, info.frames, quiet=quiet)
    with stop_on_signal(run.stop) as asked:
        try:
            for result in smoothed(run, run.room.smoother()):
                writing = Stopwatch()
                with writing.measure("write"):
                    for sink in sinks:
                        sink.write(result)
                summary.add(result, writing)
                progress.update(len(result.poses))
        except SteadyposeError as error:
            return _Outcome(name="failed", error=error)
        finally:
            progress.close()
    return _Outcome(name="interrupted") if asked.is_set() else _Outcome()


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
