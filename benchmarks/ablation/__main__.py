"""``python -m steadypose.benchmarks.ablation``: the same as ``steadypose bench ablation``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("ablation")
