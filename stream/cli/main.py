"""``steadypose``: parse, run the sub-command, turn errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from steadypose._version import __version__
from steadypose.errors import SteadyposeError
from steadypose.opencv_check import explain_opencv_import
from steadypose.stream.cli import (
    batch,
    doctor,
    engine,
    export,
    models,
    report,
    serve,
    track,
    train,
)
from steadypose.stream.cli.options import Parser
from steadypose.stream.complaints import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, complain

_FURTHER_COMMANDS = "steadypose.commands"
"""Group of the entry points by which parts that this one must not import add commands."""
_SWITCH_INTERVAL_S = 0.001


def build_parser(wanted: str | None = None) -> Parser:
    """The command line.

    Args:
        wanted: The command that is asked for, where it is known: if it is one of ours, no others
            are looked for, which takes time.
    """
    parser = Parser(
        prog="steadypose",
        description="Find, refine and track human poses in video.",
        epilog="Exit codes: 0 done, 2 usage or bad input, 3 a source failed midway (what was "
        "tracked is on disk), 130 interrupted (likewise).",
    )
    parser.add_argument("--version", action="version", version=f"steadypose {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (track, serve, batch, report, models, engine, train, export, doctor):
        module.add_parser(commands)
    if wanted not in commands.choices:
        _add_further(commands)
    return parser


def _add_further(commands: Any) -> None:
    """Commands that the installed distribution names; none where it is not installed."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        found = distribution("steadypose").entry_points
    except PackageNotFoundError:
        return
    for entry in found.select(group=_FURTHER_COMMANDS):
        entry.load()(commands)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Prints errors as one line on stderr."""
    given = sys.argv[1:] if arguments is None else arguments
    options = build_parser(given[0] if given else None).parse_args(given)
    # A thread in pure Python would otherwise hold up the stages for 5 ms at a time.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        code: int = options.run(options)
    except SteadyposeError as error:
        return complain(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except KeyboardInterrupt:
        return complain("interrupted", EXIT_INTERRUPTED)
    except ImportError as error:
        if "cv2" not in str(error) and not str(error).startswith("lib"):
            raise
        return complain(explain_opencv_import(error), EXIT_USAGE)
    return code


def entry_point() -> None:
    """What the installed ``steadypose`` command calls."""
    sys.exit(main())


if __name__ == "__main__":
    entry_point()
