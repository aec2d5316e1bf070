from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import time
from typing import Any

import aiohttp
import pytest

from steadypose.errors import ConfigError
from tests.stream.serve.live import Served, Street, served, wait_for

TOKEN = "correct-horse-battery-staple"  # noqa: S105
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PROTECTED = [
    ("GET", "/"),
    ("GET", "/page.js"),
    ("GET", "/api/state"),
    ("GET", "/api/schema.json"),
    ("GET", "/api/cameras/street/poses"),
    ("GET", "/api/cameras/street/snapshot.jpg"),
    ("POST", "/api/cameras/street/stop"),
    ("GET", "/ws/poses"),
    ("GET", "/ws/view"),
    ("GET", "/metrics"),
    ("GET", "/no/such/path"),
]


def own_address() -> str:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])


def opened(live: Served, path: str, **headers: str) -> int:
    """Status of a WebSocket's opening with these headers; 101 where it is opened."""

    async def run() -> int:
        async with aiohttp.ClientSession() as session:
            try:
                async with session.ws_connect(live.url(path), headers=headers):
                    return 101
            except aiohttp.WSServerHandshakeError as error:
                return error.status

    return asyncio.run(run())


def test_other_machines_need_the_token() -> None:
    address = own_address()
    with pytest.raises(ConfigError, match="set a token"), served(Street(), host=address):
        pass
    with served(Street(), host="0.0.0.0", token=TOKEN) as live:  # noqa: S104
        live.host = address
        live.wait("street", 2)
        for method, path in PROTECTED:
            answer = live.ask(path, method)
            assert answer.status == 401, path
            assert TOKEN not in answer.body.decode()
        assert opened(live, "/ws/poses") == 401
        for path in ("/healthz", "/readyz"):
            assert live.ask(path).status == 200
        assert live.group.cameras["street"].wanted
        for method, path in PROTECTED:
            assert live.ask(path, method, BEARER).status not in (401, 403), path
        assert opened(live, "/ws/poses", **BEARER) == 101


def test_a_browser_brings_the_token_once() -> None:
    with served(Street(), token=TOKEN) as live:
        wrong = live.ask("/?token=wrong")
        assert wrong.status == 401
        assert "Set-Cookie" not in wrong.headers
        first = live.ask(f"/?token={TOKEN}")
        assert (first.status, first.headers["Location"]) == (303, "/")
        cookie = first.headers["Set-Cookie"]
        assert TOKEN not in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        known = {"Cookie": cookie.partition(";")[0]}
        assert live.ask("/", headers=known).status == 200
        assert live.ask("/api/state", headers=known).status == 200
        assert opened(live, "/ws/view", **known) == 101
        # Addresses other than the page's take no token, as they end up in logs.
        assert live.ask(f"/api/state?token={TOKEN}").status == 401


def test_tokens_cannot_be_tried_out() -> None:
    with served(Street(), token=TOKEN) as live:
        cookie = live.ask(f"/?token={TOKEN}").headers["Set-Cookie"].partition(";")[0]
        statuses = [
            live.ask("/api/state", headers={"Authorization": f"Bearer {n}"}).status
            for n in range(14)
        ]
        assert statuses == [401] * 10 + [429] * 4
        assert live.ask("/api/state", headers=BEARER).status == 429
        assert live.ask("/api/state", headers={"Cookie": cookie}).status == 200


def test_a_flood_of_requests_is_turned_away_and_ebbs_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steadypose.stream.serve.guard.REQUESTS_PER_S", 4.0)
    with served(Street()) as live:
        connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=10)
        statuses = []
        for _ in range(60):
            connection.request("GET", "/icon.svg")
            response = connection.getresponse()
            statuses.append(response.status)
            response.read()
        connection.close()
        assert set(statuses) == {200, 429}
        live.wait("street", 3)
        wait_for(lambda: live.ask("/icon.svg").status == 200)


@pytest.mark.parametrize("path", ["/", "/api/state", "/healthz", "/metrics"])
def test_a_name_that_is_not_ours_is_not_answered(path: str) -> None:
    with served(Street(), names=("cams.example.org",)) as live:
        assert live.ask(path, headers={"Host": "evil.example.org"}).status == 421
        assert live.ask(path, headers={"Host": f"rebound.evil.org:{live.port}"}).status == 421
        assert live.ask(path, headers={"Host": "cams.example.org"}).status in (200, 503)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example.org"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=["foreign", "null", "other port", "fetch site"],
)
def test_pages_of_others_can_neither_stop_a_camera_nor_listen(headers: dict[str, str]) -> None:
    with served(Street()) as live:
        assert live.ask("/api/cameras/street/stop", "POST", headers).status == 403
        assert opened(live, "/ws/poses", **headers) == 403
        assert live.group.cameras["street"].wanted
        own: dict[str, Any] = {"Origin": f"http://127.0.0.1:{live.port}"}
        assert opened(live, "/ws/poses", **own) == 101
        assert live.ask("/api/cameras/street/stop", "POST", own).status == 200


RUBBISH = {
    "random bytes": bytes(range(256)) * 20,
    "half a request": b"GET / HTTP/1.1\r\nHost: 127",
    "huge header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "huge address": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
    "huge body": b"POST /api/cameras/street/start HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Length: 99999999\r\n\r\n" + b"x" * 200_000,
    "no host": b"GET /api/state HTTP/1.0\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.org\r\n\r\n",
    "bad upgrade": b"GET /ws/view HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 99\r\nSec-WebSocket-Key: x\r\n\r\n",
    "broken frames": b"GET /ws/view HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + b"\xff" * 5000,
}


def test_rubbish_harms_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    with served(Street()) as live:
        for name, data in RUBBISH.items():
            with (
                socket.create_connection(("127.0.0.1", live.port), timeout=0.5) as line,
                contextlib.suppress(ConnectionError, TimeoutError),
            ):
                line.sendall(data)
                line.recv(65536)
            live.wait("street", 2)
            assert live.ask("/api/state").status == 200, name
    assert capfd.readouterr().err == ""


def test_two_hundred_connections_leave_the_cameras_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steadypose.stream.serve.server.IDLE_S", 0.5)
    with served(Street()) as live:
        live.wait("street", 2)
        before = live.group.cameras["street"].ages.count
        started = time.monotonic()
        lines = [socket.create_connection(("127.0.0.1", live.port)) for _ in range(200)]
        try:
            live.wait("street", 20)
            spent = time.monotonic() - started
            assert live.group.cameras["street"].ages.count >= before + 20
            assert live.group.alive
        finally:
            # Silent ones are closed by and by, so that there is room for others again.
            deadline = time.monotonic() + 20
            while True:
                with contextlib.suppress(OSError):
                    if live.ask("/api/state").status == 200:
                        break
                assert time.monotonic() < deadline
                time.sleep(0.05)
            for line in lines:
                line.close()
        assert spent < 20


def test_forty_viewers_at_once() -> None:
    with served(Street(period_s=0.05)) as live:

        async def watch(session: aiohttp.ClientSession) -> int:
            seen = 0
            async with session.ws_connect(live.url("/ws/view")) as line:
                while seen < 3:
                    message = await line.receive()
                    if message.type is aiohttp.WSMsgType.BINARY:
                        seen += 1
                        length = int.from_bytes(message.data[:4], "big")
                        number = json.loads(message.data[4 : 4 + length])["number"]
                        await line.send_json({"seen": "street", "number": number})
            return seen

        async def crowd() -> list[int]:
            async with aiohttp.ClientSession() as session:
                return await asyncio.gather(*(watch(session) for _ in range(40)))

        assert asyncio.run(crowd()) == [3] * 40
        assert live.hub.dropped == 0
