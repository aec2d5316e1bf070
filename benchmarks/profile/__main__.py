"""``python -m steadypose.benchmarks.profile``: the same as ``steadypose bench profile``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("profile")
