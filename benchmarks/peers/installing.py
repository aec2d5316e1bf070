"""Installs packages into the environment whose python runs this, and notes what that cost.

``python installing.py OUT.json REQUIREMENT...`` needs pip alone. OUT: ``requirements``, ``seconds``
of pip without its cache of wheels, ``bytes`` of what was installed (pip and setuptools left out).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

_BEFORE = ("pip", "setuptools", "_distutils_hack", "pkg_resources", "wheel")


def installed_bytes(site: Path) -> int:
    """Disk space of a folder of packages, as blocks; those of pip are left out."""
    total = 0
    for top in site.iterdir():
        if top.name.partition("-")[0] in _BEFORE:
            continue
        inner = [top, *top.rglob("*")] if top.is_dir() else [top]
        total += sum(512 * os.lstat(path).st_blocks for path in inner)
    return total


def main() -> int:
    """Install and write the note."""
    target, *requirements = sys.argv[1:]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir"]
    began = time.perf_counter()
    subprocess.run([*command, "--disable-pip-version-check", *requirements], check=True)
    seconds = time.perf_counter() - began
    size = installed_bytes(Path(sysconfig.get_path("purelib")))
    note = {"requirements": requirements, "seconds": round(seconds, 1), "bytes": size}
    Path(target).write_text(json.dumps(note) + "\n", encoding="utf-8")
    print(f"{sys.prefix}: {size / 1e6:.0f} MB in {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
