from __future__ import annotations

from steadypose.stream.serve.rates import Bucket, Buckets


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_lets_a_burst_pass_and_then_its_rate() -> None:
    clock = Clock()
    bucket = Bucket(2.0, 5.0, clock)
    assert [bucket.take() for _ in range(7)] == [True] * 5 + [False] * 2
    clock.now = 1.0
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    clock.now = 1000.0
    assert bucket.left == 5


def test_addresses_do_not_pay_for_one_another_and_are_forgotten_in_time() -> None:
    buckets = Buckets(0.0, 1.0, Clock())
    assert buckets["a"].take()
    assert not buckets["a"].take()
    assert buckets["b"].take()
    for n in range(1100):
        buckets[str(n)].take()
    assert len(buckets._of) == 1024
    assert buckets["a"].take()  # forgotten
