from __future__ import annotations

from steadypose.stream.viewer_age import ViewerAge


def test_what_a_viewer_sees_of_an_even_stream() -> None:
    viewer = ViewerAge(rate_hz=100)
    for n in range(101):
        viewer.add(n * 0.1, n * 0.1 + 0.05)
    # Each result is looked at from 0.05 s after its capture to just before the next one is ready.
    assert abs(viewer.ages.count - 1000) <= 1
    assert abs(viewer.ages.percentile(50) - 0.095) < 0.01
    assert abs(viewer.ages.maximum - 0.14) < 0.011
    assert viewer.lost_s == 0


def test_a_stall_shows_though_every_result_was_young() -> None:
    viewer = ViewerAge(rate_hz=100)
    for captured in (0.0, 0.1, 3.1, 3.2):
        viewer.add(captured, captured + 0.01)
    assert abs(viewer.ages.maximum - 3.0) < 0.02


def test_the_time_between_two_connections_is_counted_apart() -> None:
    viewer = ViewerAge(rate_hz=100)
    viewer.add(0.0, 0.01, 0)
    viewer.add(0.1, 0.11, 0)
    viewer.add(9.1, 9.11, 1)
    viewer.add(9.2, 9.21, 1)
    assert viewer.lost_s == 9.0
    assert viewer.ages.maximum < 0.12
