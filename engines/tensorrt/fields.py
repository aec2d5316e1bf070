"""Checks of what a file says, field by field, with one line for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from steadypose.errors import EngineError

Check = Callable[[Any], str]
"""Says what is wrong with a value; empty where nothing is."""
Checks = Mapping[str, Check]
"""The fields that there must be, and nothing else."""

_LONGEST = 4096


def check_fields(values: Any, checks: Checks, where: str) -> None:
    """Raise EngineError unless ``values`` has exactly the fields of ``checks``, each right."""
    if not isinstance(values, dict):
        raise EngineError(f"{where}: expected keys and values")
    for name, check in checks.items():
        wrong = check(values[name]) if name in values else "missing"
        if wrong:
            raise EngineError(f"{where}: {name}: {wrong}")
    for name in values:
        if name not in checks:
            raise EngineError(f"{where}: {str(name)[:40]!r}: not a field of it")


def matches(pattern: str, meaning: str) -> Check:
    """A text that the pattern matches as a whole."""
    expression = re.compile(pattern)

    def check(value: Any) -> str:
        fits = isinstance(value, str) and expression.fullmatch(value)
        return "" if fits else f"expected {meaning}"

    return check


def number(low: float, high: float) -> Check:
    """A number from ``low`` to ``high``."""

    def check(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return "expected a number"
        return "" if low <= value <= high else f"expected {low:g} to {high:g}"

    return check


def whole(low: int, high: int) -> Check:
    """A whole number from ``low`` to ``high``."""
    bounded = number(low, high)
    return lambda v: bounded(v) if isinstance(v, int) else "expected a whole number"


def text_line(value: Any) -> str:
    """A text that can be printed in one line."""
    if not isinstance(value, str):
        return "expected a text"
    return "" if len(value) <= _LONGEST and value.isprintable() else "expected a line of text"


def path_text(value: Any) -> str:
    """A text that may be a path, of whatever characters."""
    fits = isinstance(value, str) and 0 < len(value) <= _LONGEST
    return "" if fits else "expected a path"


def flag(value: Any) -> str:
    """True or false."""
    return "" if isinstance(value, bool) else "expected true or false"


def mapping(value: Any) -> str:
    """Keys and values, whatever they are."""
    return "" if isinstance(value, dict) else "expected keys and values"


def time(value: Any) -> str:
    """A time in ISO 8601."""
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return "expected a time as 2026-01-31T12:00:00+00:00"
    return ""
