from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.errors import ConfigError
from steadypose.stream.channel import Channel, ChannelClosed, Policy


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Run ``work`` in a thread; the list receives its result or its exception."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


@given(st.lists(st.integers(), max_size=30), st.integers(1, 5))
def test_block_loses_nothing_and_keeps_the_order(items: list[int], capacity: int) -> None:
    channel: Channel[int] = Channel(capacity)

    def produce() -> None:
        for item in items:
            channel.put(item)
        channel.close()

    thread, _ = in_thread(produce)
    assert list(channel) == items
    thread.join()
    stats = channel.stats()
    assert (stats.put, stats.got, stats.dropped) == (len(items), len(items), 0)
    assert stats.max_depth <= capacity


@given(st.lists(st.integers(), min_size=1, max_size=20), st.integers(1, 5))
def test_drop_oldest_keeps_the_newest(items: list[int], capacity: int) -> None:
    channel: Channel[int] = Channel(capacity, Policy.DROP_OLDEST)
    for item in items:
        channel.put(item)
    channel.close()
    assert list(channel) == items[-capacity:]
    stats = channel.stats()
    assert stats.dropped == max(0, len(items) - capacity)
    assert stats.got + stats.dropped == stats.put


def test_latest_holds_one_item_whatever_the_capacity() -> None:
    channel: Channel[int] = Channel(9, Policy.LATEST)
    for item in range(5):
        channel.put(item)
    assert channel.get() == 4
    assert channel.stats().dropped == 4


def test_put_waits_for_room_and_says_how_long() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    thread, _ = in_thread(lambda: channel.put(2))
    time.sleep(0.05)
    assert thread.is_alive()
    assert [channel.get(), channel.get()] == [1, 2]
    thread.join()
    assert channel.stats().put_wait_s > 0


@pytest.mark.parametrize("end", ["close", "stop"])
def test_a_waiting_get_ends(end: str) -> None:
    channel: Channel[int] = Channel()
    thread, outcome = in_thread(channel.get)
    time.sleep(0.02)
    getattr(channel, end)()
    thread.join(2)
    assert not thread.is_alive()
    assert isinstance(outcome[0], ChannelClosed)


@pytest.mark.parametrize("end", ["close", "stop"])
def test_a_waiting_put_ends(end: str) -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    thread, outcome = in_thread(lambda: channel.put(2))
    time.sleep(0.02)
    getattr(channel, end)()
    thread.join(2)
    assert not thread.is_alive()
    assert isinstance(outcome[0], ChannelClosed)


def test_close_lets_the_taker_finish_and_stop_does_not() -> None:
    closed: Channel[int] = Channel(3)
    stopped: Channel[int] = Channel(3)
    for channel in (closed, stopped):
        channel.put(1)
        channel.put(2)
    closed.close()
    stopped.stop()
    assert list(closed) == [1, 2]
    assert list(stopped) == []
    with pytest.raises(ChannelClosed):
        closed.put(3)


def test_fail_arrives_after_the_items_before_it() -> None:
    channel: Channel[int] = Channel(3)
    channel.put(1)
    channel.fail(ValueError("boom"))
    channel.fail(KeyError("later"))
    assert channel.get() == 1
    with pytest.raises(ValueError, match="boom"):
        channel.get()
    with pytest.raises(ValueError, match="boom"):
        channel.get()


def test_a_stop_hides_a_failure() -> None:
    channel: Channel[int] = Channel()
    channel.fail(ValueError("boom"))
    channel.stop()
    with pytest.raises(ChannelClosed):
        channel.get()


def test_no_room_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="capacity"):
        Channel(0)
