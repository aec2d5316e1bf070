"""``python -m steadypose.benchmarks.trackers``."""

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("trackers")
