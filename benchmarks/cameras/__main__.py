"""``python -m steadypose.benchmarks.cameras``: the same as ``steadypose bench cameras``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("cameras")
