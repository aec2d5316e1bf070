"""``python -m steadypose.benchmarks.batch``: the same as ``steadypose bench batch``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("batch")
