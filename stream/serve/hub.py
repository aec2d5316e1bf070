"""Results from the networks' thread to the clients on the server's loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from steadypose.stream.cameras import CameraGroup
from steadypose.stream.cameras.figures import Recent
from steadypose.stream.records import FrameResult
from steadypose.stream.serve.clients import Client
from steadypose.stream.serve.published import Published, change
from steadypose.stream.serve.settings import ServeSettings

_CHANGES_S = 0.5


class Hub:
    """Holds the newest result of every camera and offers it to whoever watches.

    ``publish`` is called on the networks' thread and hands over without waiting; all else
    belongs to the server's loop.

    Args:
        names: The cameras.
        settings: How large pictures are.

    Attributes:
        newest: By camera.
        viewer_ages: By camera, seconds from the decoded picture to a viewer's word that it was
            painted.
        dropped: Clients that were dropped for being slow.
    """

    def __init__(self, names: list[str], settings: ServeSettings) -> None:
        self._settings = settings
        self._numbers: Counter[str] = Counter()
        self._arrived: dict[str, Published] = {}
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="steadypose-jpeg")
        self._views: dict[str, tuple[Published, asyncio.Future[bytes]]] = {}
        self.newest: dict[str, Published] = {}
        self.clients: set[Client] = set()
        self.viewer_ages = {name: Recent() for name in names}
        self.dropped = 0

    def publish(self, camera: str, result: FrameResult) -> None:
        """Take a result. Called on another thread; returns at once."""
        self._numbers[camera] += 1
        published = Published(camera, self._numbers[camera], result)
        with self._lock:
            sleeping = not self._arrived
            self._arrived[camera] = published
            loop = self._loop
        if sleeping and loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(self._hand_out)

    async def watch(self, group: CameraGroup) -> None:
        """Tell the clients whenever a camera's state changes; runs until it is cancelled."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
        self._hand_out()
        before: Mapping[str, tuple[str, int]] = {}
        while True:
            states = group.states()
            now = {state.name: (state.state, state.epoch) for state in states}
            for state in states:
                if before.get(state.name) not in (None, now[state.name]):
                    for client in self.clients:
                        if state.name in client.cameras:
                            client.tell(change(state))
            before = now
            await asyncio.sleep(_CHANGES_S)

    async def view(self, published: Published) -> bytes:
        """Message and picture for viewers; made once for all of them, on another thread."""
        last = self._views.get(published.camera)
        if last is None or last[0] is not published:
            width, quality = self._settings.view_width, self._settings.view_quality
            making = asyncio.get_running_loop().run_in_executor(
                self._pool, published.view, width, quality
            )
            last = self._views[published.camera] = (published, making)
        return await asyncio.shield(last[1])

    async def snapshot(self, camera: str, *, overlay: bool) -> bytes | None:
        """The newest picture of a camera as JPEG, or None before the first."""
        published = self.newest.get(camera)
        if published is None:
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: published.snapshot(overlay=overlay))

    def joined(self, client: Client) -> None:
        """Offer a new client what there is."""
        self.clients.add(client)
        for published in self.newest.values():
            client.offer(published)

    def left(self, client: Client) -> None:
        """Forget a client."""
        self.clients.discard(client)
        self.dropped += client.was_slow

    def forget(self, camera: str) -> None:
        """Forget a camera's newest result, as it was stopped."""
        self.newest.pop(camera, None)
        self._views.pop(camera, None)

    async def close(self) -> None:
        """Say good-bye to all clients."""
        await asyncio.gather(*(client.close() for client in list(self.clients)))
        self._pool.shutdown(cancel_futures=True)  # a picture takes milliseconds

    def _hand_out(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, {}
        self.newest.update(arrived)
        for published in arrived.values():
            for client in self.clients:
                client.offer(published)
