"""``python -m steadypose.benchmarks.peers``."""

from steadypose.benchmarks.command import run_alone

if __name__ == "__main__":
    run_alone("peers")
