from __future__ import annotations

from steadypose.benchmarks.tracker_cost import Cost, markdown, tracker_cost


def test_a_crowd_is_timed() -> None:
    cost = tracker_cost(3, frames=2)
    assert cost.people == 3
    assert 0 < cost.median_ms <= cost.p95_ms


def test_the_table_has_a_row_for_each_number_of_people() -> None:
    rows = markdown([Cost(people=n, median_ms=n / 10, p95_ms=n / 5) for n in (1, 20)]).splitlines()
    assert rows[2:] == ["| 1 | 0.10 | 0.20 | 100 |", "| 20 | 2.00 | 4.00 | 100 |"]
