"""``python -m steadypose.benchmarks.throughput``: the same as ``steadypose bench throughput``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("throughput")
