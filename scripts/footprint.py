"""How large an installation is: megabytes (10^6 bytes) of each package, as a Markdown table.

    python scripts/footprint.py ENVIRONMENT

ENVIRONMENT is the folder of a virtual environment; pip and setuptools do not count. The files are
those that pip recorded and what Python compiled of them.
"""

from __future__ import annotations

import argparse
from importlib.metadata import distributions
from importlib.util import cache_from_source
from pathlib import Path

TOOLS = ("pip", "setuptools")


def sizes(environment: Path) -> dict[str, int]:
    """Bytes of each package in a virtual environment, the largest first."""
    found = {}
    for folder in environment.glob("lib/python3*/site-packages"):
        for each in distributions(path=[str(folder)]):
            files = {Path(str(file.locate())).resolve() for file in each.files or ()}
            files |= {Path(cache_from_source(f)) for f in files if f.suffix == ".py"}
            found[each.name] = sum(file.stat().st_size for file in files if file.is_file())
    own = {name: size for name, size in found.items() if name not in TOOLS}
    return dict(sorted(own.items(), key=lambda item: -item[1]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment", type=Path)
    found = sizes(parser.parse_args().environment)
    print("| package | MB |\n|---|---:|")
    for name, size in found.items():
        print(f"| {name} | {size / 1e6:.1f} |")
    print(f"| **all** | **{sum(found.values()) / 1e6:.1f}** |")


if __name__ == "__main__":
    main()
