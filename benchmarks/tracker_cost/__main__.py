"""``python -m steadypose.benchmarks.tracker_cost`` is ``steadypose bench tracker-cost``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("tracker-cost")
