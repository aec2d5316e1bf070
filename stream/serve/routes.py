"""The server's paths: the page, state and snapshots, start and stop, WebSockets, metrics."""

from __future__ import annotations

import asyncio
import functools
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aiohttp import web

from steadypose._version import __version__
from steadypose.stream.cameras import Camera, CameraGroup
from steadypose.stream.serve.clients import Client
from steadypose.stream.serve.guard import refuse
from steadypose.stream.serve.hub import Hub
from steadypose.stream.serve.metrics import Metrics
from steadypose.stream.serve.published import SCHEMA, hello
from steadypose.stream.serve.settings import MAX_CLIENTS

_FILES = {
    "/": ("page/index.html", "text/html"),
    "/page.css": ("page/page.css", "text/css"),
    "/page.js": ("page/page.js", "text/javascript"),
    "/cards.js": ("page/cards.js", "text/javascript"),
    "/drawing.js": ("page/drawing.js", "text/javascript"),
    "/icon.svg": ("page/icon.svg", "image/svg+xml"),
    "/api/schema.json": ("schema.json", "application/schema+json"),
}
"""All files there are: no path of a request ever reaches the disk."""
_READY_S = 10.0
_CAMERA = "{camera:[A-Za-z0-9_-]{1,64}}"


class Routes:
    """Answers requests about a group of cameras.

    Args:
        group: The cameras.
        hub: Their newest results and viewers.
        metrics: What Prometheus is told.
    """

    def __init__(self, group: CameraGroup, hub: Hub, metrics: Metrics) -> None:
        self._group, self._hub, self._metrics = group, hub, metrics
        self._titles = {name: camera.info.name for name, camera in group.cameras.items()}
        self._started = time.monotonic()

    def add_to(self, application: web.Application) -> None:
        """Register all paths."""
        get, post = application.router.add_get, application.router.add_post
        folder = Path(__file__).parent
        for path, (name, kind) in _FILES.items():
            body = (folder / name).read_bytes()
            get(path, functools.partial(_file, body=body, kind=kind))
        get("/healthz", self._health)
        get("/readyz", self._ready)
        get("/metrics", self._prometheus)
        get("/api/state", self._state)
        get(f"/api/cameras/{_CAMERA}/poses", self._poses)
        get(f"/api/cameras/{_CAMERA}/snapshot.jpg", self._snapshot)
        post(f"/api/cameras/{_CAMERA}/start", self._start)
        post(f"/api/cameras/{_CAMERA}/stop", self._stop)
        get("/ws/poses", functools.partial(self._socket, pictures=False), allow_head=False)
        get("/ws/view", functools.partial(self._socket, pictures=True), allow_head=False)

    async def _health(self, _request: web.Request) -> web.Response:
        alive = self._group.alive
        return web.json_response({"alive": alive}, status=200 if alive else 503)

    async def _ready(self, _request: web.Request) -> web.Response:
        """Ready while a camera gives results, or none is wanted."""
        cameras = [c for c in self._group.cameras.values() if c.wanted]
        fresh = any((c.ages.last_s() or _READY_S) < _READY_S for c in cameras)
        ready = self._group.alive and (fresh or not cameras)
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    async def _prometheus(self, _request: web.Request) -> web.Response:
        text = self._metrics.text()
        return web.Response(body=text, headers={"Content-Type": self._metrics.content_type})

    async def _state(self, _request: web.Request) -> web.Response:
        batches, frames = self._group.batches
        cameras: list[dict[str, Any]] = []
        for state in self._group.states():
            seen = self._hub.viewer_ages[state.name]
            cameras.append({**asdict(state), "viewer_age_ms": seen.milliseconds()})
        return web.json_response(
            {
                "schema": SCHEMA,
                "version": __version__,
                "preset": self._group.room.config.name,
                "uptime_s": round(time.monotonic() - self._started, 1),
                "alive": self._group.alive,
                "frames_per_batch": round(frames / batches, 2) if batches else 0.0,
                "viewers": sum(client.pictures for client in self._hub.clients),
                "listeners": sum(not client.pictures for client in self._hub.clients),
                "clients_dropped": self._hub.dropped,
                "cameras": cameras,
            }
        )

    async def _poses(self, request: web.Request) -> web.Response:
        camera = self._camera(request)
        newest = self._hub.newest.get(camera.name)
        if newest is None or not camera.wanted:
            return refuse(503, "no picture")
        return web.Response(text=newest.text, content_type="application/json")

    async def _snapshot(self, request: web.Request) -> web.Response:
        camera = self._camera(request)
        overlay = request.query.get("overlay", "1") != "0"
        jpeg = await self._hub.snapshot(camera.name, overlay=overlay)
        if jpeg is None or not camera.wanted:
            return refuse(503, "no picture")
        return web.Response(body=jpeg, content_type="image/jpeg")

    async def _start(self, request: web.Request) -> web.Response:
        camera = self._camera(request)
        await asyncio.to_thread(camera.start)
        return web.json_response(asdict(camera.state()))

    async def _stop(self, request: web.Request) -> web.Response:
        camera = self._camera(request)
        await asyncio.to_thread(camera.stop)
        self._hub.forget(camera.name)
        return web.json_response(asdict(camera.state()))

    async def _socket(self, request: web.Request, *, pictures: bool) -> web.StreamResponse:
        wanted = request.query.getall("camera", list(self._titles))
        unknown = [name for name in wanted if name not in self._titles]
        if unknown:
            return refuse(404, f"no camera '{unknown[0][:64]}'")
        if not web.WebSocketResponse().can_prepare(request):
            return refuse(426, "this path speaks WebSocket")
        if len(self._hub.clients) >= MAX_CLIENTS:
            return refuse(503, f"no more than {MAX_CLIENTS} clients at a time")
        client = Client(
            cameras=frozenset(wanted), pictures=pictures, encode=self._hub.view, seen=self._seen
        )
        client.tell(hello({name: self._titles[name] for name in wanted}))
        self._hub.joined(client)
        try:
            return await client.serve(request)
        finally:
            self._hub.left(client)

    def _seen(self, camera: str, age_s: float) -> None:
        self._hub.viewer_ages[camera].add(age_s)
        self._metrics.seen(camera, age_s)

    def _camera(self, request: web.Request) -> Camera:
        camera = self._group.cameras.get(request.match_info["camera"])
        if camera is None:
            raise web.HTTPNotFound(reason="no such camera")
        return camera


async def _file(_request: web.Request, *, body: bytes, kind: str) -> web.Response:
    return web.Response(body=body, content_type=kind, charset="utf-8")
