"""Lists of cameras in a file: ``.streams`` with a line each, or YAML."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from steadypose.configs import LiveConfig, build, read_yaml
from steadypose.errors import ConfigError, InputError
from steadypose.stream.sources.addresses import is_live, masked, parse_address

_NAMED = re.compile(r"(?P<name>[^=:/]+?)\s*=\s*(?P<url>\S.*)")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A live source of a list.

    Attributes:
        url: A camera's number or device, or a URL; may hold credentials and is not shown.
        name: What it is called; ``""`` where the list gives no name.
        settings: Values of ``LiveConfig`` by field name that differ for this camera.
    """

    url: str = field(repr=False)
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name or masked(self.url)

    def config(self, base: LiveConfig) -> LiveConfig:
        """The settings of this camera. Raises ConfigError for one that is unknown or wrong."""
        return build(LiveConfig, {**asdict(base), **self.settings}, f"{self}: live")


def is_camera_list(spec: str) -> bool:
    """True for the name of a file of cameras."""
    return Path(spec).suffix.lower() in (".streams", ".yaml", ".yml")


def read_cameras(path: Path) -> list[Camera]:
    """The cameras of a list, in its order. ``${NAME}`` stands for a variable of the environment.

    A ``.streams`` file holds a URL a line, or ``name = URL``; ``#`` begins a comment. A YAML file
    holds ``cameras``: names with a URL each, or with ``url`` and settings of ``LiveConfig``.

    Raises:
        InputError, ConfigError: It cannot be read, is empty, or an entry is wrong.
    """
    try:
        cameras = _lines(path) if path.suffix.lower() == ".streams" else _yaml(path)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not a text file"
        raise InputError(f"{path}: cannot be read: {why}") from None
    if not cameras:
        raise InputError(f"{path}: names no camera")
    names = [camera.name.casefold() for camera in cameras if camera.name]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InputError(f"{path}: the name '{twice}' is given twice")
    for camera in cameras:
        parse_address(camera.url)
        camera.config(LiveConfig())
    return cameras


def _lines(path: Path) -> list[Camera]:
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"{path}: larger than a list of cameras can be (1 MB)")
    cameras = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if text:
            match = _NAMED.fullmatch(text)
            name, url = (match["name"], match["url"]) if match else ("", text)
            cameras.append(_camera(name, url, {}, f"{path}, line {number}"))
    return cameras


def _yaml(path: Path) -> list[Camera]:
    values = read_yaml(path, "a list of cameras")
    entries = values.get("cameras")
    if set(values) != {"cameras"} or not isinstance(entries, dict):
        raise ConfigError(f"{path}: expected 'cameras' with a name and a URL each")
    cameras = []
    for name, entry in entries.items():
        fields = {"url": entry} if isinstance(entry, (str, int)) else entry
        where = f"{path}, camera '{name}'"
        if not isinstance(fields, dict) or not isinstance(fields.get("url"), (str, int)):
            raise ConfigError(f"{where}: expected a URL, or 'url' and settings")
        settings = {key: value for key, value in fields.items() if key != "url"}
        cameras.append(_camera(str(name), str(fields["url"]), settings, where))
    return cameras


def _camera(name: str, url: str, settings: Mapping[str, Any], where: str) -> Camera:
    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise InputError(f"{where}: the environment has no variable {match[1]}")
        return os.environ[match[1]]

    url = _VARIABLE.sub(value, url)
    if not is_live(url):
        raise InputError(f"{where}: neither a camera nor a URL: {masked(url)}")
    if name and not re.fullmatch(r"[\w][\w .()-]{0,63}", name):
        text = "a name has letters, digits, blanks, dots and dashes, 64 at most"
        raise InputError(f"{where}: {text}")
    return Camera(url=url, name=name, settings=settings)
