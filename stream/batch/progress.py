"""One progress line for a whole batch: videos, frames, speed, time left; on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from tqdm import tqdm

from steadypose.stream.batch.videos import FAILED, Result, Video


class BatchProgress:
    """A bar that is full when all bytes of all videos are done, so that long ones count for more.

    Args:
        videos: The videos that are to be done.
        quiet: Show nothing.
    """

    def __init__(self, videos: Sequence[Video], *, quiet: bool = False) -> None:
        self._weights = {video.name: max(video.size, 1) for video in videos}
        self._shares: dict[str, float] = {}
        self._frames: dict[str, int] = {}
        self._ended = self._failed = 0
        self._started = time.monotonic()
        self._bar = tqdm(
            total=sum(self._weights.values()),
            bar_format="{percentage:3.0f}%|{bar}| {postfix} [{elapsed}<{remaining}]",
            file=sys.stderr,
            disable=quiet or not sys.stderr.isatty(),
            dynamic_ncols=True,
            smoothing=0.05,
        )

    def frames(self, video: Video, key: str, done: int, share: float) -> None:
        """So many frames of a task are done, and so large a share of its video (0..1)."""
        self._frames[key] = done
        self._shares[video.name] = share
        self._show()

    def end(self, video: Video, result: Result) -> None:
        """A video is done or has failed."""
        self._ended += 1
        self._failed += result.outcome == FAILED
        self._shares[video.name] = 1.0
        self._show()

    def close(self) -> None:
        """Leave the line as it is."""
        self._bar.close()

    def _show(self) -> None:
        if self._bar.disable:
            return
        done = sum(self._weights[name] * share for name, share in self._shares.items())
        frames = sum(self._frames.values())
        speed = frames / max(time.monotonic() - self._started, 1e-3)
        text = f"{self._ended}/{len(self._weights)} videos, {frames} frames, {speed:.1f} frames/s"
        text += f", {self._failed} failed" if self._failed else ""
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(max(0.0, done - self._bar.n))
