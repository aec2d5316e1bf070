"""Settings of cameras and network streams."""

from __future__ import annotations

import re
from dataclasses import dataclass

from steadypose.configs.checks import check_choice, check_range
from steadypose.errors import ConfigError

HWACCELS = ("none", "auto", "cuda", "vaapi", "qsv", "videotoolbox", "d3d11va")
TRANSPORTS = ("tcp", "udp")
_SIZE = re.compile(r"|\d{2,5}x\d{2,5}")


@dataclass(frozen=True, kw_only=True)
class LiveConfig:
    """How cameras and network streams are read.

    Attributes:
        open_s: Seconds until an attempt to connect is given up.
        stall_s: Seconds without a picture after which a source counts as stalled and is opened
            anew. Playlists (HLS) come in pieces and get four times as long.
        first_s: Seconds for which the first connection is tried; 0 tries for ever.
        give_up_s: Seconds for which a lost source is tried again before it fails; 0 for ever.
        retry_s: Seconds to wait after the first failed attempt; doubled with every further one.
        retry_max_s: Most seconds to wait between two attempts.
        transport: How RTSP brings pictures: tcp or udp.
        hwaccel: What decodes: none (the processor), auto, cuda, vaapi, qsv, videotoolbox, d3d11va.
        threads: Threads that decode within a picture; 0 lets FFmpeg decide.
        camera_size: Picture size asked of a local camera, such as 1280x720; empty for its own.
        camera_fps: Frames per second asked of a local camera; 0 for its own.
        camera_format: Pixel or stream format asked of a local camera, such as mjpeg or yuyv422.
    """

    open_s: float = 5.0
    stall_s: float = 2.5
    first_s: float = 15.0
    give_up_s: float = 0.0
    retry_s: float = 0.25
    retry_max_s: float = 2.0
    transport: str = "tcp"
    hwaccel: str = "none"
    threads: int = 0
    camera_size: str = ""
    camera_fps: float = 0.0
    camera_format: str = ""

    def __post_init__(self) -> None:
        check_range("live.open_s", self.open_s, 0.1, 600)
        check_range("live.stall_s", self.stall_s, 0.1, 600)
        check_range("live.first_s", self.first_s, 0, 1e9)
        check_range("live.give_up_s", self.give_up_s, 0, 1e9)
        check_range("live.retry_max_s", self.retry_max_s, 0, 3600)
        check_range("live.retry_s", self.retry_s, 0, self.retry_max_s)
        check_range("live.threads", self.threads, 0, 1024)
        check_range("live.camera_fps", self.camera_fps, 0, 1000)
        check_choice("live.transport", self.transport, TRANSPORTS)
        check_choice("live.hwaccel", self.hwaccel, HWACCELS)
        if not _SIZE.fullmatch(self.camera_size):
            raise ConfigError(f"live.camera_size: expected WxH, got '{self.camera_size}'")
