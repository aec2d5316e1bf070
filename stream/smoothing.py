"""Results smoothed on their way from the tracker to the sinks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from steadypose.errors import SteadyposeError
from steadypose.poses import Poses
from steadypose.stream.records import FrameResult
from steadypose.trackers.smoothing import Smoother


def smoothed(results: Iterable[FrameResult], smoother: Smoother | None) -> Iterator[FrameResult]:
    """The same results in the same order with smoothed poses; as they are without a smoother.

    A reconnect of the source begins everybody anew. Where the results end or fail, those still
    held come first.

    Args:
        results: Frames of one source, people under their ids.
        smoother: Of that source alone.
    """
    held: deque[FrameResult] = deque()

    def finished(done: list[Poses]) -> Iterator[FrameResult]:
        for poses in done:
            yield replace(held.popleft(), poses=poses)

    if smoother is None:
        yield from results
        return
    epoch = None
    try:
        for result in results:
            if epoch is not None and result.frame.epoch != epoch:
                yield from finished(smoother.flush())
            epoch = result.frame.epoch
            held.append(result)
            yield from finished(smoother.push(result.poses, result.frame.pts_s))
    except SteadyposeError:
        yield from finished(smoother.flush())
        raise
    yield from finished(smoother.flush())
