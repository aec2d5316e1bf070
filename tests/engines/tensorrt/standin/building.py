"""Builds the stand-in for libcuda.so.1."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("libcuda.c")
_OPTIONS = ("-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC", "-pthread", "-shared")
_NOT_SUPPORTED = 801


def build(folder: Path, user: Path) -> Path:
    """Compile the stand-in.

    Args:
        folder: Where the library goes.
        user: A library that loads only where all that it calls is there. What the stand-in does not
            have refuses to work.
    """
    undefined = subprocess.run(
        ["nm", "-D", "--undefined-only", str(user)], check=True, capture_output=True, text=True
    ).stdout
    wanted = set(re.findall(r"\bcu[A-Z]\w*", undefined))
    there = set(re.findall(r"^CUresult (cu\w+)\(", SOURCE.read_text("utf-8"), re.MULTILINE))
    rest = folder / "rest.c"
    rest.write_text(
        "\n".join(
            f"int {name}(void); int {name}(void) {{ return {_NOT_SUPPORTED}; }}"
            for name in sorted(wanted - there)
        ),
        encoding="utf-8",
    )
    library = folder / "libcuda.so.1"
    subprocess.run(
        ["gcc", *_OPTIONS, "-Wl,-soname,libcuda.so.1", "-o", str(library), str(SOURCE), str(rest)],
        check=True,
    )
    return library
