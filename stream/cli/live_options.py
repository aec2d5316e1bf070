"""Options of ``steadypose track`` for cameras and streams, and for what results are given to."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadypose.configs import LiveConfig
from steadypose.configs.live import HWACCELS, TRANSPORTS
from steadypose.errors import InputError
from steadypose.stream.cli.engine_options import with_values
from steadypose.stream.cli.options import add_section, section_values

if TYPE_CHECKING:
    from steadypose.stream.recording import Extras
    from steadypose.stream.sources import Camera


def add_live_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group("live", "Cameras and streams, and where results go to.")
    group.add_argument(
        "--show", action="store_true", help="show the people in a window; q closes it and ends"
    )
    group.add_argument(
        "--record",
        metavar="DIR",
        help="write video and poses in segments that survive a kill; with --save-video the people "
        "are drawn in; no other files unless -o or --format is given",
    )
    group.add_argument(
        "--record-segment",
        type=_seconds,
        default=300.0,
        metavar="S",
        help="length of a segment in seconds [default 300]",
    )
    group.add_argument(
        "--record-keep",
        type=_seconds,
        default=0.0,
        metavar="GB",
        help="remove the oldest segments beyond this size; 0 keeps all [default 0]",
    )
    group.add_argument(
        "--mqtt",
        default="",
        metavar="URL",
        help="publish poses: mqtt://[user:password@]host[:port]/topic (needs the extra mqtt)",
    )


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of how cameras and streams are read; ``live_values`` reads them."""
    parser.add_argument("--hwaccel", choices=HWACCELS, help="same as --live.hwaccel")
    parser.add_argument("--rtsp-transport", choices=TRANSPORTS, help="same as --live.transport")
    add_section(parser, "live", LiveConfig)


def live_values(options: argparse.Namespace) -> dict[str, Any]:
    """The settings of the section ``live`` that were given, as ``load_config`` takes them.

    Raises:
        ConfigError: A value that is not YAML of a scalar.
    """
    return with_values(
        section_values(options, {"live": LiveConfig}),
        ("live", "hwaccel", options.hwaccel),
        ("live", "transport", options.rtsp_transport),
    )


def check_live(names: Sequence[str | Camera]) -> None:
    """See to it that a live source, which never ends, stands alone.

    Raises:
        InputError: There are several sources, and one of them is live.
    """
    from steadypose.stream.sources import is_live

    live = [name for name in names if not isinstance(name, str) or is_live(name)]
    if live and len(names) > 1:
        raise InputError(
            f"{len(names)} sources, {len(live)} of them live: 'track' follows one live source; "
            "'steadypose serve' follows many"
        )


def extras_of(options: argparse.Namespace) -> Extras:
    """What the results are given to beside the files.

    Raises:
        InputError: A window is asked for and cannot be opened.
    """
    from steadypose.stream.recording import Extras
    from steadypose.stream.sinks import RecordOptions
    from steadypose.stream.window import check_desktop

    if options.show:
        check_desktop()
    return Extras(
        show=options.show,
        record=Path(options.record) if options.record else None,
        record_options=RecordOptions(
            segment_s=options.record_segment or math.inf,
            keep_bytes=options.record_keep * 1e9,
            drawn=options.save_video,
        ),
        mqtt=options.mqtt,
    )


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"expected a number, 0 or above, got '{text}'")
    return value
