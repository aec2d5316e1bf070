"""TensorRT's log: one logger for each of its modules, heard when something goes wrong.

TensorRT takes the first logger that a process hands it for good and ignores all later ones.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

_LOG = logging.getLogger("steadypose.tensorrt")
_loggers: dict[Any, Any] = {}
_guard = threading.Lock()
_listeners: list[list[str]] = []


def logger_of(module: Any) -> Any:
    """The process's only logger for ``module``; hand it to every builder, parser and runtime.

    Errors and warnings go to Python's logger ``steadypose.tensorrt`` at debug level: what they say
    reaches the user as the message of an EngineError.
    """
    with _guard:
        if module not in _loggers:
            _loggers[module] = _make(module)
        return _loggers[module]


@contextlib.contextmanager
def heard_errors() -> Iterator[list[str]]:
    """Errors that TensorRT logs while the context is open, one line each, oldest first.

    TensorRT logs from threads of its own, so what another build logs meanwhile is heard too.
    """
    lines: list[str] = []
    with _guard:
        _listeners.append(lines)
    try:
        yield lines
    finally:
        with _guard:  # by identity: two empty lists are equal
            _listeners[:] = [other for other in _listeners if other is not lines]


def one_line(text: object, limit: int = 400) -> str:
    """The text without line breaks, cut at ``limit`` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _make(module: Any) -> Any:
    severity = module.ILogger.Severity
    failures = (severity.INTERNAL_ERROR, severity.ERROR)

    class Logger(module.ILogger):  # type: ignore[misc]  # its base is known when it is imported
        def __init__(self) -> None:
            module.ILogger.__init__(self)

        def log(self, level: Any, text: str) -> None:
            if level in failures:
                for lines in list(_listeners):
                    lines.append(one_line(text))
            if level in failures or level == severity.WARNING:
                _LOG.debug("%s", one_line(text))

    return Logger()
