from __future__ import annotations

import pytest

from steadypose.stream.sources.catching_up import CatchUp

GOP = 30


def play(cost_s: float, *, stamped: bool, seconds: float = 30.0, fps: float = 30.0) -> list[float]:
    """Lateness of each packet that is decoded at ``cost_s``, on a clock that is made up."""
    reader, now, late = CatchUp(), 0.0, []
    for n in range(int(seconds * fps)):
        due = n / fps
        waited = max(0.0, due - now)
        now = max(now, due) + 1e-4
        stamp = due if stamped else None
        key = n % GOP == 0 or not stamped
        if not reader.skip(stamp, key=key, waited_s=waited, now_s=now):
            late.append(now - due)
            now += cost_s
    return late


@pytest.mark.parametrize("stamped", [True, False])
def test_a_decoder_that_keeps_up_gets_every_packet(stamped: bool) -> None:
    assert len(play(0.02, stamped=stamped)) == 900


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize("cost_s", [0.04, 0.1, 0.3])
def test_a_decoder_that_does_not_is_never_far_behind(cost_s: float, stamped: bool) -> None:
    late = play(cost_s, stamped=stamped)
    assert max(late) < 1.6
    assert max(late[len(late) // 2 :]) < 1.6
    assert len(late) > 0.3 * 30 / cost_s


def test_a_clock_that_drifts_is_not_taken_for_lateness() -> None:
    reader = CatchUp()
    for n in range(30 * 3600):
        now = n / 30
        assert not reader.skip(now * 0.9995, key=False, waited_s=0.03, now_s=now)


def test_late_from_the_camera_on_is_accepted() -> None:
    reader = CatchUp()
    kept = 0
    for n in range(900):
        delay = 0.0 if n < 300 else 2.0
        skip = reader.skip(n / 30, key=n % GOP == 0, waited_s=0.03, now_s=n / 30 + delay)
        kept += n >= 300 and not skip
    assert kept > 540
