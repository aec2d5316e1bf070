from __future__ import annotations

import pytest

from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.report import as_records
from steadypose.benchmarks.refiner.resampling import Interval

NAN = float("nan")


@pytest.mark.parametrize(
    ("target", "interval", "met"),
    [
        (Target("change", ">=", 3), Interval(3, -1, 7), True),
        (Target("change", ">=", 3, clear_of=0), Interval(3, -1, 7), False),
        (Target("change", ">=", 3, clear_of=0), Interval(3, 0.1, 7), True),
        (Target("change", ">=", 3, clear_of=0), Interval(2.9, 0.1, 7), False),
        (Target("change", "<=", 0.5), Interval(0.5, 0.1, 1), True),
        (Target("change", "<=", 0.5), Interval(0.51, 0.1, 1), False),
        (Target("change", "<=", 0.5), Interval(NAN, NAN, NAN), False),
        (Target("change", ">=", 0), None, False),
    ],
)
def test_targets(target: Target, interval: Interval | None, met: bool) -> None:
    assert Figure(section="s", metric="m", change=interval, target=target).met is met


def test_without_a_target_nothing_is_met() -> None:
    assert Figure(section="s", metric="m").met is None


def figure() -> Figure:
    return Figure(
        section="ap",
        metric="AP",
        data="COCO",
        base="movenet-thunder",
        before=Interval(48.123456, 40, 55),
        after=Interval(52.0, 44, 60),
        change=Interval(3.876544, NAN, 6),
        n=100,
        groups=40,
        target=Target("change", ">=", 3),
        more={"draws": 3},
    )


def test_a_figure_as_a_record() -> None:
    record = figure().record({"sha256": "ab"})
    assert record.what == "refiner ap"
    assert record.case == {"figure": "AP", "data": "COCO", "base": "movenet-thunder"}
    assert record.values["before"] == {"value": 48.123456, "low": 40, "high": 55}
    assert (record.values["wanted"], record.values["met"]) == ("change >= 3", True)
    assert (record.n, record.values["groups"], record.config) == (100, 40, {"sha256": "ab"})
    assert record.more["draws"] == 3
    assert record.more["target"]["bound"] == 3


def test_a_ratio_is_called_one() -> None:
    nothing = Figure(section="s", metric="m", change=Interval(NAN, NAN, NAN), ratio=True)
    assert "times" in nothing.record({}).values


def test_the_pooled_reliability_has_records_of_its_own() -> None:
    cells = [{"from": 0.1, "joints": 7, "told": 0.2, "right": 0.3}]
    pooled = Figure(section="calibration", metric="ECE", data="COCO", more={"reliability": cells})
    _, cell = as_records([pooled], {})
    assert (cell.what, cell.n) == ("refiner reliability", 7)
    assert cell.case == {"data": "COCO", "probability from": 0.1}
    assert cell.values == {"mean told": 0.2, "share right": 0.3}
