"""``python -m steadypose.benchmarks.following``: the same as ``steadypose bench following``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("following")
