"""The options of ``steadypose bench refiner``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from steadypose.configs import RefinerConfig
from steadypose.stream.cli.options import positive

SECTIONS = {
    "ap": "COCO AP, ground-truth and detected boxes",
    "pck": "LSPet PCK@0.2 of the torso, each joint",
    "mistakes": "inversions, swaps onto a neighbour, joints made worse",
    "jitter": "how much joints move when the crop does",
    "prior": "what a right prior recovers and a wrong one costs",
    "calibration": "whether the probabilities hold",
    "presence": "whether the score tells that nobody is there",
    "cost": "time a person against the base network",
    "parity": "FP16, FP32 and torch against one another",
    "int8": "what ways to quantise to INT8 cost and gain on the CPU",
}
"""Names of the parts that can be asked for, and what they measure."""

USUAL = tuple(name for name in SECTIONS if name != "int8")
"""Those that are measured unless others are asked for: ways to quantise take long."""

BASES = ("movenet-lightning", "movenet-thunder", "movenet-multipose")
WHOLE = "@512"
"""After a base's name: its crop is as large as a picture letterboxed to 512 px shows people."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a shipped refiner's name, an .onnx file, or a training run's folder, which is "
        "exported first",
    )
    _add_data(parser)
    _add_scope(parser)
    out = parser.add_argument_group("output")
    out.add_argument("--json", type=Path, metavar="FILE", help="append a line for each figure")
    out.add_argument("--markdown", type=Path, metavar="FILE", help="write the table")
    out.add_argument(
        "--cache", type=Path, metavar="DIR", help="keep what the base networks find, to run again"
    )


def _add_data(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data, of which only the test split is measured on")
    data.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder with coco_mp/ and lspet/ [default: STEADYPOSE_DATA]",
    )
    data.add_argument("--coco", nargs=2, type=Path, metavar=("JSON", "IMAGES"))
    data.add_argument("--lsp", type=Path, metavar="DIR", help="LSP or LSPet")
    data.add_argument(
        "--limit", type=positive, metavar="N", help="pictures of each data set [default: all]"
    )


def _add_scope(parser: argparse.ArgumentParser) -> None:
    scope = parser.add_argument_group("what is measured")
    scope.add_argument(
        "--sections", nargs="+", choices=list(SECTIONS), default=list(USUAL), metavar="S",
        help="; ".join(f"{name}: {text}" for name, text in SECTIONS.items())
        + " [default: all but int8]",
    )  # fmt: skip
    scope.add_argument(
        "--bases",
        nargs="+",
        default=[*BASES, f"movenet-multipose{WHOLE}"],
        metavar="B",
        help=f"estimators to refine; with {WHOLE} people are seen as in a whole picture, for 'ap' "
        f"[default: {' '.join(BASES)} movenet-multipose{WHOLE}]",
    )
    scope.add_argument(
        "--detector", default="picodet-s", metavar="D", help="of detected boxes [%(default)s]"
    )
    scope.add_argument(
        "--compare",
        nargs="+",
        default=[],
        metavar="FILE",
        help="exports of the same weights in other precisions, for 'parity'",
    )
    scope.add_argument("--flip", action="store_true", help="refine the mirrored crop too")
    scope.add_argument(
        "--int8",
        action="store_true",
        help="measure MODEL's file in INT8, as the processor runs it, not MODEL in FP32",
    )
    scope.add_argument(
        "--given-weight",
        type=float,
        default=RefinerConfig().given_weight,
        metavar="W",
        help="weight of a joint's place before, where the refiner has it near by [%(default)s]",
    )
    scope.add_argument(
        "--keep-below",
        type=float,
        default=RefinerConfig().keep_below,
        metavar="P",
        help="probability below which joints are not moved far [%(default)s]",
    )
    scope.add_argument("--resamples", type=positive, default=500, metavar="N", help="[%(default)s]")
    scope.add_argument("--threads", type=positive, default=2, metavar="N", help="[%(default)s]")
    scope.add_argument("--seed", type=int, default=0, help="of resamples, priors, crops [0]")
