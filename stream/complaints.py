"""Exit codes, and the one form in which the user is told what went wrong."""

from __future__ import annotations

import sys

EXIT_DONE, EXIT_USAGE, EXIT_INTERRUPTED = 0, 2, 130


def complain(message: str, code: int) -> int:
    """Print one line on stderr, however the message was broken; returns the exit code."""
    print("steadypose: " + " ".join(message.split()), file=sys.stderr)
    return code
