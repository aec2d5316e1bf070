"""Presets and configuration files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from steadypose.configs.build import build, unknown
from steadypose.configs.schema import Config
from steadypose.errors import ConfigError

_FOLDER = Path(__file__).resolve().parent
_MAX_BYTES = 1_000_000


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def recipe_paths() -> dict[str, Path]:
    """The recipes that come with the package, for training a refiner: files by name."""
    return {path.stem: path for path in sorted((_FOLDER / "refiner").glob("*.yaml"))}


def load_config(spec: str = "balanced", overrides: Mapping[str, Any] | None = None) -> Config:
    """Settings of a preset or a file, with some values replaced.

    A file may name the preset that it starts from in ``base``; else it starts from the defaults.

    Args:
        spec: A preset's name, or the path of a ``.yaml`` / ``.yml`` file.
        overrides: Nested mapping of values that win over the file's.

    Raises:
        ConfigError: No such preset or file, not YAML, an unknown key, or a value out of range.
    """
    values = _merge(_read(spec), overrides or {})
    return build(Config, values)


def _read(spec: str) -> dict[str, Any]:
    if spec in preset_names():
        return {"name": spec, **_parse(_FOLDER / f"{spec}.yaml")}
    path = Path(spec)
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(unknown("preset", spec, preset_names()) + " (or a .yaml file)")
    values = _parse(path)
    base = values.pop("base", None)
    start = {} if base is None else _preset(str(base), path)
    return _merge({**start, "name": path.stem}, values)


def _preset(name: str, path: Path) -> dict[str, Any]:
    if name not in preset_names():
        raise ConfigError(f"{path}: " + unknown("preset in 'base'", name, preset_names()))
    return _parse(_FOLDER / f"{name}.yaml")


def read_yaml(path: Path, what: str, *, may_be_empty: bool = False) -> dict[str, Any]:
    """The keys and values of a YAML file.

    Args:
        path: The file, 1 MB at most.
        what: What it is called when it is larger, e.g. ``"a recipe"``.
        may_be_empty: Take an empty file for one without keys.

    Raises:
        ConfigError: It cannot be read, is too large, or holds something else.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path}: larger than {what} can be (1 MB)")
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = " ".join(str(error).split())
        raise ConfigError(f"{path}: not valid YAML: {first}") from error
    if values is None and may_be_empty:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected keys and values at the top level")
    return values


def _parse(path: Path) -> dict[str, Any]:
    return read_yaml(path, "a configuration file", may_be_empty=True)


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged
