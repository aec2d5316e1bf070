"""``steadypose models``: what the zoo names, what is at hand, and bringing more."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from steadypose.configs import unknown
from steadypose.engines import zoo
from steadypose.errors import ModelError


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser("models", help="list, fetch, verify and locate model files")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all models, their licences and whether at hand")
    listing.set_defaults(run=run_list, parser=listing)
    _add_fetch(actions)
    verify = actions.add_parser("verify", help="check the files at hand against their SHA-256")
    verify.add_argument("names", nargs="*", metavar="NAME", help="[default: all at hand]")
    verify.set_defaults(run=run_verify, parser=verify)
    path = actions.add_parser("path", help="print where a model's file is")
    path.add_argument("name", metavar="NAME")
    path.set_defaults(run=run_path, parser=path)


def _add_fetch(actions: Any) -> None:
    fetch = actions.add_parser("fetch", help="bring models into the cache")
    fetch.add_argument("names", nargs="*", metavar="NAME", help="[default: the default models]")
    fetch.add_argument(
        "--from-file",
        type=Path,
        metavar="FILE",
        help="take the archive or model from FILE instead of downloading it",
    )
    fetch.add_argument("--offline", action="store_true", help="use only what is at hand")
    fetch.add_argument(
        "--sha256", metavar="HEX", help="expected hash of a model whose entry pins none"
    )
    fetch.set_defaults(run=run_fetch, parser=fetch)


def _check(names: list[str]) -> None:
    for name in names:
        if name not in zoo.CATALOG:
            raise ModelError(unknown("model", name, list(zoo.CATALOG)))


def run_list(options: argparse.Namespace) -> int:
    """Print a line a model."""
    del options
    print(f"cache: {zoo.cache_folder()}")
    for status in zoo.status():
        entry = status.entry
        state = "ready" if status.ready else "-"
        print(f"{state:6} {entry.name:22} {entry.kind:10} {entry.licence:44} {entry.description}")
    return 0


def run_fetch(options: argparse.Namespace) -> int:
    """Bring models; print each one's path. The zoo's progress tells the licences."""
    names = options.names or list(zoo.DEFAULTS)
    _check(names)
    paths = zoo.fetch(
        names,
        from_file=options.from_file,
        offline=options.offline,
        sha256=options.sha256,
        progress=lambda line: print(line, file=sys.stderr, flush=True),
    )
    for name, path in zip(names, paths, strict=True):
        print(f"{name}: {path}")
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Print ``ok`` or what is wrong with each file; exit code 2 when anything is."""
    _check(options.names)
    results = zoo.verify(options.names or None)
    if not results:
        print("no models at hand; run: steadypose models fetch")
    for result in results:
        print(f"{result.name}: {'ok' if result.ok else result.message}")
    return 0 if all(result.ok for result in results) else 2


def run_path(options: argparse.Namespace) -> int:
    """Print the path of a model's file."""
    _check([options.name])
    print(zoo.locate(options.name))
    return 0
