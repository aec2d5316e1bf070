"""``python -m steadypose.benchmarks.posetrack``: the measurement of evaluation itself."""

from __future__ import annotations

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("posetrack")
