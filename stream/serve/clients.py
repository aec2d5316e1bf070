"""One WebSocket: what it is offered, what it has taken, and when it is dropped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import WSCloseCode, WSMsgType, web

from steadypose.stream.serve.published import Published
from steadypose.stream.serve.rates import Bucket
from steadypose.stream.serve.settings import (
    IN_FLIGHT,
    MAX_MESSAGE_BYTES,
    MESSAGES_PER_S,
    SLOW_S,
)

_BUFFER_BYTES = 64 * 1024
_HEARTBEAT_S = 20.0
_CLOSE_S = 0.3
_NOTICES = 64


@dataclass(eq=False)
class Client:
    """A WebSocket that gets the newest results of some cameras, and never holds anyone up.

    For every camera there is room for one result, in which the newest wins. A client with
    pictures says which ones it has painted, and gets no further one while ``IN_FLIGHT`` are on
    their way, so that a slow line shows fewer pictures and not older ones.

    Attributes:
        cameras: Short names of the cameras that it wants.
        pictures: Whether it gets pictures with the poses, or the poses alone.
        encode: Makes the message with the picture.
        seen: Told the camera and the seconds from the decoded picture to the client's word that
            it has been painted.
        was_slow: Whether it was dropped for taking nothing.
    """

    cameras: frozenset[str]
    pictures: bool
    encode: Callable[[Published], Awaitable[bytes]]
    seen: Callable[[str, float], None]
    was_slow: bool = False
    _waiting: dict[str, Published] = field(default_factory=dict)
    _sent: dict[str, deque[tuple[int, float]]] = field(default_factory=dict)
    _notices: deque[str] = field(default_factory=lambda: deque(maxlen=_NOTICES))
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._socket = web.WebSocketResponse(
            timeout=_CLOSE_S,
            heartbeat=_HEARTBEAT_S,
            compress=False,
            max_msg_size=MAX_MESSAGE_BYTES,
        )

    def offer(self, published: Published) -> None:
        """Take the newest result of a camera in place of an older one."""
        if published.camera in self.cameras:
            self._waiting[published.camera] = published
            self._wake.set()

    def tell(self, text: str) -> None:
        """Take a short message, which is sent before any result."""
        self._notices.append(text)
        self._wake.set()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Talk until either side ends it."""
        await self._socket.prepare(request)
        transport = request.transport
        if transport is not None:
            # What lies in buffers is out of date, so they are kept small.
            transport.set_write_buffer_limits(high=_BUFFER_BYTES)
            _shorten(transport)
        writer = asyncio.create_task(self._write())
        reader = asyncio.create_task(self._read())
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writer, reader):
                task.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)
            if self.was_slow and transport is not None:
                transport.abort()
        return self._socket

    async def close(self) -> None:
        """Say good-bye, as the server stops."""
        with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
            await asyncio.wait_for(self._socket.close(code=WSCloseCode.GOING_AWAY), _CLOSE_S)

    async def _write(self) -> None:
        while not self._socket.closed:
            await self._wake.wait()
            self._wake.clear()
            try:
                while self._notices:
                    await self._in_time(self._socket.send_str(self._notices.popleft()))
                while (published := self._next()) is not None:
                    await self._send(published)
            except asyncio.TimeoutError:
                self.was_slow = True
                return
            except (ConnectionError, RuntimeError):
                return  # it is gone

    async def _send(self, published: Published) -> None:
        if not self.pictures:
            await self._in_time(self._socket.send_str(published.text))
            return
        # Not the result itself: a client that never answers must not hold pictures.
        on_its_way = (published.number, published.captured_s)
        self._sent.setdefault(published.camera, deque()).append(on_its_way)
        data = await self.encode(published)
        await self._in_time(self._socket.send_bytes(data))

    async def _in_time(self, sending: Awaitable[None]) -> None:
        await asyncio.wait_for(sending, SLOW_S)

    def _next(self) -> Published | None:
        """A result to send now: of the camera whose turn it is and that is not too far ahead."""
        for camera in self._waiting:
            if not self.pictures or len(self._sent.get(camera, ())) < IN_FLIGHT:
                return self._waiting.pop(camera)
        return None

    async def _read(self) -> None:
        allowed = Bucket(MESSAGES_PER_S, MESSAGES_PER_S)
        async for message in self._socket:
            if not allowed.take():
                await self._refuse("too many messages")
                return
            if message.type is not WSMsgType.TEXT or not self._painted(message.data):
                await self._refuse("expected what has been seen")
                return

    async def _refuse(self, why: str) -> None:
        await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=why.encode())

    def _painted(self, text: str) -> bool:
        """Read ``{"seen": CAMERA, "number": N}``; False where it is something else."""
        try:
            word = json.loads(text)
            camera, number = word["seen"], word["number"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return False
        if not self.pictures or not isinstance(camera, str) or not isinstance(number, int):
            return False
        sent = self._sent.get(camera, deque())
        while sent and sent[0][0] <= number:
            painted, captured_s = sent.popleft()
            if painted == number:
                self.seen(camera, time.monotonic() - captured_s)
            self._wake.set()
        return True


def _shorten(transport: asyncio.Transport) -> None:
    """Keep the system's own send buffer small as well."""
    import socket

    raw = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
