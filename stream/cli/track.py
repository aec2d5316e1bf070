"""``steadypose track``: files in, tracked poses out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadypose.configs import Config, LiveConfig, OutputConfig, load_config, unknown
from steadypose.errors import ConfigError, OutputError, SteadyposeError
from steadypose.skeletons import SKELETONS
from steadypose.stream.cli.engine_options import (
    ENGINE_SECTIONS,
    add_engine_options,
    engine_overrides,
    import_ahead,
    with_values,
)
from steadypose.stream.cli.options import add_section, positive
from steadypose.stream.complaints import EXIT_DONE, EXIT_INTERRUPTED, complain

if TYPE_CHECKING:
    from steadypose.stream.pipeline import Pipeline
    from steadypose.stream.sources import Camera

_SECTIONS: Mapping[str, type[Any]] = {
    **ENGINE_SECTIONS,
    "output": OutputConfig,
    "live": LiveConfig,
}


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "track",
        help="track the people of videos or image folders",
        description="Track the people of each SOURCE and write poses with identities to DIR.",
        epilog="Every setting below may also stand in a YAML file given to --config.",
    )
    parser.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="video file, folder of images or videos, glob"
    )
    parser.add_argument(
        "-o", "--output", default="steadypose-output", metavar="DIR", help="[default %(default)s]"
    )
    add_settings(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress, no closing lines")
    parser.set_defaults(run=run, parser=parser)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the preset, the shortcuts and every setting; ``settings_of`` reads them."""
    add_engine_options(parser)
    _add_shortcuts(parser)
    parser.add_argument("--max-frames", type=positive, metavar="N", help="stop after N frames")
    for section, cls in _SECTIONS.items():
        add_section(parser, section, cls)


def settings_of(options: argparse.Namespace) -> Config:
    """The settings that the options give.

    Raises:
        ConfigError: An unknown preset, or a value that is unknown or out of range.
    """
    config = load_config(options.config, _overrides(options))
    _check_outputs(config)
    return config


def _add_shortcuts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--save-video", action="store_true", help="write the overlay video")
    parser.add_argument(
        "--blur", choices=("faces", "people"), help="write a video with everyone unrecognisable"
    )
    parser.add_argument("--crops", action="store_true", help="write pictures of each person")
    parser.add_argument(
        "--skeleton", metavar="S", help=f"joints of the PoseTrack file: {', '.join(SKELETONS)}"
    )
    parser.add_argument(
        "--format", metavar="F,...", help="any of posetrack,jsonl,coco,csv,openpose,parquet,trc"
    )


def run(options: argparse.Namespace) -> int:
    """Track every source in turn; the exit code of the worst one."""
    import_ahead()
    config = settings_of(options)
    folder = make_folder(Path(options.output))

    from steadypose.stream.pipeline import Pipeline
    from steadypose.stream.sources import expand_sources

    names = expand_sources(options.sources)
    pipeline = Pipeline(config)
    worst, stems = EXIT_DONE, set[str]()
    for name in names:
        code = _track_one(pipeline, name, stems, folder, options)
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
) -> int:
    """Track one source; what is wrong with it is said in one line and spares the others."""
    from steadypose.stream.recording import record
    from steadypose.stream.sources import open_source

    try:
        source = open_source(name, max_frames=options.max_frames, live=pipeline.config.live)
        stem = distinct(source.info.stem, stems)
        return record(pipeline, source, folder, stem, quiet=options.quiet)
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
