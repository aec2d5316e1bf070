from __future__ import annotations

import itertools
import threading
import time

from steadypose.stream.sources.playback import Playback
from tests.stream.stand_ins import SceneSource, walk


def test_a_recording_is_played_at_its_own_pace_over_and_over() -> None:
    source = Playback(lambda: SceneSource(walk(5), fps=100))
    assert source.info.live
    started = time.monotonic()
    frames = list(itertools.islice(source, 12))
    assert time.monotonic() - started >= 0.09
    assert [f.index for f in frames] == list(range(12))
    assert [f.epoch for f in frames] == [0] * 5 + [1] * 5 + [2] * 2
    assert [round(f.pts_s, 2) for f in frames[:6]] == [0.0, 0.01, 0.02, 0.03, 0.04, 0.0]
    assert all(a.captured_s <= b.captured_s for a, b in itertools.pairwise(frames))


def test_closing_ends_a_wait() -> None:
    source = Playback(lambda: SceneSource(walk(5), fps=0.01))
    threading.Timer(0.05, source.close).start()
    started = time.monotonic()
    assert len(list(source)) == 1
    assert time.monotonic() - started < 5


def test_a_recording_without_frames_ends() -> None:
    assert list(Playback(lambda: SceneSource([]))) == []


def test_a_pass_that_begins_while_it_is_closed_is_closed_too() -> None:
    opened: list[SceneSource] = []

    def begin() -> SceneSource:
        if len(opened) == 1:
            source.close()  # as another thread may do just before the second pass is there
        opened.append(SceneSource(walk(2), fps=1000))
        return opened[-1]

    source = Playback(begin)
    assert len(list(source)) == 2
    assert len(opened) == 2
    assert all(one._closed.is_set() for one in opened)
