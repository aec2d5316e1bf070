"""The examples say what the command line takes, and copy what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from steadypose.stream.cli.main import build_parser

ROOT = Path(__file__).parents[2]
UNIT, IMAGE = (ROOT / "examples" / name for name in ("steadypose.service", "Dockerfile"))


def commands() -> list[list[str]]:
    """What the examples hand to ``steadypose``, comments included."""
    found = []
    for path in (UNIT, IMAGE):
        text = re.sub(r"\\\n#?", " ", path.read_text(encoding="utf-8"))
        found += re.findall(r"(?:bin/| )steadypose ((?:track|models|serve) [^\n]*)", text)
    return [shlex.split(command) for command in found]


def test_there_are_commands() -> None:
    assert {command[0] for command in commands()} == {"track", "models"}


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_the_command_line_takes_them(command: list[str]) -> None:
    options = build_parser(command[0]).parse_args(command)
    assert callable(options.run)


def test_the_unit_needs_what_its_head_says_to_make() -> None:
    unit = UNIT.read_text(encoding="utf-8")
    head, _, body = unit.partition("[Unit]")
    cache = re.search(r"STEADYPOSE_CACHE=(\S+)", body)
    program = re.search(r"ExecStart=(\S+)", body)
    assert cache is not None
    assert program is not None
    for path in (cache[1], program[1], "/etc/steadypose/cameras.yaml", "/etc/steadypose/secrets"):
        assert path in head
        assert path in body


def test_what_is_not_built_from_is_not_copied() -> None:
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".venv*"} <= set(left_out)
    assert not {"steadypose", "stream", "pyproject.toml", "constraints.txt"} & set(left_out)
