"""Every dependency is pinned for every Python that is supported."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
_LIST = re.compile(r"^(dependencies|dev) = \[\n(.*?)^\]", re.MULTILINE | re.DOTALL)
_EXTRA = re.compile(r"^(\w+) = \[(.*)\]$", re.MULTILINE)


def pins(root: Path) -> list[Requirement]:
    lines = (root / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def wanted(root: Path) -> list[Requirement]:
    """The default and the ``dev`` requirements, read as text: tomllib is not in Python 3.10.

    ``dev`` names extras of ours; what these require stands in their place.
    """
    text = (root / "pyproject.toml").read_text()
    lists = _LIST.findall(text)
    assert [name for name, _ in lists] == ["dependencies", "dev"]
    named = [requirement for _, body in lists for requirement in requirements(body)]
    (own,) = [requirement for requirement in named if requirement.name == "steadypose"]
    extras = dict(_EXTRA.findall(text))
    inner = [one for extra in sorted(own.extras) for one in requirements(extras[extra])]
    return [one for one in named if one is not own] + inner


def requirements(body: str) -> list[Requirement]:
    return [Requirement(text) for text in re.findall(r'"([^"]+)"', body)]


@pytest.mark.parametrize("python", PYTHONS)
def test_each_requirement_has_one_pin_that_fits(root: Path, python: str) -> None:
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
    }
    held = [pin for pin in pins(root) if pin.marker is None or pin.marker.evaluate(environment)]
    for requirement in wanted(root):
        name = canonicalize_name(requirement.name)
        found = [pin for pin in held if canonicalize_name(pin.name) == name]
        assert len(found) == 1, f"{name} on Python {python}: {found}"
        (specifier,) = found[0].specifier
        assert specifier.operator == "=="
        assert requirement.specifier.contains(specifier.version), str(found[0])


def test_the_file_names_no_place(root: Path) -> None:
    text = (root / "constraints.txt").read_text()
    assert not re.search(r"://|@ |--|\bvia\b", text)


def test_this_python_is_one_that_is_pinned() -> None:
    assert sys.version_info >= (3, 10)
