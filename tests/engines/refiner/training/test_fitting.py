from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.engines.refiner.training.fitting import Fit


def planned(seconds: float, step_s: float, slow: int = 0) -> tuple[int, float]:
    """What is planned of a run whose first ``slow`` steps take 0.5 s more, and when."""
    fit, now, step = Fit(seconds, begun=100.0), 100.0, 0
    while True:
        step += 1
        now += step_s + (0.5 if step <= slow else 0.0)
        found = fit.plan(step, now)
        if found is not None:
            return found, now - 100.0


def test_the_slow_first_steps_do_not_count() -> None:
    steps, after = planned(480, 0.1, slow=40)
    assert after == pytest.approx(25 + 20, abs=0.2)
    assert steps == pytest.approx(250 + 0.95 * (480 - 45) / 0.1, rel=0.01)


def test_where_steps_are_slow_the_plan_is_made_after_a_fifth_of_the_time() -> None:
    steps, after = planned(100, 3.0)
    assert after == 21
    assert steps == 7 + int(0.95 * 79 / 3)


@given(st.floats(1, 1e5), st.floats(1e-3, 1e3), st.integers(0, 60))
def test_a_plan_ends_in_time_at_the_speed_that_was_seen(
    seconds: float, step_s: float, slow: int
) -> None:
    steps, after = planned(seconds, step_s, slow)
    done = steps - 1  # one step more is always planned
    if steps > 60:
        assert after + (done - 60) * step_s <= seconds + 60 * (step_s + 0.5) + step_s
    assert steps >= 1
