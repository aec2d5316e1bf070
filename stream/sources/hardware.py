"""Decoding on a graphics chip, where FFmpeg and the machine offer it."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from av.codec.hwaccel import HWAccel, hwdevices_available

if TYPE_CHECKING:
    from av.video.stream import VideoStream

AUTO_ORDER = ("cuda", "videotoolbox", "d3d11va", "vaapi", "qsv")
"""What ``auto`` tries, best first."""


def choose_device(wanted: str) -> tuple[str, str]:
    """The hardware decoder to use, or ``""`` and why there is none.

    Args:
        wanted: ``none``, ``auto``, or the name of a device type such as ``cuda``.

    Returns:
        The name of a device type that decoded a probe, and a line for the user: empty where all is
        as asked.
    """
    if wanted == "none":
        return "", ""
    names = AUTO_ORDER if wanted == "auto" else (wanted,)
    reasons = []
    for name in names:
        reason = _probe(name)
        if not reason:
            return name, ""
        reasons.append(f"{name}: {reason}")
    return "", f"no hardware decoding ({'; '.join(reasons)}); the processor decodes"


@lru_cache(maxsize=16)
def _probe(name: str) -> str:
    """Why a device does not decode; empty where it does."""
    offered = hwdevices_available()
    if name not in offered:
        return "this build of FFmpeg lacks it"
    try:
        device = HWAccel(name, allow_software_fallback=True)
        with av.open(io.BytesIO(_probe_clip()), "r", format="mpegts", hwaccel=device) as container:
            stream = container.streams.video[0]
            if next(container.decode(stream), None) is None:
                return "a probe did not decode"
            return "" if stream.codec_context.is_hwaccel else "no such device here"
    except (av.FFmpegError, OSError, RuntimeError, ValueError, NotImplementedError) as error:
        return getattr(error, "strerror", None) or str(error)


def _probe_clip() -> bytes:
    """A short clip in a codec that every decoder knows."""
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg2video"
    file = io.BytesIO()
    with av.open(file, "w", format="mpegts") as container:
        stream = cast("VideoStream", container.add_stream(codec, rate=25))
        stream.width = stream.height = 256
        stream.pix_fmt = "yuv420p"
        for _ in range(4):
            picture = av.VideoFrame.from_ndarray(np.zeros((256, 256, 3), np.uint8), format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return file.getvalue()
