"""``python -m steadypose.benchmarks.latency``: the same as ``steadypose bench latency``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("latency")
