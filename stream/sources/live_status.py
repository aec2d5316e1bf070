"""What is known of a live source at this moment, for pages, metrics and summaries."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from steadypose.stream.records import Source


class LiveState(Enum):
    """Where a live source is in its life."""

    CONNECTING = "connecting"
    """Being opened, or open and without a first picture."""
    LIVE = "live"
    """Pictures come."""
    STALLED = "stalled"
    """Open, and no picture has come for too long; it is about to be opened anew."""
    WAITING = "waiting"
    """Could not be opened, or broke off; it is tried again in a moment."""
    ENDED = "ended"
    """Over: the stream came to its end, or ``close`` was called."""
    FAILED = "failed"
    """Over: given up; ``last_error`` says why."""

    @property
    def is_over(self) -> bool:
        """Whether no other state follows."""
        return self in (LiveState.ENDED, LiveState.FAILED)


@dataclass(frozen=True, kw_only=True)
class LiveSnapshot:
    """One moment of a live source. Texts are free of credentials.

    Attributes:
        name: Text to show.
        address: Where it comes from, credentials masked.
        state: See ``LiveState``.
        state_since_s: ``time.monotonic()`` of the last change of state.
        epoch: ``Frame.epoch`` of the newest frame.
        reconnects: Connections that brought pictures, less the first.
        attempts: Times that it was tried to connect.
        frames: Pictures received and decoded so far, over all connections.
        dropped: Those of them that a newer one replaced before they were taken.
        skipped: Packets passed over undecoded because decoding had fallen behind.
        damaged: Packets and pictures that could not be decoded or came damaged.
        last_frame_s: ``time.monotonic()`` of the newest picture; None before the first.
        last_error: What last went wrong; ``""`` where nothing did.
        codec: FFmpeg's name of the codec; ``""`` before the first connection.
        decoder: What decodes: ``"cpu"``, or a hardware device such as ``"cuda"``.
        width, height: Size of the newest picture in pixels; 0 before the first.
        fps: Pictures a second over the last few seconds; 0 when none come.
    """

    name: str
    address: str = ""
    state: LiveState = LiveState.CONNECTING
    state_since_s: float = 0.0
    epoch: int = 0
    reconnects: int = 0
    attempts: int = 0
    frames: int = 0
    dropped: int = 0
    skipped: int = 0
    damaged: int = 0
    last_frame_s: float | None = None
    last_error: str = ""
    codec: str = ""
    decoder: str = "cpu"
    width: int = 0
    height: int = 0
    fps: float = 0.0


_FPS_SPAN_S = 2.0


class LiveStatus:
    """Keeps the snapshot of a live source; written by its reader, read from any thread.

    Args:
        name: Text to show.
        address: Where it comes from, credentials masked.
    """

    def __init__(self, name: str, address: str = "") -> None:
        self._lock = threading.Lock()
        now = time.monotonic()
        self._now = LiveSnapshot(name=name, address=address, state_since_s=now)
        self._span_began_s, self._span_frames = now, 0

    def snapshot(self) -> LiveSnapshot:
        """The state of this moment; the rate is 0 once no picture has come for a while."""
        with self._lock:
            now = self._now
        age = time.monotonic() - (now.last_frame_s or 0.0)
        return replace(now, fps=0.0) if age > 2 * _FPS_SPAN_S else now

    def enter(self, state: LiveState, **changes: Any) -> None:
        """Go over to a state, and change other values of the snapshot by name with it.

        What is over stays so: a source is closed by one thread while another still reads.
        """
        with self._lock:
            if self._now.state.is_over:
                return
            if state is not self._now.state:
                changes["state_since_s"] = time.monotonic()
            self._now = replace(self._now, state=state, **changes)

    def change(self, **changes: Any) -> None:
        """Change values of the snapshot by name."""
        with self._lock:
            self._now = replace(self._now, **changes)

    def picture(self, captured_s: float, **changes: Any) -> None:
        """Count a picture that was decoded at ``captured_s``; unless over, it is live with it."""
        with self._lock:
            self._span_frames += 1
            span = captured_s - self._span_began_s
            if span >= _FPS_SPAN_S:
                changes["fps"] = round(self._span_frames / span, 2)
                self._span_began_s, self._span_frames = captured_s, 0
            if self._now.state is not LiveState.LIVE and not self._now.state.is_over:
                changes.update(state=LiveState.LIVE, state_since_s=captured_s)
                self._span_began_s, self._span_frames = captured_s, 0
            frames = self._now.frames + 1
            self._now = replace(self._now, frames=frames, last_frame_s=captured_s, **changes)


def live_snapshot(source: Source) -> LiveSnapshot | None:
    """The state of a source, or None for one that is not live."""
    status = getattr(source, "status", None)
    return status.snapshot() if isinstance(status, LiveStatus) else None
