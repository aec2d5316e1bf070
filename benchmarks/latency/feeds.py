"""An encoder as in a camera, and what brings its pictures to those who watch."""

from __future__ import annotations

import contextlib
import queue
import struct
import subprocess
import threading
from collections.abc import Callable
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError

SYSTEM_PYTHON = "/usr/bin/python3"
_CLOCK = Fraction(1, 90_000)
_BACKLOG = 600
"""Pieces that may wait for a slow client before it is cut off."""
_MISSING = (
    "the RTSP server needs GStreamer's (Debian: python3-gi gir1.2-gst-rtsp-server-1.0 "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad); "
    "install them, or choose another transport"
)


class Encoder:
    """H.264 without delay, as cameras do it: no B-frames, a key frame a second.

    Args:
        size: Width and height in pixels.
        fps: Frames per second.
        on_unit: Gets each access unit in Annex B form.
        on_ts: Gets each piece of an MPEG transport stream of the same pictures.
        keyframe_s: Seconds between two key frames.
    """

    def __init__(
        self,
        size: tuple[int, int],
        fps: float,
        *,
        on_unit: Callable[[bytes], object] = lambda _: None,
        on_ts: Callable[[bytes], object] = lambda _: None,
        keyframe_s: float = 1.0,
    ) -> None:
        self._on_unit, self._on_ts = on_unit, on_ts
        flags = "+pat_pmt_at_frames+resend_headers"
        self._container = av.open(
            cast("Any", self),
            "w",
            format="mpegts",
            options={"mpegts_flags": flags},
        )
        options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23"}
        options["x264-params"] = "sliced-threads=0"  # one slice a picture
        rate = Fraction(fps).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate, options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = stream.time_base = _CLOCK
        stream.codec_context.gop_size = max(1, round(fps * keyframe_s))
        self._stream = stream

    def write(self, data: bytes) -> int:
        """Take a piece of the transport stream from the muxer."""
        self._on_ts(bytes(data))
        return len(data)

    def encode(self, image: NDArray[np.uint8], time_s: float) -> None:
        """Encode a BGR picture shown at ``time_s`` and hand it on."""
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts, frame.time_base = round(time_s / _CLOCK), _CLOCK
        for packet in self._stream.encode(frame):
            self._on_unit(bytes(packet))
            self._container.mux(packet)


class Broadcast:
    """Pieces of bytes to any number of clients, each with a queue of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: set[queue.Queue[bytes]] = set()

    def send(self, data: bytes) -> None:
        """Give a piece to all; one that does not keep up is let go."""
        with self._lock:
            for client in list(self._clients):
                try:
                    client.put_nowait(data)
                except queue.Full:
                    self._clients.discard(client)

    def join(self) -> queue.Queue[bytes]:
        """A new client's queue."""
        client: queue.Queue[bytes] = queue.Queue(_BACKLOG)
        with self._lock:
            self._clients.add(client)
        return client

    def leave(self, client: queue.Queue[bytes]) -> None:
        """Send no more to a client."""
        with self._lock:
            self._clients.discard(client)

    @property
    def watched(self) -> bool:
        """Whether there is any client."""
        with self._lock:
            return bool(self._clients)

    def end(self) -> None:
        """Tell all clients that nothing more comes."""
        self.send(b"")


class HttpFeed:
    """Serves ``/live.ts`` (MPEG transport stream) and ``/live.mjpg`` (motion JPEG) on loopback.

    Args:
        port: Where to listen; 0 for a free port.
    """

    def __init__(self, port: int = 0) -> None:
        self.ts, self.jpeg = Broadcast(), Broadcast()
        handler = type("Handler", (_Handler,), {"feed": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, name: str) -> str:
        """The address of ``live.ts`` or ``live.mjpg``."""
        return f"http://127.0.0.1:{self.port}/{name}"

    def send_jpeg(self, image: NDArray[np.uint8]) -> None:
        """Send a BGR picture to those who watch motion JPEG."""
        _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 85))
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {data.size}\r\n\r\n"
        self.jpeg.send(head.encode() + data.tobytes() + b"\r\n")

    def close(self) -> None:
        """Cut everyone off and listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self.ts.end()
        self.jpeg.end()


class _Handler(BaseHTTPRequestHandler):
    feed: HttpFeed
    _KINDS = {  # noqa: RUF012
        "/live.ts": ("ts", "video/mp2t"),
        "/live.mjpg": ("jpeg", "multipart/x-mixed-replace; boundary=frame"),
    }

    def do_GET(self) -> None:
        if self.path not in self._KINDS:
            self.send_error(404)
            return
        name, kind = self._KINDS[self.path]
        pieces: Broadcast = getattr(self.feed, name)
        client = pieces.join()
        try:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            while data := client.get():
                self.wfile.write(data)
        except OSError:
            pass
        finally:
            pieces.leave(client)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class RtspFeed:
    """GStreamer's RTSP server as a child process, fed with access units.

    Args:
        port: Where to listen; 0 for a free port.
        login: ``USER:PASSWORD`` asked of who watches; none where empty.

    Raises:
        InputError: The system lacks the server.
    """

    def __init__(self, port: int = 0, login: str = "") -> None:
        script = str(Path(__file__).with_name("rtsp_server.py"))
        command = [SYSTEM_PYTHON, script, "--port", str(port), "--login", login]
        pipe = subprocess.PIPE
        try:
            self.process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, bufsize=0
            )
        except OSError:
            raise InputError(_MISSING) from None
        line = self.process.stdout.readline() if self.process.stdout else b""
        if not line.strip().isdigit():
            self.close()
            raise InputError(_MISSING)
        self.port = int(line)

    def url(self, login: str = "") -> str:
        """The address to watch."""
        return f"rtsp://{login}{'@' if login else ''}127.0.0.1:{self.port}/live"

    def send(self, unit: bytes) -> None:
        """Feed an access unit; does nothing once the server is gone."""
        if self.process.stdin is None:
            return
        with contextlib.suppress(OSError, ValueError):  # ValueError: closed meanwhile
            self.process.stdin.write(struct.pack(">I", len(unit)) + unit)

    def close(self) -> None:
        """Kill the server."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
