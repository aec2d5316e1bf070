"""``python -m steadypose.benchmarks.engines``: the same as ``steadypose bench engines``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("engines")
