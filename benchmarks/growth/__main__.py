"""``python -m steadypose.benchmarks.growth``: the same as ``steadypose bench growth``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("growth")
