"""``python -m steadypose.benchmarks.accuracy``: the same as ``steadypose bench accuracy``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("accuracy")
