from __future__ import annotations

from steadypose.benchmarks.tracker_cost.run import Cost, tracker_cost


def test_a_crowd_is_timed() -> None:
    cost = tracker_cost(3, frames=2)
    assert cost.people == 3
    assert 0 < cost.median_ms <= cost.p95_ms


def test_the_record_tells_the_time_of_each_person() -> None:
    record = Cost(people=20, median_ms=2.0, p95_ms=4.0).record()
    assert record.case == {"people": 20}
    assert record.values == {"p50 ms": 2.0, "p95 ms": 4.0, "us a person": 100.0}
