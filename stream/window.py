"""The newest picture with the people drawn in, in a window of the desktop."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.stream.records import FrameResult, Source
from steadypose.stream.sinks.drawing import draw_poses
from steadypose.stream.sources import LiveState, live_snapshot

_POLL_MS = 15
_QUIT_KEYS = (ord("q"), 27)
_PROBE = "import cv2; cv2.namedWindow('probe'); cv2.waitKey(1)"
_PROBE_S = 20.0
_NO_DESKTOP = (
    "--show needs a desktop and OpenCV with windows (opencv-python, not -headless); "
    "without one, watch in a browser with 'steadypose serve' or write a video with --save-video"
)


def check_desktop() -> None:
    """Find out whether a window can be opened, before anything is begun.

    It is tried in a process of its own: Qt ends the process where it finds no display.

    Raises:
        InputError: It cannot.
    """
    environment = os.environ
    if sys.platform.startswith("linux") and not (
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    ):
        raise InputError(_NO_DESKTOP)
    command = [sys.executable, "-c", _PROBE]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PROBE_S, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(_NO_DESKTOP) from None
    if done.returncode:
        raise InputError(_NO_DESKTOP)


class Window:
    """Shows results from any thread; ``loop`` belongs to the main thread, as OpenCV wants it.

    Args:
        source: Whose results are shown.
        draw_score: Joints with a lower score are not drawn (0..1).
    """

    def __init__(self, source: Source, *, draw_score: float = 0.2) -> None:
        self._source, self._draw_score = source, draw_score
        self._lock = threading.Lock()
        self._newest: FrameResult | None = None
        self._count = 0

    def show(self, result: FrameResult) -> None:
        """Show a result in place of the one before; returns at once."""
        with self._lock:
            self._newest = result
            self._count += 1

    def loop(self, done: Callable[[], bool]) -> bool:
        """Keep the window alive until ``done()``; True when the user closed it or pressed q."""
        title = self._source.info.name
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        shown: FrameResult | None = None
        sized = False
        rate = _Rate()
        try:
            while not done():
                with self._lock:
                    newest, count = self._newest, self._count
                if newest is not None and (newest is not shown or self._is_late(newest)):
                    cv2.imshow(title, self._picture(newest, rate.of(count)))
                    if not sized:
                        cv2.resizeWindow(title, newest.frame.width, newest.frame.height)
                        sized = True
                    shown = newest
                if cv2.waitKey(_POLL_MS) & 0xFF in _QUIT_KEYS or _is_closed(title, sized):
                    return True
            return False
        finally:
            cv2.destroyAllWindows()

    def beside(self, work: Callable[[], None], stop: Callable[[], None]) -> None:
        """Do ``work`` on a thread of its own, while this one keeps the window alive.

        Args:
            work: Raises here what it raises there.
            stop: Makes ``work`` end; called when the window is closed.
        """
        failures: list[BaseException] = []

        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=guarded, name="steadypose-write")
        thread.start()
        try:
            self.loop(lambda: not thread.is_alive())
        finally:
            stop()
            thread.join()
        if failures:
            raise failures[0]

    def _is_late(self, result: FrameResult) -> bool:
        return time.monotonic() - result.frame.captured_s > 1.0

    def _picture(self, result: FrameResult, fps: float) -> NDArray[np.uint8]:
        image = draw_poses(result.frame.image, result.poses, draw_score=self._draw_score)
        age_s = time.monotonic() - result.frame.captured_s
        text = f"{fps:.1f} fps  {1e3 * age_s:.0f} ms  {len(result.poses)} people"
        live = live_snapshot(self._source)
        if live is not None and live.state is not LiveState.LIVE:
            text = f"{live.state.value} for {time.monotonic() - live.state_since_s:.0f} s"
        scale = max(0.5, image.shape[0] / 1000)
        for colour, width in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            place = (8, round(30 * scale))
            font = cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(image, text, place, font, scale, colour, width, cv2.LINE_AA)
        return image


class _Rate:
    """Results a second, over the last second or more."""

    def __init__(self) -> None:
        self._since_s, self._since_count, self._fps = time.monotonic(), 0, 0.0

    def of(self, count: int) -> float:
        now = time.monotonic()
        if now - self._since_s >= 1.0:
            self._fps = (count - self._since_count) / (now - self._since_s)
            self._since_s, self._since_count = now, count
        return self._fps


def _is_closed(title: str, shown: bool) -> bool:
    return shown and cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1
