"""``python -m steadypose.benchmarks.refiner``: the same as ``steadypose bench refiner``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("refiner")
