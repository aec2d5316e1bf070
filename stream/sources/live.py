"""A camera or network stream as a source of frames that heals itself and never lags behind."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from steadypose.configs import LiveConfig
from steadypose.errors import InputError, SourceError
from steadypose.frame import Frame
from steadypose.stream.channel import Channel, ChannelClosed, Policy
from steadypose.stream.records import SourceInfo
from steadypose.stream.sources.addresses import parse_address
from steadypose.stream.sources.backoff import Backoff
from steadypose.stream.sources.connection import Connection, ConnectionLost
from steadypose.stream.sources.decoding import to_bgr
from steadypose.stream.sources.hardware import choose_device
from steadypose.stream.sources.live_clock import TIME_BASE, LiveClock, Pacer
from steadypose.stream.sources.live_status import LiveState, LiveStatus
from steadypose.stream.sources.orientation import OrientationReader

_log = logging.getLogger(__name__)
_REFUSED_S = 30.0
"""Cameras lock an account after a few wrong passwords."""
_STEADY_S = 10.0
"""A connection that held so long was a success; the next waits start small again."""


class LiveSource:
    """The newest picture of a camera or a network stream, over all its connections.

    A thread of its own reads and decodes at the pace of the source; a picture that is not taken
    before the next one comes is dropped and counted. ``Frame.index`` counts the pictures decoded.
    ``Frame.epoch`` is raised by every connection and where the size of the picture changes.

    A stream that breaks, stalls or is ended by its server is opened anew, sooner first and later
    at longer intervals. A recording behind a URL ends the iteration where it ends.

    Args:
        spec: A camera's number or device, ``webcam:NAME``, or a URL.
        settings: How it is read.
        name: Text to show and what files are called after; made from ``spec`` where not given.
        max_frames: End after so many frames.

    Raises:
        InputError: ``spec`` names no live source.
    """

    def __init__(
        self,
        spec: str,
        *,
        settings: LiveConfig | None = None,
        name: str = "",
        max_frames: int | None = None,
    ) -> None:
        self._settings = settings or LiveConfig()
        self._address = parse_address(spec)
        self._max_frames = max_frames
        self.info = SourceInfo(
            name=name or self._address.shown,
            stem=name or self._address.stem,
            time_base=TIME_BASE,
            live=True,
        )
        self.status = LiveStatus(self.info.name, self._address.shown)
        self.warnings: list[str] = []
        self._frames: Channel[Frame] = Channel(policy=Policy.LATEST)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._iterated = False
        self._clock = LiveClock()
        self._backoff = Backoff(self._settings.retry_s, self._settings.retry_max_s)
        self._epoch = -1
        self._size = (0, 0)
        self._lost_since_s = time.monotonic()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the newest frame, waiting for one; none after ``close``.

        Raises:
            SourceError: The source was lost and is given up.
            InputError: It could never be opened, or was iterated before.
        """
        with self._lock:
            if self._iterated:
                raise InputError(f"{self.info.name}: a source can be iterated only once")
            self._iterated = True
        if self._stop.is_set():
            return
        # A read that hangs in FFmpeg ends by its timeout only; nobody may have to wait for it.
        threading.Thread(target=self._read, name="steadypose-live", daemon=True).start()
        try:
            for taken, frame in enumerate(self._frames, 1):
                yield frame
                if taken == self._max_frames:
                    return
        finally:
            self.close()
            self._report()

    def close(self) -> None:
        """End the iteration at once, from any thread.

        The connection is let go by the thread that reads it, which may take until its timeout.
        """
        self._stop.set()
        self._frames.stop()
        self.status.enter(LiveState.ENDED)

    def _read(self) -> None:
        """Connect, follow, and connect anew, until told to stop, the true end, or given up."""
        try:
            device, said = choose_device(self._settings.hwaccel)
            if said:
                self._warn(said)
            self._lost_since_s = time.monotonic()
            while not self._stop.is_set():
                if self._follow(device):
                    self._frames.close()
                    self.status.enter(LiveState.ENDED)
                    return
        except (SourceError, InputError) as error:
            self.status.enter(LiveState.FAILED)
            self._frames.fail(error)
        except ChannelClosed:
            pass
        except BaseException as error:
            self.status.enter(LiveState.FAILED, last_error=type(error).__name__)
            self._frames.fail(error)

    def _follow(self, device: str) -> bool:
        """One connection from its making to its end; True at the true end of the stream."""
        began = time.monotonic()
        stalled = self.status.snapshot().state is LiveState.STALLED
        attempts = self.status.snapshot().attempts + 1
        state = LiveState.STALLED if stalled else LiveState.CONNECTING
        self.status.enter(state, attempts=attempts)
        try:
            with closing(Connection(self._address, self._settings, device)) as connection:
                self._take(connection)
                if connection.is_finite or self._stop.is_set():
                    return True
            lost = ConnectionLost("ended by the server")
        except ConnectionLost as error:
            lost = error
        if not self._stop.is_set():
            self._recover(lost, began)
        return False

    def _take(self, connection: Connection) -> None:
        """Hand on the pictures of a connection."""
        reformatter, orientation = VideoReformatter(), OrientationReader()
        pacer = Pacer() if connection.comes_in_bursts else None
        connection.damaged = self._note_damage
        self._clock.connect()
        began = time.monotonic()
        first, skipped = True, self.status.snapshot().skipped
        for picture in connection.pictures():
            pts_s = connection.pts_s(picture)
            if pacer is not None and pts_s is not None:
                self._stop.wait(pacer.wait_s(pts_s, time.monotonic()))
            captured_s = time.monotonic()
            if self._stop.is_set():
                return
            if first:
                self._begin(connection)
                first = False
            if captured_s - began > _STEADY_S:
                self._backoff.reset()
            image = np.asarray(to_bgr(reformatter, picture).to_ndarray(), np.uint8)
            image = np.ascontiguousarray(orientation.of(picture).apply(image))
            self._hand_on(image, pts_s, captured_s)
            self.status.change(skipped=skipped + connection.skipped)

    def _begin(self, connection: Connection) -> None:
        """The first picture of a connection is there."""
        self._size = (0, 0)
        reconnects = self.status.snapshot().reconnects + (self._epoch >= 0)
        codec, decoder = connection.codec, connection.decoder
        self.status.change(reconnects=reconnects, codec=codec, decoder=decoder)
        self.info = replace(self.info, codec=codec)
        if decoder != (connection.device or decoder):
            self._warn(f"{connection.device} does not decode {codec}; the processor does")
        if reconnects:
            _log.warning("%s: back after %.1f s", self.info.name, self._lost_s())

    def _hand_on(self, image: NDArray[np.uint8], pts_s: float | None, captured_s: float) -> None:
        height, width = image.shape[:2]
        if (width, height) != self._size:
            self._size = (width, height)
            self._epoch += 1
            self.info = replace(self.info, width=width, height=height)
        pts = self._clock.stamp(pts_s, captured_s)
        frame = Frame(
            index=self.status.snapshot().frames,
            pts_s=float(pts * TIME_BASE),
            captured_s=captured_s,
            image=image,
            source=self.info.name,
            epoch=self._epoch,
            pts=pts,
        )
        self._lost_since_s = captured_s
        self._frames.put(frame)
        self.status.picture(
            captured_s,
            epoch=self._epoch,
            width=width,
            height=height,
            dropped=self._frames.stats().dropped,
        )

    def _recover(self, lost: ConnectionLost, began_s: float) -> None:
        """Take note of a lost connection, and wait until the next attempt.

        Raises:
            SourceError, InputError: There shall be no next attempt.
        """
        text, now = str(lost), self.status.snapshot()
        never = self._epoch < 0
        patience = self._settings.first_s if never else self._settings.give_up_s
        self.status.change(last_error=text)
        if never and patience and (lost.hopeless or lost.refused):
            raise InputError(f"{self.info.name}: {text}")
        if patience and self._lost_s() > patience:
            kind = InputError if never else SourceError
            raise kind(f"{self.info.name}: {text}; tried for {self._lost_s():.0f} s")
        was_live = now.state is LiveState.LIVE
        if was_live or text != now.last_error:
            _log.warning("%s: %s; trying again", self.info.name, text)
        stalled = lost.stalled and (was_live or now.state is LiveState.STALLED)
        self.status.enter(LiveState.STALLED if stalled else LiveState.WAITING)
        # What a vain attempt took counts as waiting.
        spent = 0.0 if was_live else time.monotonic() - began_s
        wait_s = _REFUSED_S if lost.refused else self._backoff.next_s()
        self._stop.wait(max(0.0, wait_s - spent))

    def _lost_s(self) -> float:
        """Seconds since the newest picture, or since the first attempt."""
        return time.monotonic() - self._lost_since_s

    def _report(self) -> None:
        """Sum up what went wrong, for the summary of a run."""
        now, name = self.status.snapshot(), self.info.name
        if now.reconnects:
            self.warnings.append(
                f"{name}: connected anew {now.reconnects} time(s); last: {now.last_error}"
            )
        if now.skipped:
            self.warnings.append(
                f"{name}: decoding fell behind; {now.skipped} packet(s) were passed over"
            )
        if now.damaged:
            self.warnings.append(f"{name}: {now.damaged} damaged packet(s) or picture(s)")
        if self._clock.resets:
            self.warnings.append(f"{name}: set its clock {self._clock.resets} time(s)")

    def _note_damage(self) -> None:
        self.status.change(damaged=self.status.snapshot().damaged + 1)

    def _warn(self, text: str) -> None:
        line = f"{self.info.name}: {text}"
        if line not in self.warnings:
            self.warnings.append(line)
            _log.warning("%s", line)
