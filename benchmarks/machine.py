"""Where a measurement ran: the processor, the versions, the commit."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from steadypose._version import __version__
from steadypose.stream.batch.limits import cores

USUAL = ("numpy", "scipy", "opencv-python", "av", "onnxruntime")


def hardware() -> str:
    """The processor and how many cores of it may be used."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(x.partition(":")[2].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {cores()} cores"


@contextlib.contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Have what is started meanwhile use the first ``count`` of our cores; 0: all."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(ours)[: count or None])
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


def resident_bytes(pid: int | None = None) -> int:
    """Memory of a process that lies in the machine's; 0 where the system does not tell.

    Args:
        pid: This process where not given.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def versions(packages: Iterable[str] = USUAL) -> dict[str, str]:
    """Of Python, of this package and of those named; ``not installed`` where one is not."""
    found = {"python": platform.python_version(), "steadypose": __version__}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def commit() -> str | None:
    """The commit that runs, ``+`` behind it where files differ; None outside of a checkout."""
    folder = Path(__file__).resolve().parent
    try:
        top, head, changed = (
            subprocess.run(
                ["git", "-C", str(folder), *words],
                capture_output=True,
                text=True,
                check=True,
                timeout=10,
            ).stdout.strip()
            for words in (
                ("rev-parse", "--show-toplevel"),
                ("rev-parse", "--short=12", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no", "--", "*.py"),
            )
        )
    except (OSError, subprocess.SubprocessError):
        return None
    # Installed into somebody else's checkout, its commit says nothing.
    return f"{head}{'+' if changed else ''}" if Path(top) == folder.parent else None
