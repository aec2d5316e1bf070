from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import cv2
import jsonschema
import numpy as np
import pytest

from steadypose.stream.serve import clients
from tests.stream.serve.live import Served, Street, served, wait_for

Talk = Callable[[aiohttp.ClientWebSocketResponse], Awaitable[Any]]


def talk(live: Served, path: str, work: Talk, **options: Any) -> Any:
    """Open a WebSocket, do ``work`` with it, close it."""

    async def run() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                live.url(path), timeout=aiohttp.ClientWSTimeout(ws_close=5), **options
            ) as line,
        ):
            return await asyncio.wait_for(work(line), 20)

    return asyncio.run(run())


async def messages(line: aiohttp.ClientWebSocketResponse, count: int) -> list[dict[str, Any]]:
    return [json.loads((await line.receive()).data) for _ in range(count)]


async def ending(line: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code with which the server closes."""
    while not line.closed:
        message = await line.receive()
        if message.type is aiohttp.WSMsgType.CLOSE:
            return int(message.data)
    return line.close_code


def parts(data: bytes) -> tuple[dict[str, Any], np.ndarray]:
    """Message and picture of a binary message."""
    (length,) = struct.unpack(">I", data[:4])
    picture = cv2.imdecode(np.frombuffer(data[4 + length :], np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return json.loads(data[4 : 4 + length]), picture


def test_poses_come_as_the_schema_says() -> None:
    with served(Street("a", people=1), Street("b")) as live:
        got = talk(live, "/ws/poses", lambda line: messages(line, 30))
        schema = live.ask("/api/schema.json").json
    check = jsonschema.Draft202012Validator(schema)
    for message in got:
        check.validate(message)
    assert got[0]["type"] == "hello"
    assert [c["name"] for c in got[0]["cameras"]] == ["a", "b"]
    assert len(got[0]["skeletons"]["coco17"]["keypoints"]) == 17
    poses = [m for m in got if m["type"] == "poses"]
    assert {m["camera"] for m in poses} == {"a", "b"}
    assert any(len(m["persons"]) == 2 for m in poses)
    for name in "ab":
        numbers = [m["number"] for m in poses if m["camera"] == name]
        assert numbers == sorted(set(numbers))
    wrong = {**poses[0], "persons": [{"track_id": "one"}]}
    assert not check.is_valid(wrong)


def test_only_the_cameras_that_were_asked_for() -> None:
    with served(Street("a"), Street("b"), Street("c")) as live:
        got = talk(live, "/ws/poses?camera=c&camera=a", lambda line: messages(line, 12))
    assert [c["name"] for c in got[0]["cameras"]] == ["c", "a"]
    assert {m["camera"] for m in got[1:]} == {"a", "c"}


def test_a_viewer_gets_pictures_as_fast_as_it_paints_them() -> None:
    with served(Street()) as live:

        async def watch(line: aiohttp.ClientWebSocketResponse) -> list[int]:
            assert json.loads((await line.receive()).data)["type"] == "hello"
            numbers = []
            for _ in range(2):
                message, picture = parts((await line.receive()).data)
                assert picture.shape == (message["height"], message["width"], 3)
                numbers.append(message["number"])
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(
                    asyncio.shield(pending := asyncio.ensure_future(line.receive())), 0.3
                )
            await line.send_json({"seen": "street", "number": numbers[-1]})
            numbers.append(parts((await pending).data)[0]["number"])
            return numbers

        numbers = talk(live, "/ws/view", watch)
        assert numbers[2] > numbers[1] + 1  # the newest, not the next
        age = live.ask("/api/state").json["cameras"][0]["viewer_age_ms"]
        assert age["max"] >= 300
        assert "steadypose_viewer_age_seconds_count" in live.ask("/metrics").body.decode()


def test_pictures_are_no_wider_than_asked_for() -> None:
    with served(Street(), view_width=100) as live:

        async def watch(line: aiohttp.ClientWebSocketResponse) -> tuple[int, ...]:
            await line.receive()
            return parts((await line.receive()).data)[1].shape

        assert talk(live, "/ws/view", watch) == (60, 100, 3)


@pytest.mark.parametrize(
    ("path", "said", "code"),
    [
        ("/ws/view", "nonsense", 1008),
        ("/ws/view", "{}", 1008),
        ("/ws/view", "[1]", 1008),
        ("/ws/view", '{"seen": 1, "number": 1}', 1008),
        ("/ws/view", '{"seen": "street", "number": "1"}', 1008),
        ("/ws/view", "[" * 1000, 1008),
        ("/ws/view", b"\0\1\2", 1008),
        ("/ws/view", "x" * 5000, 1009),
        ("/ws/poses", '{"seen": "street", "number": 1}', 1008),
        ("/ws/poses", "hello", 1008),
    ],
)
def test_who_talks_nonsense_is_closed_and_the_others_are_not(
    path: str, said: str | bytes, code: int
) -> None:
    with served(Street()) as live:

        async def work(line: aiohttp.ClientWebSocketResponse) -> int | None:
            await line.receive()
            await (line.send_str(said) if isinstance(said, str) else line.send_bytes(said))
            return await ending(line)

        assert talk(live, path, work) == code
        live.wait("street", 5)
        assert talk(live, "/ws/poses", lambda line: messages(line, 3))[0]["type"] == "hello"


def test_who_talks_too_much_is_closed() -> None:
    with served(Street()) as live:

        async def chatter(line: aiohttp.ClientWebSocketResponse) -> int | None:
            for _ in range(2000):
                if line.closed:
                    break
                await line.send_str('{"seen": "street", "number": 0}')
            return await ending(line)

        with contextlib.suppress(aiohttp.ClientConnectionResetError):  # while we still talked
            assert talk(live, "/ws/view", chatter) == 1008
        wait_for(lambda: not live.hub.clients)


def test_who_takes_nothing_is_dropped_and_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "SLOW_S", 0.3)
    with served(Street(people=3, period_s=0.002)) as live, socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", live.port))
        line.sendall(
            b"GET /ws/poses HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        before = live.group.cameras["street"].ages.count
        wait_for(lambda: live.hub.dropped)
        assert live.hub.dropped == 1
        wait_for(lambda: not live.hub.clients)
        assert live.group.cameras["street"].ages.count > before + 20
        assert "steadypose_clients_dropped_total 1.0" in live.ask("/metrics").body.decode()


def test_no_more_clients_than_can_be_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steadypose.stream.serve.routes.MAX_CLIENTS", 3)
    with served(Street()) as live:

        async def crowd() -> list[int]:
            codes = []
            async with aiohttp.ClientSession() as session:
                sockets = [await session.ws_connect(live.url("/ws/poses")) for _ in range(3)]
                for _ in range(2):
                    try:
                        await session.ws_connect(live.url("/ws/poses"))
                    except aiohttp.WSServerHandshakeError as error:
                        codes.append(error.status)
                for line in sockets:
                    await line.close()
            return codes

        assert asyncio.run(crowd()) == [503, 503]
        wait_for(lambda: not live.hub.clients)
        assert live.ask("/api/state").status == 200


def test_clients_are_told_when_a_camera_goes_and_comes_back() -> None:
    camera = Street()
    with served(camera) as live:

        async def listen(line: aiohttp.ClientWebSocketResponse) -> list[tuple[str, int]]:
            changes: list[tuple[str, int]] = []
            camera.connected.clear()
            while ("live", 1) not in changes:
                message = json.loads((await line.receive()).data)
                if message["type"] == "camera":
                    changes.append((message["state"], message["epoch"]))
                    if message["state"] == "waiting":
                        camera.connected.set()
            return changes[-2:]

        live.wait("street", 2)
        assert talk(live, "/ws/poses", listen) == [("waiting", 0), ("live", 1)]
        state = live.ask("/api/state").json["cameras"][0]
        assert (state["reconnects"], state["epoch"]) == (1, 1)


def test_a_stop_says_good_bye() -> None:
    with served(Street()) as live:

        async def stay(line: aiohttp.ClientWebSocketResponse) -> int | None:
            await messages(line, 3)
            await asyncio.to_thread(live.server.close)
            return await ending(line)

        assert talk(live, "/ws/poses", stay) == 1001
