"""``steadypose serve``: cameras in, a page to watch them and their poses out."""

from __future__ import annotations

import argparse
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from steadypose.configs import LiveConfig, load_config
from steadypose.errors import InputError
from steadypose.stream.cli.engine_options import (
    ENGINE_SECTIONS,
    add_engine_options,
    engine_overrides,
    import_ahead,
)
from steadypose.stream.cli.live_options import add_reading_options, live_values
from steadypose.stream.cli.options import add_section, positive
from steadypose.stream.serve.access import TOKEN_VARIABLE, check_host, find_token
from steadypose.stream.serve.settings import ServeSettings

_NEEDED = ("aiohttp", "prometheus_client")


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "serve",
        help="watch cameras on a page, and get their poses as JSON",
        description="Track the people of each SOURCE and serve a page, poses over WebSocket, "
        "snapshots, state and Prometheus metrics. Ctrl-C stops.",
        epilog="Every setting below may also stand in a YAML file given to --config.",
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="camera, URL, list of cameras, or a recording, which is played over and over at its "
        "own pace",
    )
    _add_server_options(parser)
    add_engine_options(parser)
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_reading_options(parser)
    for section, cls in ENGINE_SECTIONS.items():
        add_section(parser, section, cls)
    parser.set_defaults(run=run, parser=parser)


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("server")
    group.add_argument(
        "--host",
        default=ServeSettings.host,
        metavar="A",
        help="address to listen at; any but this machine's own needs a token [default %(default)s]",
    )
    group.add_argument(
        "--port",
        type=int,
        default=ServeSettings.port,
        metavar="N",
        help="0 takes a free one [default %(default)s]",
    )
    group.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help=f"file that holds the token; without it the variable {TOKEN_VARIABLE} counts",
    )
    group.add_argument(
        "--token", metavar="T", help="the token itself, which others can see in the process list"
    )
    group.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name under which the server is reached, as behind a proxy; may be repeated",
    )
    group.add_argument(
        "--view-width",
        type=positive,
        default=ServeSettings.view_width,
        metavar="PX",
        help="pictures on the page are no wider [default %(default)s]",
    )
    group.add_argument(
        "--view-quality",
        type=positive,
        default=ServeSettings.view_quality,
        metavar="Q",
        help="their JPEG quality, 1 to 100 [default %(default)s]",
    )
    group.add_argument(
        "--batch-wait-ms",
        type=float,
        default=4.0,
        metavar="MS",
        help="how long the frame of one camera waits for those of others that are just about to "
        "come, to go through the networks together [default %(default)s]",
    )
    group.add_argument(
        "--batch-frames",
        type=positive,
        default=8,
        metavar="N",
        help="frames of one batch [default %(default)s]",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until a signal; the exit code."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"'serve' needs {' and '.join(missing)}: install them with pip install "
            "'steadypose[serve]'"
        )
    token = find_token(options.token, options.token_file)
    check_host(options.host, token)
    settings = ServeSettings(
        host=options.host,
        port=options.port,
        token=token,
        names=tuple(options.allow_host),
        view_width=options.view_width,
        view_quality=options.view_quality,
    )
    said = live_values(options)
    config = load_config(options.config, {**engine_overrides(options), **said})
    live = config.live
    if "first_s" not in said.get("live", {}) and live.first_s == LiveConfig.first_s:
        live = replace(live, first_s=0.0)  # a server waits for a camera for ever
    import_ahead()

    from steadypose.stream.engine_room import EngineRoom
    from steadypose.stream.memory import give_pictures_back
    from steadypose.stream.serve.run import camera_openers, serve
    from steadypose.stream.sources import expand_sources

    give_pictures_back()
    openers = camera_openers(expand_sources(options.sources), live)
    return serve(
        EngineRoom.load(config),
        openers,
        settings,
        wait_s=options.batch_wait_ms / 1e3,
        most=options.batch_frames,
        quiet=options.quiet,
    )
