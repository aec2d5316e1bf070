"""Plain mappings (from YAML or the command line) into the frozen dataclasses of the schema."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from steadypose.errors import ConfigError

T = TypeVar("T")


def build(cls: type[T], values: Mapping[str, Any], where: str = "") -> T:
    """Make a dataclass from a mapping; mappings inside become its dataclass fields.

    Args:
        cls: The dataclass.
        values: Field names and values, as ``yaml.safe_load`` gives them.
        where: Dotted path shown in errors.

    Raises:
        ConfigError: An unknown key (names the nearest valid one), a value of the wrong type or
            out of range.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where or 'configuration'}: expected keys and values, got {values!r}")
    hints = get_type_hints(cls)
    names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
    for key in values:
        if key not in names:
            raise ConfigError(unknown("configuration key", _join(where, str(key)), names, where))
    arguments = {
        name: _convert(hints[name], value, _join(where, name)) for name, value in values.items()
    }
    return cls(**arguments)


def unknown(what: str, given: str, valid: list[str], where: str = "") -> str:
    """One line for an unknown name: what was given and the nearest valid name, or all of them."""
    near = difflib.get_close_matches(given.rpartition(".")[2], valid, 1, 0.5)
    if near:
        return f"unknown {what} '{given}': did you mean '{_join(where, near[0])}'?"
    return f"unknown {what} '{given}'; choose from {', '.join(valid)}"


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return build(hint, value, where)
    if origin in (Union, UnionType):
        return _convert_optional(hint, value, where)
    if origin is tuple:
        return _convert_tuple(hint, value, where)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: expected keys and values, got {value!r}")
        return dict(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is str and isinstance(value, bool):
        return "on" if value else "off"  # YAML 1.1 takes these words for truth values
    if hint is Any or (isinstance(value, hint) and (hint is bool or not isinstance(value, bool))):
        return value
    raise ConfigError(f"{where}: expected {hint.__name__}, got {value!r}")


def _convert_optional(hint: Any, value: Any, where: str) -> Any:
    inner = [arm for arm in get_args(hint) if arm is not type(None)]
    return None if value is None else _convert(inner[0], value, where)


def _convert_tuple(hint: Any, value: Any, where: str) -> tuple[Any, ...]:
    arms = get_args(hint)
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f"{where}: expected a list, got {value!r}")
    if arms[-1] is Ellipsis:
        return tuple(_convert(arms[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if len(value) != len(arms):
        raise ConfigError(f"{where}: expected {len(arms)} values, got {value!r}")
    return tuple(
        _convert(arm, item, f"{where}[{i}]")
        for i, (arm, item) in enumerate(zip(arms, value, strict=True))
    )
