"""``steadypose export``: the best weights of a training run as ONNX, and those in INT8."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from steadypose.errors import InputError
from steadypose.stream.cli.refiner_data import add_data
from steadypose.stream.cli.torch_check import need_torch
from steadypose.stream.complaints import EXIT_DONE


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "export",
        help="write a trained refiner as ONNX",
        description="Write the best weights of the training run in RUN_DIR as FILE, and a record "
        "of where they come from beside it (FILE with .json). With --precision int8 an exported "
        "refiner is quantised with people of the validation split: it is for the processor, which "
        "takes it where it lies beside refiner.onnx as refiner-int8.onnx.",
    )
    parser.add_argument(
        "source",
        metavar="RUN_DIR",
        help="folder of steadypose train; for int8 an exported .onnx file, or a shipped refiner",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--precision",
        choices=("fp16", "fp32", "int8"),
        default="fp16",
        help="of weights and activations [default %(default)s]",
    )
    data = parser.add_argument_group("people that int8 is calibrated with, at least one data set")
    add_data(data, estimates_needed=False)
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Export and print what was written."""
    if options.precision == "int8":
        return _quantise(options)
    need_torch()
    from steadypose.engines.refiner.export import export_refiner
    from steadypose.engines.refiner.training.finish import load_best

    model, record = load_best(Path(options.source))
    beside = export_refiner(model, options.output, options.precision, record)
    size = options.output.stat().st_size / 1e6
    print(f"{options.output}: {model.variant} refiner, {options.precision}, {size:.1f} MB")
    print(f"{beside}: its record")
    if not record.get("calibrated"):
        print("scores are not calibrated: the run has not come to its end")
    return EXIT_DONE


def _quantise(options: argparse.Namespace) -> int:
    from steadypose.engines.refiner.data.estimates import estimates_of
    from steadypose.engines.refiner.data.gather import gather
    from steadypose.engines.refiner.int8_export import export_int8
    from steadypose.engines.refiner.load import refiner_path

    if Path(options.source).is_dir():
        raise InputError(f"{options.source}: int8 is made of an exported file; export it first")
    if options.estimates is None:
        raise InputError("--estimates: needed with --precision int8; made where there is no file")
    model = refiner_path(options.source)
    pictures = [p for p in gather(options) if p.split == "val"]
    estimates_of(pictures, options.estimates)
    with tqdm(desc="int8", unit=" trials", disable=not sys.stderr.isatty()) as bar:
        tried = export_int8(model, pictures, options.estimates, options.output, bar.update)
    median, high, _ = tried.moved_px
    size = options.output.stat().st_size / 1e6
    print(f"{options.output}: {tried.recipe}, {size:.1f} MB")
    print(f"joints move by {median:.2f} px of the crop, one in ten by {high:.2f} or more")
    return EXIT_DONE
