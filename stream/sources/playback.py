"""A recorded source played as if it were a camera: at its own pace, over and over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from steadypose.frame import Frame
from steadypose.stream.records import Source

_LATE_S = 1.0
"""Who is later than this begins to count anew instead of catching up."""


class Playback:
    """Plays what ``open_source`` opens at its own time stamps, and again from the start.

    Every pass is an epoch of its own. Frames count on.

    Args:
        open_source: Opens the recording; called here and once for every further pass.

    Raises:
        InputError: It cannot be opened.
    """

    def __init__(self, open_source: Callable[[], Source]) -> None:
        self._open = open_source
        self._source = open_source()
        self.info = replace(self._source.info, live=True)
        self.warnings = self._source.warnings
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        """Frames when they are due, until ``close``. Raises SourceError where a pass fails."""
        epoch = index = 0
        try:
            while not self._closed.is_set():
                begun = index
                for frame in self._paced():
                    yield replace(frame, index=index, epoch=epoch, captured_s=time.monotonic())
                    index += 1
                if index == begun:
                    return  # it holds no frame
                epoch += 1
                self._source.close()
                self._source = self._open()
        finally:
            self._source.close()  # it may have been opened while ``close`` was called

    def close(self) -> None:
        """End the iteration; safe from any thread."""
        self._closed.set()
        self._source.close()

    def _paced(self) -> Iterator[Frame]:
        due = previous = None
        for frame in self._source:
            now = time.monotonic()
            due = now if due is None else due + frame.pts_s - (previous or 0.0)
            previous = frame.pts_s
            if now - due > _LATE_S:
                due = now
            if self._closed.wait(max(0.0, due - now)):
                return
            yield frame
