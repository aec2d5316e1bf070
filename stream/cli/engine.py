"""``steadypose engine``: TensorRT engines, built beforehand, verified, listed and removed."""

from __future__ import annotations

import argparse
import json
from typing import Any

from steadypose.configs import PRECISIONS, preset_names
from steadypose.errors import EngineError
from steadypose.stream.cli.options import positive
from steadypose.stream.complaints import EXIT_DONE

_FLAVOURS = ("auto", "tensorrt", "tensorrt_rtx")


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "engine",
        help="build, verify, list and remove TensorRT engines",
        description="TensorRT engines lie in the folder 'engines' of the cache. Tracking on a GPU "
        "builds what is missing there by itself, which takes up to minutes; here that can be "
        "done beforehand.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_build(actions)
    _add_verify(actions)
    listing = actions.add_parser("list", help="the engines in the cache, and which are stale")
    listing.add_argument("--json", action="store_true", help="with all that is known of them")
    listing.set_defaults(run=run_list, parser=listing)
    clean = actions.add_parser(
        "clean", help="remove stale engines, orphans and what was never finished"
    )
    clean.add_argument("--all", action="store_true", help="remove every engine")
    clean.set_defaults(run=run_clean, parser=clean)


def _add_build(actions: Any) -> None:
    build = actions.add_parser(
        "build",
        help="build engines",
        description="Build engines and say for each in a line what it is, how it is known to be "
        "FP16, how large, how long it took and where it lies. On a GPU each is compared with its "
        "network in FP32 too. An engine that is at hand and fresh is left as it is.",
    )
    _add_models(build)
    build.add_argument(
        "--flavour",
        choices=_FLAVOURS,
        default="auto",
        help="which TensorRT; tensorrt_rtx needs no GPU to build [default %(default)s]",
    )
    build.add_argument(
        "--batch",
        type=_batches,
        metavar="MIN,OPT,MAX",
        help="least, commonest and largest batch [default: 1 and the settings' max_batch]",
    )
    build.add_argument(
        "--workspace",
        type=positive,
        metavar="MB",
        help="GPU memory that layers may use beside their inputs and outputs, in MiB "
        "[default: TensorRT's own bound]",
    )
    build.add_argument(
        "--timing-cache",
        action=argparse.BooleanOptionalAction,
        help="keep measured times of kernels for the next build [default: with tensorrt]",
    )
    build.add_argument(
        "--optimisation-level",
        type=int,
        choices=range(6),
        metavar="N",
        help="0, quick to build, to 5, quick to run [default: TensorRT's own choice]",
    )
    build.add_argument(
        "--version-compatible",
        action="store_true",
        help="the engine also loads in later minor versions of this TensorRT",
    )
    build.add_argument(
        "--hardware-compatible",
        action="store_true",
        help="the engine also runs on other GPUs since Ampere, more slowly",
    )
    build.add_argument("--force", action="store_true", help="build even what is at hand")
    build.set_defaults(run=run_build, parser=build)


def _add_verify(actions: Any) -> None:
    verify = actions.add_parser(
        "verify",
        help="compare engines with their networks in FP32 on the processor",
        description="Run engines on a GPU and their networks in FP32 on the processor on the same "
        "people, and say how far their joints or boxes are apart in pixels of the pictures. "
        "Exit code 2 where one does not agree.",
    )
    _add_models(verify)
    verify.add_argument(
        "--images",
        metavar="SOURCE",
        help="pictures with people: a file, folder, glob or video [default: the sample clip]",
    )
    verify.set_defaults(run=run_verify, parser=verify)


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="refiner-fast, refiner-accurate, a name of 'steadypose models list' or an .onnx file "
        "[default: what the settings use]",
    )
    parser.add_argument(
        "--config",
        default="balanced",
        metavar="P",
        help=f"preset ({', '.join(preset_names())}) or .yaml file [default %(default)s]",
    )
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="[default: the settings' runtime.precision]"
    )
    parser.add_argument(
        "--device", default="auto", metavar="D", help="auto, cuda or cuda:N [default %(default)s]"
    )


def _batches(text: str) -> tuple[int, int, int]:
    try:
        least, common, largest = (int(part) for part in text.split(","))
    except ValueError:
        least = common = largest = 0
    if not 1 <= least <= common <= largest:
        raise argparse.ArgumentTypeError(f"expected 1 <= MIN <= OPT <= MAX, got '{text}'")
    return least, common, largest


def run_build(options: argparse.Namespace) -> int:
    """Build each engine; exit code 2 where one cannot be built or does not agree."""
    from steadypose.stream.cli import engine_build

    return engine_build.build_all(options)


def run_verify(options: argparse.Namespace) -> int:
    """Verify each engine; exit code 2 where one is missing or does not agree."""
    from steadypose.stream.cli import engine_build

    return engine_build.verify_all(options)


def run_list(options: argparse.Namespace) -> int:
    """Print a table, or JSON."""
    from steadypose.engines.tensorrt.cache import EngineCache
    from steadypose.engines.tensorrt.housekeeping import list_engines
    from steadypose.stream.cli.engine_words import as_json, table

    cache = EngineCache()
    engines = list_engines(cache, _capability_here())
    if options.json:
        print(json.dumps([as_json(engine) for engine in engines], indent=1))
    elif engines:
        print(table(engines))
    else:
        print(f"no engines in {cache.folder}; run: steadypose engine build")
    return EXIT_DONE


def run_clean(options: argparse.Namespace) -> int:
    """Print what was removed, and the room that it took."""
    from steadypose.engines.tensorrt.cache import EngineCache
    from steadypose.engines.tensorrt.housekeeping import clean_engines

    cache = EngineCache()
    removed = clean_engines(cache, _capability_here(), everything=options.all)
    for item in removed:
        print(f"{item.name}: {item.reason}, {item.size_bytes / 1e6:.1f} MB freed")
    total = sum(item.size_bytes for item in removed)
    print(f"{total / 1e6:.1f} MB freed in {cache.folder}")
    return EXIT_DONE


def _capability_here() -> str | None:
    """Of the first GPU; None where there is none to go by."""
    from steadypose.engines.tensorrt.device import find_gpu

    try:
        return find_gpu().architecture
    except EngineError:
        return None
