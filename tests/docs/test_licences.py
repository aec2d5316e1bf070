"""The page of licences and the bill of materials say what is installed."""

from __future__ import annotations

import importlib.metadata
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from steadypose.engines import zoo
from tests.docs.documents import ROOT

SCRIPT = ROOT / "scripts" / "third_party.py"
FREE = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-CMU"),
    *("MPL-2.0", "PSF-2.0", "Zlib"),
}
"""Licences that a default install may have; MPL-2.0 binds its own files only."""


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def roots() -> dict[str, list[str]]:
    """What the default install and each extra ask for, read as text: Python 3.10 has no tomllib."""
    text = (ROOT / "pyproject.toml").read_text()
    body = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert body
    listed = text.partition("[project.optional-dependencies]\n")[2].partition("\ndev = [")[0]
    extras = re.findall(r"^(\w+) = \[(.*)\]$", listed, re.MULTILINE)
    found = {name: re.findall(r'"([^"]+)"', wanted) for name, wanted in extras}
    return {"default": re.findall(r'"([^"]+)"', body[1]), **found}


def installed(wanted: list[str]) -> Iterator[str]:
    """Names of what is installed for these requirements, and for what they require in turn."""
    waiting, seen = [Requirement(text) for text in wanted], set()
    while waiting:
        one = waiting.pop()
        key = (canonicalize_name(one.name), frozenset(one.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            further = importlib.metadata.requires(one.name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # an extra that is not tested here
        yield key[0]
        for each in map(Requirement, further):
            extras = one.extras or {""}
            if each.marker is None or any(each.marker.evaluate({"extra": e}) for e in extras):
                waiting.append(each)


def test_the_page_is_the_script_s(script: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    assert page == script["page"](), "run: python scripts/third_party.py page"


@pytest.mark.parametrize("group", roots())
def test_whatever_is_installed_is_listed(script: dict[str, Any], group: str) -> None:
    needed = {canonicalize_name(Requirement(text).name) for text in roots()[group]}
    default = set(script["of_group"]("default"))
    listed = set(script["of_group"](group)) | default
    assert needed <= listed
    assert set(installed(roots()[group])) <= listed


def test_every_package_is_pinned_or_needs_a_gpu_s_maker(script: dict[str, Any]) -> None:
    free = set(script["PACKAGES"]) - set(script["pins"]())
    assert free == {"mako", "openvino", "pycuda", "pytools", "siphash24", "tensorrt"}


def test_the_default_install_is_free_of_copyleft(script: dict[str, Any]) -> None:
    for name in script["of_group"]("default"):
        terms = re.split(r" (?:AND|OR) ", script["PACKAGES"][name]["licence"])
        assert set(terms) <= FREE, name


def test_the_default_models_may_be_used_for_anything() -> None:
    for name in zoo.DEFAULTS:
        terms = re.findall(r"(\S+) \((?:model|package)", zoo.CATALOG[name].licence)
        assert len(terms) == 2
        assert set(terms) <= FREE


def test_stated_licences_are_those_of_the_packages(script: dict[str, Any]) -> None:
    checked = 0
    for name, entry in script["PACKAGES"].items():
        try:
            stated = importlib.metadata.metadata(name).get("License-Expression")
        except importlib.metadata.PackageNotFoundError:
            continue
        if stated and name != "numpy":  # which words it anew with every version
            assert entry["licence"] == stated, name
            checked += 1
    assert checked > 20


def test_the_bill_of_materials(script: dict[str, Any], tmp_path: Path) -> None:
    bill = script["bill"]()
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    parts = {part["name"]: part for part in bill["components"]}
    assert set(zoo.CATALOG) <= set(parts)
    assert {"numpy", "opencv-python", "av", "onnxruntime"} <= set(parts)
    refs = [part["bom-ref"] for part in bill["components"]]
    assert len(set(refs)) == len(refs)
    assert set(bill["dependencies"][0]["dependsOn"]) <= set(refs)
    for part in bill["components"]:
        assert part["licenses"]
        if part["type"] == "library":
            assert part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}"
    assert bill == script["bill"]()
