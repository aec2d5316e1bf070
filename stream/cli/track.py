"""``steadypose track``: files in, tracked poses out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadypose.configs import Config, OutputConfig, load_config, unknown
from steadypose.errors import ConfigError, OutputError, SteadyposeError
from steadypose.skeletons import SKELETONS
from steadypose.stream.cli.engine_options import (
    ENGINE_SECTIONS,
    add_engine_options,
    engine_overrides,
    import_ahead,
    with_values,
)
from steadypose.stream.cli.live_options import (
    add_live_options,
    add_reading_options,
    check_live,
    extras_of,
    live_values,
)
from steadypose.stream.cli.options import add_section, positive
from steadypose.stream.complaints import EXIT_DONE, EXIT_INTERRUPTED, complain
from steadypose.trackers import SmoothingSettings

if TYPE_CHECKING:
    from steadypose.stream.pipeline import Pipeline
    from steadypose.stream.recording import Extras
    from steadypose.stream.sources import Camera

_SECTIONS: Mapping[str, type[Any]] = {
    **ENGINE_SECTIONS,
    "output": OutputConfig,
    "smoothing": SmoothingSettings,
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
    add_settings(parser)
    add_live_options(parser)
    add_reading_options(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress, no closing lines")
    parser.set_defaults(run=run, parser=parser)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the preset, the shortcuts and every setting; ``settings_of`` reads them."""
    add_engine_options(parser)
    _add_shortcuts(parser)
    parser.add_argument("--max-frames", type=positive, metavar="N", help="stop after N frames")
    for section, cls in _SECTIONS.items():
        add_section(parser, section, cls)


def settings_of(options: argparse.Namespace, values: Mapping[str, Any] | None = None) -> Config:
    """The settings that the options give.

    Args:
        options: Parsed options of ``add_settings``.
        values: Settings of further sections.

    Raises:
        ConfigError: An unknown preset, or a value that is unknown or out of range.
    """
    config = load_config(options.config, {**_overrides(options), **(values or {})})
    _check_outputs(config)
    return config


def _add_shortcuts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--save-video", action="store_true", help="write the overlay video")
    parser.add_argument(
        "--blur", choices=("faces", "people"), help="write a video with everyone unrecognisable"
    )
    parser.add_argument("--crops", action="store_true", help="write pictures of each person")
    parser.add_argument(
        "--smooth", choices=("off", "one-euro", "fixed-lag"), help="same as --output.smooth"
    )
    parser.add_argument(
        "--skeleton", metavar="S", help=f"joints of the PoseTrack file: {', '.join(SKELETONS)}"
    )
    parser.add_argument(
        "--format", metavar="F,...", help="any of posetrack,jsonl,coco,csv,openpose,parquet,trc"
    )


def run(options: argparse.Namespace) -> int:
    """Track every source in turn; the exit code of the worst one."""
    import_ahead()
    config = settings_of(options, live_values(options))
    folder = make_folder(Path(options.output or options.record or _OUTPUT))
    if options.record:
        make_folder(Path(options.record))

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
    from steadypose.stream.memory import give_pictures_back
    from steadypose.stream.recording import record
    from steadypose.stream.sources import is_live, open_source

    try:
        live = not isinstance(name, str) or is_live(name)
        if live:
            give_pictures_back()
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
    return with_values(
        engine_overrides(options, _SECTIONS),
        ("output", "save_video", options.save_video or None),
        ("output", "blur", options.blur),
        ("output", "crops", options.crops or None),
        ("output", "skeleton", options.skeleton),
        ("output", "smooth", options.smooth),
        ("output", "formats", options.format.split(",") if options.format else None),
    )


def _check_outputs(config: Config) -> None:
    from steadypose.stream.sinks import FORMATS

    for name in config.output.formats:
        if name not in FORMATS:
            raise ConfigError("output.formats: " + unknown("format", name, list(FORMATS)))
    if config.output.skeleton not in SKELETONS:
        raise ConfigError(
            "output.skeleton: " + unknown("skeleton", config.output.skeleton, list(SKELETONS))
        )


def make_folder(folder: Path) -> Path:
    """Make the folder for the outputs. Raises OutputError when nothing can be written there."""
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
