"""Playlists and recordings behind a URL: they come in bursts and are shown at their pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

from steadypose.configs import LiveConfig
from steadypose.errors import InputError
from steadypose.stream.sources import LiveSource, LiveState
from tests.media import number_of, picture, write_clip


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The URL of the test's own folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def broadcast(tmp_path: Path) -> Iterator[None]:
    """Writes a playlist of one-second segments, as a live encoder does."""
    stop = threading.Event()

    def run() -> None:
        options = {"hls_time": "1", "hls_list_size": "3", "hls_flags": "delete_segments"}
        with av.open(str(tmp_path / "live.m3u8"), "w", format="hls", options=options) as container:
            stream = container.add_stream("libx264", rate=25, options={"g": "25", "bf": "0"})
            stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
            zero, n = time.monotonic(), 0
            while not stop.wait(max(0.0, zero + n / 25 - time.monotonic())):
                frame = av.VideoFrame.from_ndarray(picture(n % 256), format="bgr24")
                container.mux(stream.encode(frame))
                n += 1

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.usefixtures("broadcast")
def test_a_live_playlist_is_shown_at_its_pace(served: str, tmp_path: Path) -> None:
    settings = LiveConfig(first_s=30)
    source = LiveSource(f"{served}/live.m3u8", settings=settings, max_frames=40)
    shown, numbers = [], []
    for frame in source:
        shown.append(frame.captured_s)
        numbers.append(number_of(frame.image))
    # Without pace, all but one picture of each segment would be replaced before it is taken.
    skips = np.diff(np.unwrap(numbers, period=256))
    assert np.median(skips) == 1
    assert skips.max() < 30
    assert np.median(np.diff(shown)) > 0.02


def test_a_recording_ends_where_it_ends(served: str, tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", frames=25)
    source = LiveSource(f"{served}/clip.mp4")
    began = time.monotonic()
    frames = list(source)
    assert time.monotonic() - began > 0.7
    assert len(frames) + source.status.snapshot().dropped == 25
    assert len(frames) > 15
    assert source.status.snapshot().state is LiveState.ENDED
    assert source.status.snapshot().reconnects == 0


def test_what_is_no_video(served: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html>" + "no video here " * 500)
    source = LiveSource(f"{served}/page.html", settings=LiveConfig(first_s=0.2, retry_s=0.1))
    with pytest.raises(InputError, match=r"page.html: the answer is no video stream"):
        list(source)
