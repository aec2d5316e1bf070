"""The options of ``steadypose bench engines``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from steadypose.stream.cli.options import positive

SECTIONS = {
    "latency": "milliseconds a batch on the host's clock and by the device's events; copies",
    "difference": "distance of joints to FP32 ONNX Runtime on the same crops of real people",
    "people": "detector, estimator and refiner on a frame with so many people",
    "soak": "memory of device and host over many batches",
}
"""Names of the parts that can be asked for, and what they measure."""

RUNTIMES = ("onnxruntime", "openvino", "tensorrt", "torch", "torch-graph", "torch-compile")
"""What can be compared; torch knows the refiners alone."""

_MODELS = ("refiner-fast", "refiner-accurate", "movenet-lightning", "movenet-thunder")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "models",
        nargs="*",
        default=list(_MODELS),
        metavar="MODEL",
        help="refiners, models of the zoo, or .onnx files of either kind "
        f"[default: {' '.join(_MODELS)}]",
    )
    what = parser.add_argument_group("what is measured")
    what.add_argument(
        "--sections",
        nargs="+",
        choices=list(SECTIONS),
        default=[name for name in SECTIONS if name != "soak"],
        metavar="S",
        help="; ".join(f"{n}: {t}" for n, t in SECTIONS.items()) + " [default: all but soak]",
    )
    what.add_argument(
        "--runtimes",
        nargs="+",
        choices=RUNTIMES,
        metavar="R",
        help=f"any of {', '.join(RUNTIMES)} [default: those that are at hand]",
    )
    what.add_argument(
        "--device", default="auto", metavar="D", help="of TensorRT and torch [%(default)s]"
    )
    what.add_argument(
        "--precision", default="fp16", metavar="P", help="of TensorRT: fp16 or fp32 [%(default)s]"
    )
    what.add_argument("--threads", type=positive, default=2, metavar="N", help="[%(default)s]")
    what.add_argument("--seed", type=int, default=0, metavar="N", help="of noise [%(default)s]")
    _add_sizes(parser)
    out = parser.add_argument_group("output")
    out.add_argument("--json", type=Path, metavar="FILE", help="append a line for each record")
    out.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables")


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    sizes = parser.add_argument_group("how much of it")
    sizes.add_argument(
        "--batches",
        nargs="+",
        type=positive,
        default=[1, 4, 8, 16, 32],
        metavar="N",
        help="[default: 1 4 8 16 32]",
    )
    sizes.add_argument("--rounds", type=positive, default=200, metavar="N", help="[%(default)s]")
    sizes.add_argument(
        "--warm", type=positive, default=20, metavar="N", help="calls before them [%(default)s]"
    )
    sizes.add_argument(
        "--people", type=positive, default=10, metavar="N", help="of the frame [%(default)s]"
    )
    sizes.add_argument(
        "--soak-batches", type=positive, default=10_000, metavar="N", help="[%(default)s]"
    )
    sizes.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="pictures of people for 'difference' and 'people' [default: the demo clip]",
    )
