"""The web server, on a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from steadypose.errors import InputError
from steadypose.stream.cameras import CameraGroup
from steadypose.stream.complaints import complain
from steadypose.stream.serve.access import Access, check_host
from steadypose.stream.serve.guard import Guard, add_headers
from steadypose.stream.serve.hub import Hub
from steadypose.stream.serve.metrics import Metrics
from steadypose.stream.serve.routes import Routes
from steadypose.stream.serve.settings import (
    IDLE_S,
    MAX_BODY_BYTES,
    MAX_CONNECTIONS,
    ServeSettings,
)

_SHUTDOWN_S = 0.4
_JOIN_S = 1.3
# aiohttp would print tracebacks for what clients do wrong.
_silent = logging.getLogger("steadypose.serve")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class Server:
    """Serves a group of cameras until it is closed.

    The port is taken here, so that one in use is told of before anything starts.

    Args:
        group: The cameras; started and ended by the caller.
        hub: Gets the group's results.
        metrics: Gets them too.
        settings: Where and how to serve.

    Raises:
        InputError: The address cannot be listened at, or lets others in without a token.
    """

    def __init__(
        self, group: CameraGroup, hub: Hub, metrics: Metrics, settings: ServeSettings
    ) -> None:
        check_host(settings.host, settings.token)
        self._group, self._hub = group, hub
        self._listener = _listen(settings.host, settings.port)
        self.port: int = self._listener.getsockname()[1]
        access = Access(settings.token, (settings.host, *settings.names))
        self._application = web.Application(
            middlewares=[Guard(access).check], client_max_size=MAX_BODY_BYTES
        )
        self._application.on_response_prepare.append(add_headers)
        Routes(group, hub, metrics).add_to(self._application)
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_report)
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="steadypose-serve", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> bool:
        """Close all connections and the port; True when that was done in time."""
        with contextlib.suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.ident is None:
            self._listener.close()
            self._loop.close()
            return True
        self._thread.join(_JOIN_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:
            self._group.fail("serve", error)
        finally:
            self._loop.run_until_complete(_cancel_all())
            self._loop.run_until_complete(_in_time(self._loop.shutdown_default_executor()))
            self._loop.close()

    async def _serve(self) -> None:
        runner = web.AppRunner(
            self._application,
            access_log=None,
            logger=_silent,
            keepalive_timeout=IDLE_S,
            shutdown_timeout=_SHUTDOWN_S,
        )
        await runner.setup()
        assert runner.server is not None  # noqa: S101 - set up just now
        handlers = runner.server

        def connection() -> asyncio.Protocol:
            full = len(handlers.connections) >= MAX_CONNECTIONS
            return _Full() if full else handlers()

        listening = await self._loop.create_server(connection, sock=self._listener)
        watching = asyncio.create_task(self._hub.watch(self._group))
        try:
            await self._stop.wait()
        finally:
            watching.cancel()
            listening.close()
            await _in_time(self._hub.close())
            await _in_time(runner.cleanup())


class _Full(asyncio.Protocol):
    """What a connection gets when there are too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hang up."""
        transport.close()


def _report(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """One line for what went wrong in the server itself; clients that leave are no news."""
    error = context.get("exception")
    if error is not None and not isinstance(error, ConnectionError):
        complain(f"web server: {type(error).__name__}: {error}", 0)


async def _in_time(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(work, _SHUTDOWN_S)


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InputError(
            f"--host {host}: {error.strerror}; give an address of this machine"
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(MAX_CONNECTIONS)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise InputError(
            f"cannot listen at {host} port {port}: {error.strerror}; choose another with --port"
        ) from error
    return listener
