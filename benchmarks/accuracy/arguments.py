"""The options of ``steadypose bench accuracy``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("annotations", type=Path, help="COCO person_keypoints JSON")
    parser.add_argument("images", type=Path, help="folder of its pictures")
    parser.add_argument("--runtime", default="onnxruntime")
    parser.add_argument("--device", default="cpu", help="cpu, auto, cuda or cuda:N [%(default)s]")
    parser.add_argument("--estimators", nargs="*", default=["movenet-thunder", "movenet-lightning"])
    parser.add_argument("--detectors", nargs="*", default=["picodet-s-416", "picodet-s"])
    parser.add_argument("--json", type=Path, help="append the records to this file, a line each")
