"""``python -m steadypose.benchmarks.render``: the same as ``steadypose bench render``."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("render")
