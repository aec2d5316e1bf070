"""What Steadypose is installed with and fetches, and under which licences.

    python scripts/third_party.py page          # writes docs/licences.md
    python scripts/third_party.py sbom [FILE]   # writes a CycloneDX bill of materials

Licences are kept in third_party.json, as their packages state them (the identifiers are SPDX's);
versions come from constraints.txt, models from the zoo. So both files are the same on every
machine, the bill but for the versions that its Python takes.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from steadypose._version import __version__
from steadypose.engines import zoo

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"
RECORD = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
PACKAGES: dict[str, dict[str, Any]] = RECORD["packages"]
BUNDLED: dict[str, str] = RECORD["bundled"]

_HEAD = """# Licences

Steadypose is Apache-2.0, the two refiners in its wheel included. This page lists what is installed
beside it and which models it fetches; none of that is part of this repository or of its wheel.

*Written by `python scripts/third_party.py page`; `make sbom` writes the same as a CycloneDX bill of
materials.*
"""
_BUNDLED_HEAD = """## Inside the wheels

Wheels hold libraries under licences of their own. Whoever passes an installation on, say as a
container image, passes them on too. x264 and x265 in particular are GPL: pass PyAV's wheel on under
the GPL's terms, or a PyAV that was built without them (overlays are then not H.264).

| package | brings |
|---|---|
"""
_MODELS_HEAD = """## Models

Fetched on demand, each with its SHA-256 pinned ([models](models.md)).

| model | licence | from |
|---|---|---|
"""


def pins() -> dict[str, list[Requirement]]:
    """Every package's lines in constraints.txt."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            found.setdefault(pin.name, []).append(pin)
    return found


def versions(pin: list[Requirement]) -> list[str]:
    """The versions that are pinned, in the order of the file."""
    return list(dict.fromkeys(s.version for one in pin for s in one.specifier))


def of_group(group: str) -> list[str]:
    """Names of the packages that the default install (``default``) or an extra brings."""
    return [name for name, entry in PACKAGES.items() if group in entry["for"]]


def groups() -> list[str]:
    """``default``, then the extras."""
    extras = {group for entry in PACKAGES.values() for group in entry["for"]} - {"default"}
    return ["default", *sorted(extras)]


def page() -> str:
    """The page of licences."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    held = pins()
    yield _HEAD
    for group in groups():
        yield "\n## Default install\n" if group == "default" else f"\n## Extra `{group}`\n"
        if group != "default":
            yield "\nBeside the default install:\n"
        yield "\n| package | version | licence |\n|---|---|---|\n"
        for name in of_group(group):
            tested = ", ".join(versions(held.get(name, []))) or "not pinned"
            yield f"| {name} | {tested} | {PACKAGES[name]['licence']} |\n"
    yield "\n" + _BUNDLED_HEAD
    yield from (f"| {name} | {text} |\n" for name, text in BUNDLED.items())
    yield "\n" + _MODELS_HEAD
    for name, entry in zoo.CATALOG.items():
        yield f"| `{name}` | {entry.licence} | {_source(entry.archive.source.text)} |\n"


def _source(text: str) -> str:
    return f"[{text.rpartition('/')[2]}]({text})" if text.startswith("https:") else text


def bill() -> dict[str, Any]:
    """The bill of materials of a default install with the zoo's models, CycloneDX 1.6."""
    held = pins()
    packages = []
    for name in of_group("default"):
        fitting = [pin for pin in held[name] if pin.marker is None or pin.marker.evaluate()]
        packages += [_library(name, version) for version in versions(fitting)]
    models = [_model(entry) for entry in zoo.CATALOG.values()]
    own = {"type": "application", "bom-ref": "steadypose", "name": "steadypose"}
    licence = [{"license": {"id": "Apache-2.0"}}]
    component = {**own, "version": __version__, "licenses": licence}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component},
        "components": packages + models,
        "dependencies": [{"ref": "steadypose", "dependsOn": [p["bom-ref"] for p in packages]}],
    }


def _library(name: str, version: str) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "licenses": [{"expression": PACKAGES[name]["licence"]}],
        "purl": purl,
    }


def _model(entry: zoo.Entry) -> dict[str, Any]:
    model = {
        "type": "data" if entry.kind == "clip" else "machine-learning-model",
        "bom-ref": f"model:{entry.name}",
        "name": entry.name,
        "licenses": [{"license": {"name": entry.licence}}],
        "description": f"from {entry.archive.source.text}",
    }
    if entry.sha256:
        model["hashes"] = [{"alg": "SHA-256", "content": entry.sha256}]
    return model


def main() -> None:
    """Write the page or the bill."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("page", "sbom"))
    parser.add_argument("file", nargs="?", type=Path, help="where the bill goes [dist/sbom.json]")
    options = parser.parse_args()
    path = PAGE if options.what == "page" else options.file or ROOT / "dist" / "sbom.json"
    text = page() if options.what == "page" else json.dumps(bill(), indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    print(re.sub(r"^\./", "", str(path)))


if __name__ == "__main__":
    main()
