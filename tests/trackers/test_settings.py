from __future__ import annotations

import dataclasses
import math

import pytest

from steadypose.errors import ConfigError
from steadypose.trackers import TrackerSettings


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"birth_score": 1.5}, "'birth_score': expected a number in 0..1, got 1.5"),
        ({"duplicate_oks": -0.1}, "'duplicate_oks': expected a number in 0..1, got -0.1"),
        ({"lost_s": 0}, "'lost_s': expected a number above 0, got 0"),
        ({"lost_s": math.nan}, "'lost_s': expected a finite number, got nan"),
        ({"follow_s": -1}, "'follow_s': expected a number of 0 or more, got -1"),
        ({"confirm_hits": 0}, "'confirm_hits': expected a whole number of 1 or more, got 0"),
        ({"confirm_hits": 1.5}, "'confirm_hits': expected a whole number of 1 or more, got 1.5"),
        ({"confirm_hits": "two"}, "'confirm_hits': expected a finite number, got two"),
        ({"output_unconfirmed": 2}, "'output_unconfirmed': expected true or false, got 2"),
        ({"joint_noise": 0}, "'joint_noise': expected a number above 0, got 0"),
        ({"weak_score": 0.6}, "'weak_score': expected at most confident_score (0.4), got 0.6"),
        ({"birth_score": 0.3}, "'birth_score': expected at least confident_score (0.4), got 0.3"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_values_out_of_range_are_named(values, said) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError) as caught:
        TrackerSettings(**values)
    assert str(caught.value) == f"tracker setting {said}"


def test_every_field_is_described() -> None:
    described = TrackerSettings.__doc__ or ""
    for field in dataclasses.fields(TrackerSettings):
        assert f"        {field.name}: " in described
