"""Every error that Steadypose raises on purpose.

The command line turns each into one line on stderr and the exit code below, so a
message must name the file or field at fault and say what to do about it.
"""

from __future__ import annotations


class SteadyposeError(Exception):
    """Base of all errors raised on purpose; ``exit_code`` is what the command line returns."""

    exit_code = 2


class InputError(SteadyposeError):
    """A file, folder, argument or array given by the caller cannot be used (exit code 2)."""


class ConfigError(InputError):
    """A configuration key or value is unknown or out of range (exit code 2)."""


class ModelError(SteadyposeError):
    """A model file is missing, damaged, or not what its entry in the zoo promises (exit code 2)."""


class EngineError(SteadyposeError):
    """A network could not be loaded or run by the chosen run time (exit code 2)."""


class OutputError(SteadyposeError):
    """A result could not be written (exit code 2)."""


class SourceError(SteadyposeError):
    """A source failed after frames had come from it; what was tracked is kept (exit code 3)."""

    exit_code = 3


class StageError(SteadyposeError):
    """A stage of the pipeline raised something unforeseen.

    Args:
        stage: Name of the stage, e.g. ``"estimate"``.
        cause: What it raised; also set as ``__cause__`` by the pipeline.
    """

    exit_code = 3

    def __init__(self, stage: str, cause: BaseException) -> None:
        super().__init__(f"stage '{stage}' failed: {type(cause).__name__}: {cause}")
        self.stage = stage
