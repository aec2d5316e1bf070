"""Running the package clients."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from steadypose.engines.zoo.cache import full_disk
from steadypose.errors import ModelError, OutputError

_NETWORK_WORDS = re.compile(
    r"connection|proxy|certificate|timed out|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT", re.IGNORECASE
)
_EMPTY_WORDS = re.compile(r"npm error (code|errno|syscall|type|A complete log)")

TIMEOUT_S = 1800
"""A client that has not ended by then hangs; they have shorter time-outs for the network."""


def run_client(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run a package client in ``folder``, which also holds its temporary files.

    The client's own configuration, proxies included, holds.

    Raises:
        ModelError: It failed; the message names it and its error.
        OutputError: It failed because the disk is full.
    """
    # Not in the caller's folder: "python -m pip" would take a "pip" folder that lies there.
    places = {key: str(folder) for key in ("TMPDIR", "TEMP", "TMP")}
    name = " ".join(_client_name(command))
    try:
        done = subprocess.run(
            list(command),
            cwd=folder,
            env={**os.environ, **places, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{name} did not end within {TIMEOUT_S} s") from error
    except OSError as error:
        raise ModelError(f"{name} could not be started: {error}") from error
    if done.returncode:
        words = done.stdout.decode("utf-8", "replace")
        if "No space left on device" in words or "ENOSPC" in words or "quota exceeded" in words:
            raise OutputError(full_disk(folder.parent.parent))
        raise ModelError(f"{name} failed: {_what_failed(words)}")


def files_in(folder: Path, suffix: str) -> list[Path]:
    """The files in ``folder`` whose names end so."""
    return sorted(path for path in folder.iterdir() if path.name.endswith(suffix))


def _client_name(command: Sequence[str]) -> list[str]:
    """The command without interpreter paths and options, as far as its first operand."""
    words = [Path(command[0]).name, *command[1:]]
    end = next((i for i, word in enumerate(words) if word in ("download", "pack", "install")), 1)
    return words[: end + 1]


def _what_failed(output: str) -> str:
    """The line that says what failed and, where the network is at fault, the one that says why."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if not _EMPTY_WORDS.search(line)]
    errors = [line for line in telling if "error" in line.lower()][:1]
    network = [line for line in telling if _NETWORK_WORDS.search(line) and line not in errors][:1]
    said = errors + network or lines[-1:] or ["it printed nothing"]
    return "; ".join(line[:300] for line in said)
