from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from steadypose import Frame
from steadypose.configs import load_config
from steadypose.errors import ConfigError, SourceError
from steadypose.stream.records import FrameResult
from steadypose.stream.smoothing import smoothed
from steadypose.trackers import make_smoother
from tests.trackers.figures import figures

IMAGE = np.zeros((4, 4, 3), np.uint8)


def results(count: int, epochs: int = 1, *, failing: bool = False) -> Iterator[FrameResult]:
    """Somebody who stands and shakes; elsewhere after each reconnect."""
    rng = np.random.default_rng(0)
    for number in range(count):
        epoch = number * epochs // count
        poses = figures([(100.0 + 300 * epoch, 100.0)]).with_track_ids([1])
        poses.keypoints[...] += rng.normal(0, 2, poses.keypoints.shape)
        frame = Frame(number, number / 25, 0.0, IMAGE, "clip", epoch=epoch)
        yield FrameResult(frame=frame, poses=poses, stage_s={"track": 0.5})
    if failing:
        raise SourceError("clip: the end is missing")


def test_without_a_smoother_results_are_as_they_were() -> None:
    given = list(results(5))
    assert list(smoothed(iter(given), None)) == given


@pytest.mark.parametrize("kind", ["one-euro", "fixed-lag"])
def test_results_keep_their_frames_and_order(kind: str) -> None:
    given = list(results(30))
    shown = list(smoothed(iter(given), make_smoother(kind)))
    assert [r.frame for r in shown] == [r.frame for r in given]
    assert all(r.stage_s == {"track": 0.5} for r in shown)

    def restless(rows: list[FrameResult]) -> float:
        return float(np.abs(np.diff([r.poses.keypoints for r in rows], 2, axis=0)).mean())

    assert restless(shown) < 0.6 * restless(given)


@pytest.mark.parametrize("kind", ["one-euro", "fixed-lag"])
def test_nothing_is_smoothed_over_a_reconnect(kind: str) -> None:
    given = list(results(20, epochs=2))
    shown = list(smoothed(iter(given), make_smoother(kind)))
    np.testing.assert_array_equal(
        [shown[i].poses.keypoints[0, :, 0] > 250 for i in (9, 10)],
        [[False] * 17, [True] * 17],
    )
    if kind == "one-euro":
        np.testing.assert_array_equal(shown[10].poses.keypoints, given[10].poses.keypoints)


def test_what_is_held_comes_before_the_failure() -> None:
    shown = smoothed(results(12, failing=True), make_smoother("fixed-lag"))
    assert [next(shown).frame.index for _ in range(12)] == list(range(12))
    with pytest.raises(SourceError, match="the end is missing"):
        next(shown)


@pytest.mark.parametrize("word", ["off", '"off"', "no"])
def test_off_in_yaml_is_a_word(tmp_path: Path, word: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"output:\n  smooth: {word}\n")
    assert load_config(str(path)).output.smooth == "off"


@pytest.mark.parametrize("word", ["on", "kalman"])
def test_other_words_are_refused(tmp_path: Path, word: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"output:\n  smooth: {word}\n")
    with pytest.raises(ConfigError, match=rf"off, one-euro or fixed-lag, got '{word}'"):
        load_config(str(path))
