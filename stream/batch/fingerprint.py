"""By what a finished video is known again: its content, the settings, and our version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from steadypose._version import __version__
from steadypose.configs import Config
from steadypose.engines.zoo import file_sha256
from steadypose.errors import InputError
from steadypose.stream.batch.places import file_system, is_url
from steadypose.stream.sources.folders import folder_contents, is_pattern, pattern_contents

_REMOTE_SIGNS = ("size", "ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified")


def settings_key(config: Config, **options: Any) -> str:
    """64 hexadecimal digits that differ where the results may.

    How many threads are used does not count, nor what the settings are called. A model that is a
    file of one's own counts by its content.

    Args:
        config: The settings.
        options: What else the results depend on, as plain values.
    """
    values = asdict(config)
    del values["name"]
    del values["runtime"]["threads"]
    own = [Path(model) for model in _models(config) if model.endswith(".onnx")]
    values["own_models"] = [file_sha256(path) for path in own if path.is_file()]
    text = json.dumps([__version__, values, options], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def quick_stamp(source: str) -> str:
    """What can be told of a video without reading it: size and time of change, or the like.

    As long as it stays the same, the content is taken to be the same. ``""``: nothing is known.
    """
    if is_url(source):
        return _remote_stamp(source)
    try:
        paths = _files(source)
        states = [(path.name, path.stat()) for path in paths]
    except (OSError, InputError):
        return ""
    parts = [f"{name}:{state.st_size}:{state.st_mtime_ns}" for name, state in states]
    return parts[0].partition(":")[2] if len(parts) == 1 else _digest(parts)


def content_sha256(source: str) -> str:
    """SHA-256 of a file on this machine; of a row of pictures, that of their names and hashes.

    Raises:
        InputError: It cannot be read.
    """
    path = Path(source)
    try:
        files = _files(source)
        if len(files) == 1 and files[0] == path:
            return file_sha256(path)
        return _digest(f"{file.name}:{file_sha256(file)}" for file in files)
    except FileNotFoundError as error:
        raise InputError(f"{source}: no such file") from error
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror}") from error


def _files(source: str) -> tuple[Path, ...]:
    path = Path(source).expanduser()
    if is_pattern(source):
        return pattern_contents(source).images
    return folder_contents(path).images if path.is_dir() else (path,)


def _remote_stamp(url: str) -> str:
    try:
        fs, path = file_system(url)
        info = fs.info(path)
    # Every store has errors of its own; what cannot be told is found out by reading it.
    except Exception:
        return ""
    found = [f"{sign}={info[sign]}" for sign in _REMOTE_SIGNS if info.get(sign) is not None]
    return _digest(found) if found else ""


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _models(config: Config) -> tuple[str, ...]:
    refiner = (config.refiner.model,) if config.refiner.enabled else ()
    return (config.detector.model, config.estimator.model, *refiner)
