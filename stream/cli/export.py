"""``steadypose export``: the best weights of a training run as an ONNX file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from steadypose.stream.cli.torch_check import need_torch
from steadypose.stream.complaints import EXIT_DONE


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "export",
        help="write a trained refiner as ONNX",
        description="Write the best weights of the training run in RUN_DIR as FILE, and a record "
        "of where they come from beside it (FILE with .json).",
    )
    parser.add_argument("folder", type=Path, metavar="RUN_DIR", help="folder of steadypose train")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--precision",
        choices=("fp16", "fp32"),
        default="fp16",
        help="of weights and activations [default %(default)s]",
    )
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Export and print what was written."""
    need_torch()
    from steadypose.engines.refiner.export import export_refiner
    from steadypose.engines.refiner.training.finish import load_best

    model, record = load_best(options.folder)
    beside = export_refiner(model, options.output, options.precision, record)
    size = options.output.stat().st_size / 1e6
    print(f"{options.output}: {model.variant} refiner, {options.precision}, {size:.1f} MB")
    print(f"{beside}: its record")
    if not record.get("calibrated"):
        print("scores are not calibrated: the run has not come to its end")
    return EXIT_DONE
