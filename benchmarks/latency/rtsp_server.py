"""An RTSP server for one camera: GStreamer's, fed with H.264 pictures on standard input.

A program of its own for the system's Python, as that one has GStreamer's bindings (Debian:
``python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,bad}``). It imports nothing
of ours. It prints the port that it listens on and ends with its input.

Each picture on standard input is four bytes of length, big endian, and an access unit in Annex B
form.
"""

from __future__ import annotations

import argparse
import struct
import sys
import threading
from typing import Any

_PIPELINE = (
    "( appsrc name=camera is-live=true do-timestamp=true format=time max-bytes=4000000 "
    "caps=video/x-h264,stream-format=byte-stream,alignment=au "
    "! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


class Camera:
    """Hands the pictures on to whoever watches."""

    def __init__(self, gst: Any) -> None:
        self._gst = gst
        self._lock = threading.Lock()
        self._outlet: Any = None

    def watched(self, _factory: Any, media: Any) -> None:
        """A pipeline was made for the first of those who watch."""
        with self._lock:
            self._outlet = media.get_element().get_by_name_recurse_up("camera")

    def feed(self, loop: Any) -> None:
        """Push what comes on standard input; end the program with it."""
        stream = sys.stdin.buffer
        while len(head := stream.read(4)) == 4:
            data = stream.read(struct.unpack(">I", head)[0])
            with self._lock:
                outlet = self._outlet
            if outlet is not None:
                outlet.emit("push-buffer", self._gst.Buffer.new_wrapped(data))
        loop.quit()


def main() -> None:
    """Serve ``rtsp://HOST:PORT/live`` until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default="0")
    parser.add_argument("--login", default="", help="USER:PASSWORD asked of who watches")
    options = parser.parse_args()
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    camera, loop, server = Camera(Gst), GLib.MainLoop(), GstRtspServer.RTSPServer()
    server.set_address(options.host)
    server.set_service(options.port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(_PIPELINE)
    factory.set_shared(True)
    factory.connect("media-configure", camera.watched)
    if options.login:
        _ask_for_login(GstRtspServer, server, factory, *options.login.split(":", 1))
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    threading.Thread(target=camera.feed, args=(loop,), daemon=True).start()
    loop.run()


def _ask_for_login(rtsp: Any, server: Any, factory: Any, user: str, password: str) -> None:
    token, auth, permissions = rtsp.RTSPToken(), rtsp.RTSPAuth(), rtsp.RTSPPermissions()
    token.set_string(rtsp.RTSP_TOKEN_MEDIA_FACTORY_ROLE, user)
    auth.add_basic(rtsp.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    for right in (rtsp.RTSP_PERM_MEDIA_FACTORY_ACCESS, rtsp.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT):
        permissions.add_permission_for_role(user, right, True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    main()
