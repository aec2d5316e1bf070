from __future__ import annotations

import pytest

from steadypose.stream.sources import LiveState, LiveStatus

OVER = [LiveState.ENDED, LiveState.FAILED]


@pytest.mark.parametrize("over", OVER)
def test_what_is_over_stays_so(over: LiveState) -> None:
    status = LiveStatus("door")
    status.picture(1.0)
    assert status.snapshot().state is LiveState.LIVE
    status.enter(over, last_error="first")
    # The thread that reads may have a picture in hand, or lose the connection, at that moment.
    status.picture(2.0)
    for state in LiveState:
        status.enter(state, last_error="later")
    now = status.snapshot()
    assert (now.state, now.last_error, now.frames) == (over, "first", 2)


@pytest.mark.parametrize("state", [s for s in LiveState if s not in OVER])
def test_a_picture_makes_it_live(state: LiveState) -> None:
    status = LiveStatus("door")
    status.enter(state)
    status.picture(1.0, width=320)
    assert status.snapshot().state is LiveState.LIVE
    assert status.snapshot().width == 320
