"""A camera that writes number and time into every picture, as a thread or a process of its own.

``python -m steadypose.benchmarks.latency.camera --transport rtsp`` prints the URL to watch as one
line of JSON and sends until its standard input is closed.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.latency import barcode
from steadypose.benchmarks.latency.feeds import Encoder, HttpFeed, RtspFeed

Picture = NDArray[np.uint8]
_MAX_PICTURES = 60
_FAR_BEHIND_S = 0.5


class Camera:
    """Sends pictures at a steady rate to feeds, on a thread of its own.

    Attributes:
        sent: Number of pictures sent so far.
        spoil: Changes an access unit or transport packet on its way; for tests of damage.

    Args:
        pictures: Shown over and over, ``(H, W, 3)`` BGR of one size, at least 256 x 32.
        fps: Frames per second.
        http, rtsp: Where the pictures go.
        keyframe_s: Seconds between two key frames.
    """

    def __init__(
        self,
        pictures: list[Picture],
        fps: float,
        *,
        http: HttpFeed | None = None,
        rtsp: RtspFeed | None = None,
        keyframe_s: float = 1.0,
    ) -> None:
        self.sent = 0
        self.http, self.rtsp = http, rtsp
        self.spoil: Callable[[bytes], bytes] = lambda data: data
        self._fps, self._keyframe_s = fps, keyframe_s
        self._show(pictures)
        self._flowing, self._stop = threading.Event(), threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> Camera:
        """Begin to send."""
        self._thread.start()
        return self

    def pause(self) -> None:
        """Send nothing more, and leave all connections open."""
        self._flowing.clear()

    def resume(self) -> None:
        """Send again."""
        self._flowing.set()

    def change(self, pictures: list[Picture]) -> None:
        """Show other pictures, of another size if need be, within the same connections."""
        with self._lock:
            self._show(pictures)

    def close(self) -> None:
        """Stop sending; the feeds stay open."""
        self._stop.set()
        self._flowing.set()
        self._thread.join()

    def _show(self, pictures: list[Picture]) -> None:
        height, width = pictures[0].shape[:2]
        self._pictures = pictures
        self._encoder = Encoder(
            (width, height),
            self._fps,
            on_unit=self._unit,
            on_ts=self._ts,
            keyframe_s=self._keyframe_s,
        )

    def _unit(self, data: bytes) -> None:
        if self.rtsp is not None:
            self.rtsp.send(self.spoil(data))

    def _ts(self, data: bytes) -> None:
        if self.http is not None:
            self.http.ts.send(self.spoil(data))

    def _run(self) -> None:
        due = time.monotonic()
        zero = due
        while not self._stop.is_set():
            self._flowing.wait()
            with self._lock:
                image = self._pictures[self.sent % len(self._pictures)].copy()
                self._stop.wait(max(0.0, due - time.monotonic()))
                now = time.monotonic()
                barcode.draw(image, self.sent, now)
                self._encoder.encode(image, now - zero)
                if self.http is not None and self.http.jpeg.watched:
                    self.http.send_jpeg(image)
            self.sent += 1
            due = due + 1 / self._fps
            if now - due > _FAR_BEHIND_S:
                due = now


def made_up(size: tuple[int, int], count: int = 30) -> list[Picture]:
    """Pictures ``(H, W, 3)`` with something that moves, of ``size`` (width, height)."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 200, (size[1] // 40, size[0] // 40, 3), np.uint8)
    base = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    return [np.roll(base, 4 * n, 1) for n in range(count)]


def pictures_of(clip: Path, size: tuple[int, int]) -> list[Picture]:
    """The first pictures of a video, brought to ``size`` (width, height), there and back again."""
    found: list[Picture] = []
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            image = frame.to_ndarray(format="bgr24")
            found.append(
                np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
            )
            if len(found) == _MAX_PICTURES:
                break
    return found + found[-2:0:-1]


def main() -> None:
    """Send until standard input is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--transport", choices=("rtsp", "http", "mjpeg"), default="rtsp")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--clip", type=Path)
    options = parser.parse_args()
    width, _, height = options.size.partition("x")
    size = int(width), int(height)
    pictures = pictures_of(options.clip, size) if options.clip else made_up(size)
    http = HttpFeed() if options.transport != "rtsp" else None
    rtsp = RtspFeed() if options.transport == "rtsp" else None
    camera = Camera(pictures, options.fps, http=http, rtsp=rtsp).start()
    url = rtsp.url() if rtsp else ""
    if http is not None:
        url = http.url("live.ts" if options.transport == "http" else "live.mjpg")
    print(json.dumps({"url": url}), flush=True)
    sys.stdin.buffer.read()
    camera.close()
    for feed in (http, rtsp):
        if feed is not None:
            feed.close()
    print(json.dumps({"sent": camera.sent}), flush=True)


if __name__ == "__main__":
    main()
