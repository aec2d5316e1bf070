"""How far a build is, where TensorRT tells (10 and later)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from steadypose.engines.tensorrt.flavours import Flavour

_STEP = 0.01


class Progress:
    """Passes on how much of the outermost phase is done, and keeps what the listener raises.

    Args:
        report: Called with ``what`` and the share that is done, at most once per hundredth.
        what: What is being done.
    """

    def __init__(self, report: Callable[[str, float | None], None], what: str) -> None:
        self._report, self._what = report, what
        self._outermost, self._last = "", -1.0
        self._steps: dict[str, int] = {}  # of the outermost phase and of those right inside it
        self._done = 0  # of the outermost phase's steps
        self._raised: BaseException | None = None
        # TensorRT may hold the monitor no longer than the configuration that it was given to.
        self.monitor: Any = None

    def started(self, phase: str, parent: str | None, steps: int) -> None:
        """A phase begins."""
        if not parent:
            self._outermost, self._done = phase, 0
            self._steps.clear()
        if not parent or parent == self._outermost:
            self._steps[phase] = max(steps, 1)

    def stepped(self, phase: str, step: int) -> bool:
        """A step of a phase is done; False stops the build."""
        if phase in self._steps:
            share = (step + 1) / self._steps[phase]
            if phase == self._outermost:
                self._done, share = step + 1, 0.0
            self.tell(min((self._done + share) / self._steps[self._outermost], 1.0))
        return self._raised is None

    def finished(self, phase: str) -> None:
        """A phase ends; it need not have told of its last step."""
        if phase == self._outermost:
            self.tell(1.0)

    def tell(self, done: float | None) -> None:
        """Report, unless it is too little news; an exception waits for ``finish``."""
        if self._raised is not None:
            return
        if done is not None:
            if done <= self._last or (done < 1 and done - self._last < _STEP):
                return
            self._last = done
        # An exception must not pass through TensorRT's own frames, KeyboardInterrupt included.
        try:
            self._report(self._what, done)
        except BaseException as error:  # raised again by finish
            self._raised = error

    def finish(self) -> None:
        """Raise what the listener has raised."""
        if self._raised is not None:
            raise self._raised


def attach_progress(
    config: Any, flavour: Flavour, report: Callable[[str, float | None], None], what: str
) -> Progress:
    """Report the build that ``config`` is used for.

    TensorRT before version 10 tells nothing: then the start is all that is reported.
    """
    progress = Progress(report, what)
    if hasattr(flavour.module, "IProgressMonitor") and hasattr(config, "progress_monitor"):
        progress.monitor = _monitor(flavour.module, progress)
        config.progress_monitor = progress.monitor
    progress.tell(None)
    return progress


def _monitor(module: Any, progress: Progress) -> Any:
    class Monitor(module.IProgressMonitor):  # type: ignore[misc]  # known when it is imported
        def __init__(self) -> None:
            module.IProgressMonitor.__init__(self)

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            progress.started(phase, parent, steps)

        def phase_finish(self, phase: str) -> None:
            progress.finished(phase)

        def step_complete(self, phase: str, step: int) -> bool:
            return progress.stepped(phase, step)

    return Monitor()
