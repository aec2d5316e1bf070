"""``steadypose doctor``: what was found on this machine, and what to do about what was not."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from typing import Any

from steadypose._version import __version__
from steadypose.errors import SteadyposeError
from steadypose.opencv_check import explain_opencv_import
from steadypose.stream.cli.findings import Finding

_USUAL_CODECS = ("h264", "hevc", "vp9", "av1", "mjpeg", "mpeg4")


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "doctor", help="say what was found on this machine and what is missing"
    )
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Print the findings. Exit code 0 even where something is missing: the report is the result."""
    del options
    for finding in examine():
        line = f"{finding.state:5} {finding.subject:14} {finding.found}"
        print(line + (f" -> {finding.remedy}" if finding.remedy else ""))
    return 0


def examine() -> Iterator[Finding]:
    """All findings, in the order in which they matter."""
    yield Finding(
        subject="steadypose", found=f"{__version__} on Python {platform.python_version()}"
    )
    yield Finding(
        subject="CPU", found=f"{platform.machine()}, {_usable_cores()} cores usable{_memory()}"
    )
    for check in (_opencv, _video, _runtimes, _models, _refiners, _gpu, _cache):
        yield from _guarded(check)


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A check that fails is a finding like any other."""
    try:
        yield from check()
    except (ImportError, OSError, SteadyposeError) as error:
        reason = " ".join(str(error).split())
        yield Finding(subject=check.__name__.lstrip("_"), found=reason, state="bad")


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return ""
    return f", {size / 2**30:.1f} GiB memory"


def _opencv() -> Iterator[Finding]:
    try:
        import cv2
    except ImportError as error:
        remedy = explain_opencv_import(error)
        yield Finding(subject="OpenCV", found="cannot be imported", state="bad", remedy=remedy)
        return
    yield Finding(subject="OpenCV", found=cv2.__version__)


def _video() -> Iterator[Finding]:
    import av

    readable = [name for name in _USUAL_CODECS if name in av.codecs_available]
    library = ".".join(map(str, av.library_versions["libavcodec"]))
    yield Finding(
        subject="video", found=f"PyAV {av.__version__}, libavcodec {library}: {' '.join(readable)}"
    )
    if "libx264" in av.codecs_available:
        yield Finding(subject="overlay", found="H.264 by libx264")
    else:
        remedy = "install PyAV from its wheel for H.264"
        yield Finding(subject="overlay", found="no libx264", state="note", remedy=remedy)


def _runtimes() -> Iterator[Finding]:
    from steadypose.engines.runtimes import usable_runtimes

    for name, version in usable_runtimes().items():
        if version is not None:
            yield Finding(subject="run time", found=f"{name} {version}")
        elif name == "onnxruntime":
            remedy = "pip install onnxruntime"
            yield Finding(subject="run time", found=f"{name} missing", state="bad", remedy=remedy)
        else:
            remedy = f"optional: pip install 'steadypose[{name}]'"
            yield Finding(subject="run time", found=f"{name} missing", state="note", remedy=remedy)


def _models() -> Iterator[Finding]:
    from steadypose.engines import zoo

    missing = [s.entry.name for s in zoo.status() if s.entry.name in zoo.DEFAULTS and not s.ready]
    if missing:
        yield Finding(
            subject="models",
            found=f"missing: {', '.join(missing)}",
            state="bad",
            remedy="steadypose models fetch",
        )
    else:
        yield Finding(subject="models", found=f"ready: {', '.join(zoo.DEFAULTS)}")


def _refiners() -> Iterator[Finding]:
    from steadypose.engines.refiner import load

    for name in load.REFINERS:
        path = load.WEIGHTS / f"{name}.onnx"
        if not path.is_file():
            yield Finding(subject="refiner", found=f"{name} missing", state="note")
            continue
        record = load.check_refiner(path)
        small = ", and INT8 for the processor" if load.int8_path(path, record) else ""
        size = path.stat().st_size / 1e6
        yield Finding(subject="refiner", found=f"{name} ready, {size:.1f} MB{small}")


def _gpu() -> Iterator[Finding]:
    from steadypose.stream.cli.doctor_gpu import examine_gpu

    yield from examine_gpu()


def _cache() -> Iterator[Finding]:
    from steadypose.engines import zoo

    folder = zoo.cache_folder()
    nearest = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(nearest).free
    writable = os.access(nearest, os.W_OK)
    yield Finding(
        subject="cache",
        found=f"{folder}, {free / 2**30:.1f} GiB free{'' if writable else ', not writable'}",
        state="ok" if writable else "bad",
        remedy="" if writable else "set STEADYPOSE_CACHE to a folder of your own",
    )
