"""Options made from the settings' dataclasses, so that they and the files cannot drift apart."""

from __future__ import annotations

import argparse
import difflib
import inspect
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, NoReturn, get_type_hints

import yaml

from steadypose.configs import unknown
from steadypose.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """A parser that complains in one line and names the nearest valid option."""

    def __init__(self, **keywords: Any) -> None:
        keywords.setdefault("allow_abbrev", False)
        super().__init__(**keywords)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; an unknown option ends the program with exit code 2 and one line."""
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            chosen = self._sub_parser(options)
            valid = [name for action in chosen._actions for name in action.option_strings]
            given = rest[0].partition("=")[0]
            chosen.error(_unknown_option(given, valid))
        return options

    def error(self, message: str) -> NoReturn:
        """Print one line and leave with exit code 2."""
        nearest = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if nearest:
            valid = re.findall(r"[\w-]+", nearest[2])
            message = unknown("value", nearest[1], valid)
        self.exit(2, f"steadypose: {message} (see '{self.prog} --help')\n")

    def _sub_parser(self, options: argparse.Namespace) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = getattr(options, "parser", self)
        return parser


def _unknown_option(given: str, valid: list[str]) -> str:
    if not given.startswith("-"):
        return f"unexpected argument '{given}'"
    near = difflib.get_close_matches(given, valid, 1, 0.5)
    return f"unknown option '{given}'" + (f": did you mean '{near[0]}'?" if near else "")


def positive(text: str) -> int:
    """Type of an option that is a whole number above 0."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got '{text}'")
    return value


def add_section(parser: argparse.ArgumentParser, section: str, cls: type[Any]) -> None:
    """Add ``--section.field`` for every field of a settings class, with its docstring as help."""
    group = parser.add_argument_group(f"{section} settings", _summary(cls))
    help_of = attribute_docs(cls)
    for field in fields(cls):
        group.add_argument(
            f"--{section}.{field.name}",
            dest=f"{section}.{field.name}",
            metavar="V",
            help=f"{help_of[field.name]} [{_default(field)}]".replace("%", "%%"),
        )


def section_values(
    options: argparse.Namespace, sections: Mapping[str, type[Any]]
) -> dict[str, Any]:
    """The dotted options that were given, as a nested mapping for ``load_config``.

    Raises:
        ConfigError: A value that is not YAML of a scalar or list.
    """
    nested: dict[str, dict[str, Any]] = {}
    for section, cls in sections.items():
        hints = get_type_hints(cls)
        for field in fields(cls):
            text = getattr(options, f"{section}.{field.name}", None)
            if text is not None:
                where = f"--{section}.{field.name}"
                nested.setdefault(section, {})[field.name] = _value(text, hints[field.name], where)
    return nested


def _value(text: str, hint: Any, where: str) -> Any:
    if hint is str:
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: cannot read the value '{text}'") from error
    is_list = str(hint).startswith("tuple")
    return (
        [part.strip() for part in text.split(",")] if is_list and isinstance(value, str) else value
    )


def attribute_docs(cls: type[Any]) -> dict[str, str]:
    """Help of each field from the ``Attributes:`` part of a class's docstring, in one line each."""
    _, _, part = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:\n")
    part = part.partition("\n\n")[0]
    found: dict[str, str] = {}
    for match in re.finditer(r"^    ([\w, ]+): (.*(?:\n {8}.*)*)", part, re.MULTILINE):
        for name in match[1].split(", "):
            found[name] = " ".join(match[2].replace("``", "").split())
    return found


def _summary(cls: type[Any]) -> str:
    return inspect.cleandoc(cls.__doc__ or "").splitlines()[0]


def _default(field: Field[Any]) -> str:
    value = field.default
    if field.default_factory is not MISSING:
        value = field.default_factory()
    if isinstance(value, tuple):
        return "preset" if value and isinstance(value[0], tuple) else ",".join(map(str, value))
    return f"default {value}" if not isinstance(value, bool) else f"default {str(value).lower()}"
