"""``steadypose report``: one HTML file with plots of what was tracked."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from steadypose.stream.cli.options import positive
from steadypose.stream.complaints import EXIT_DONE

_MOST = 20


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "report",
        help="an HTML page with plots of results",
        description="Write one HTML file with a table of all videos whose results lie below DIR, "
        "and plots of people over time, identities, joint confidence and stage times.",
    )
    parser.add_argument("folder", metavar="DIR", help="what track or batch wrote")
    parser.add_argument("-o", "--output", metavar="FILE", help="[default DIR/report.html]")
    parser.add_argument(
        "--videos", type=positive, default=_MOST, metavar="N", help="plots of N [%(default)s]"
    )
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Read the results and write the page."""
    from steadypose.stream.report.page import write_page
    from steadypose.stream.report.plots import require_matplotlib
    from steadypose.stream.report.reading import find_summaries
    from steadypose.stream.sinks.part_file import PartFile

    require_matplotlib()
    folder = Path(options.folder).expanduser()
    summaries = find_summaries(folder)
    target = Path(options.output).expanduser() if options.output else folder / "report.html"
    file = PartFile(target)
    try:
        for piece in write_page(folder, summaries, options.videos):
            file.write(piece)
        file.commit()
    finally:
        file.discard()
    print(f"{len(summaries)} videos: {target}")
    return EXIT_DONE
