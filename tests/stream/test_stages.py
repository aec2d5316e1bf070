from __future__ import annotations

import threading

import pytest

from steadypose.errors import EngineError, SourceError, StageError
from steadypose.stream.channel import Channel
from steadypose.stream.stages import StageGroup, stage


def chain(group: StageGroup, lengths: int, items: int, fails_at: tuple[int, int]) -> None:
    """A chain of stages that hand numbers on; one of them fails at one of the numbers."""
    channels: list[Channel[int]] = [Channel(1) for _ in range(lengths)]
    for channel in channels:
        group.channel(channel)

    def work(place: int) -> None:
        source = range(items) if place == 0 else channels[place - 1]
        for item in source:
            if (place, item) == fails_at:
                raise ValueError(f"bad {item}")
            if place < lengths:
                channels[place].put(item)
        if place < lengths:
            channels[place].close()

    for place in range(lengths + 1):
        group.start(f"stage{place}", lambda place=place: work(place))  # type: ignore[misc]


@pytest.mark.parametrize("stage", range(4))
@pytest.mark.parametrize("item", [0, 3, 9])
def test_any_stage_may_fail_at_any_item(stage: int, item: int) -> None:
    before = threading.active_count()
    group = StageGroup()
    chain(group, 3, 10, (stage, item))
    assert group.join(5)
    with pytest.raises(StageError, match=f"stage 'stage{stage}' failed: ValueError: bad {item}"):
        group.raise_first()
    assert threading.active_count() == before


def test_all_goes_well() -> None:
    group = StageGroup()
    chain(group, 3, 50, (-1, -1))
    assert group.join(5)
    group.raise_first()


def test_stop_ends_stages_that_wait() -> None:
    group = StageGroup()
    channel: Channel[int] = Channel()
    group.channel(channel)
    group.start("taker", lambda: channel.get() and None)
    assert not group.join(0.05)
    group.stop()
    assert group.join(2)
    group.raise_first()


def test_our_own_errors_keep_their_class_and_the_first_wins() -> None:
    group = StageGroup()
    group.fail("decode", SourceError("camera gone"))
    group.fail("track", ValueError("later"))
    with pytest.raises(SourceError, match="camera gone"):
        group.raise_first()


def test_an_error_of_ours_passes_a_stage_as_it_is() -> None:
    """Not as its own cause: whoever followed the causes would never come to an end."""
    error = EngineError("out of memory")
    with pytest.raises(EngineError) as raised, stage("estimate"), stage("refine"):
        raise error
    assert raised.value is error
    assert error.__cause__ is None


def test_another_error_gets_the_name_of_its_stage() -> None:
    named = pytest.raises(StageError, match="'refine' failed: MemoryError")
    with named as raised, stage("estimate"), stage("refine"):
        raise MemoryError
    assert isinstance(raised.value.__cause__, MemoryError)
