"""``steadypose track``: files in, tracked poses out."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadypose.configs import (
    Config,
    DetectorConfig,
    EstimatorConfig,
    LiveConfig,
    OutputConfig,
    RefinerConfig,
    RuntimeConfig,
    load_config,
    preset_names,
    unknown,
)
from steadypose.errors import ConfigError, OutputError, SteadyposeError
from steadypose.skeletons import SKELETONS
from steadypose.stream.cli.live_options import add_live_options, check_live, extras_of
from steadypose.stream.cli.options import add_section, positive, section_values
from steadypose.stream.complaints import EXIT_DONE, EXIT_INTERRUPTED, complain
from steadypose.trackers import TrackerSettings

if TYPE_CHECKING:
    from steadypose.stream.pipeline import Pipeline
    from steadypose.stream.recording import Extras
    from steadypose.stream.sources import Camera

_SECTIONS: Mapping[str, type[Any]] = {
    "detector": DetectorConfig,
    "estimator": EstimatorConfig,
    "refiner": RefinerConfig,
    "runtime": RuntimeConfig,
    "output": OutputConfig,
    "live": LiveConfig,
    "tracker": TrackerSettings,
}


_OUTPUT = "steadypose-output"


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "track",
        help="track the people of videos, image folders or a camera",
        description="Track the people of each SOURCE and write poses with identities to DIR.",
        epilog="Every setting below may also stand in a YAML file given to --config.",
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="video file, folder of images or videos, glob; camera (0, /dev/video0, webcam:NAME), "
        "URL (rtsp, rtmp, http, https, udp, rtp, srt, tcp), or a .streams or YAML list of one",
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", help=f"folder of the files [default {_OUTPUT}]"
    )
    parser.add_argument(
        "--config",
        default="balanced",
        metavar="P",
        help=f"preset ({', '.join(preset_names())}) or .yaml file [default %(default)s]",
    )
    _add_shortcuts(parser)
    add_live_options(parser)
    parser.add_argument("--max-frames", type=positive, metavar="N", help="stop after N frames")
    parser.add_argument("--quiet", action="store_true", help="no progress, no closing lines")
    for section, cls in _SECTIONS.items():
        add_section(parser, section, cls)
    parser.set_defaults(run=run, parser=parser)


def _add_shortcuts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--save-video", action="store_true", help="write the overlay video")
    parser.add_argument("--device", metavar="D", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--detect-every", type=positive, metavar="N", help="same as --detector.every"
    )
    parser.add_argument(
        "--refiner",
        choices=("on", "off"),
        help="refine poses or not; off also estimates everyone in every frame",
    )
    parser.add_argument("--estimate", choices=("always", "new"), help="same as --estimator.when")
    parser.add_argument(
        "--skeleton", metavar="S", help=f"joints of the PoseTrack file: {', '.join(SKELETONS)}"
    )
    parser.add_argument(
        "--format", metavar="F,...", help="any of posetrack,jsonl,coco,csv,openpose"
    )


def run(options: argparse.Namespace) -> int:
    """Track every source in turn; the exit code of the worst one."""
    # The tracker's libraries take a third of a second to import, as long as the networks to load.
    threading.Thread(target=import_module, args=("steadypose.trackers.tracker",)).start()
    config = load_config(options.config, _overrides(options))
    _check_outputs(config)
    folder = _make_folder(Path(options.output or options.record or _OUTPUT))
    if options.record:
        _make_folder(Path(options.record))

    from steadypose.stream.pipeline import Pipeline
    from steadypose.stream.sources import expand_sources

    names = expand_sources(options.sources)
    check_live(names)
    if options.record and not (options.output or options.format):
        # A recording is for good; files that are complete at their end would only grow beside it.
        config = replace(config, output=replace(config.output, formats=(), save_video=False))
    extras = extras_of(options)
    pipeline = Pipeline(config)
    worst, stems = EXIT_DONE, set[str]()
    for name in names:
        code = _track_one(pipeline, name, stems, folder, options, extras)
        if code == EXIT_INTERRUPTED:
            return code
        worst = max(worst, code)
    return worst


def _track_one(
    pipeline: Pipeline,
    name: str | Camera,
    stems: set[str],
    folder: Path,
    options: argparse.Namespace,
    extras: Extras,
) -> int:
    """Track one source; what is wrong with it is said in one line and spares the others."""
    from steadypose.stream.recording import record
    from steadypose.stream.sources import is_live, open_source

    try:
        live = not isinstance(name, str) or is_live(name)
        if live:
            extras, limit = replace(extras, max_frames=options.max_frames), None
        else:
            limit = options.max_frames
        source = open_source(name, max_frames=limit, live=pipeline.config.live)
        stem = distinct(source.info.stem, stems)
        return record(pipeline, source, folder, stem, quiet=options.quiet, extras=extras)
    except SteadyposeError as error:
        return complain(str(error), error.exit_code)


def distinct(stem: str, taken: set[str]) -> str:
    """``stem``, or ``stem-2``, ``stem-3`` ... where an earlier source has it; takes it."""
    name, n = stem, 1
    while name.casefold() in taken:
        n += 1
        name = f"{stem}-{n}"
    taken.add(name.casefold())
    return name


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    values = section_values(options, _SECTIONS)
    for section, field, value in (
        ("output", "save_video", options.save_video or None),
        ("output", "skeleton", options.skeleton),
        ("output", "formats", options.format.split(",") if options.format else None),
        ("runtime", "device", options.device),
        ("detector", "every", options.detect_every),
        ("refiner", "enabled", None if options.refiner is None else options.refiner == "on"),
        ("live", "hwaccel", options.hwaccel),
        ("live", "transport", options.rtsp_transport),
        ("estimator", "when", options.estimate or ("always" if options.refiner == "off" else None)),
    ):
        if value is not None:
            values.setdefault(section, {})[field] = value
    return values


def _check_outputs(config: Config) -> None:
    from steadypose.stream.sinks import FORMATS

    for name in config.output.formats:
        if name not in FORMATS:
            raise ConfigError("output.formats: " + unknown("format", name, list(FORMATS)))
    if config.output.skeleton not in SKELETONS:
        raise ConfigError(
            "output.skeleton: " + unknown("skeleton", config.output.skeleton, list(SKELETONS))
        )


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".steadypose-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot write here: {error.strerror}; choose another folder with -o"
        ) from error
    return folder
