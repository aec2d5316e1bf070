"""Ground truth and predictions on disk, clip by clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.formats.read import (
    clip_files,
    is_results,
    read_clips,
    read_results,
)
from steadypose.configs import unknown
from steadypose.errors import InputError
from steadypose.skeletons import POSETRACK17, Skeleton


@dataclass(frozen=True)
class Pairs:
    """Annotations and predictions of the same clips; iterating reads one pair at a time.

    Attributes:
        truth: Folder of annotation files, or one file.
        found: Folder of prediction files of the same names, or one file; COCO results are one file
            for all clips.
        skeleton: The joints of COCO results.
        only: Use these clips alone, in this order; else all.
        by_name: All in the order of their names; else as the folder lists them.
    """

    truth: Path
    found: Path
    skeleton: Skeleton = POSETRACK17
    only: Sequence[str] = ()
    by_name: bool = True

    def names(self) -> list[str]:
        """What the annotation files are called, without ``.json``, in order.

        Raises:
            InputError: There are none, or one of ``only`` is not among them.
        """
        known = [file.stem for file in clip_files(self.truth, by_name=self.by_name)]
        for name in self.only:
            if name not in known:
                raise InputError(f"{self.truth}: " + unknown("sequence", name, known))
        return list(self.only or known)

    def __iter__(self) -> Iterator[tuple[Clip, Clip]]:
        """Yield each clip's annotations and predictions. Raises InputError naming the file."""
        files = {file.stem: file for file in clip_files(self.truth)}
        wanted = [files[name] for name in self.names()]
        if is_results(self.found):
            yield from self._with_results(wanted)
            return
        for file in wanted:
            truths = read_clips(file)
            founds = read_clips(self._predictions(file, alone=len(files) == 1))
            yield from _matched(truths, founds, file)

    def _with_results(self, files: list[Path]) -> Iterator[tuple[Clip, Clip]]:
        truths = [clip for file in files for clip in read_clips(file)]
        founds = read_results(self.found, truths, self.skeleton)
        yield from zip(truths, founds, strict=True)

    def _predictions(self, file: Path, *, alone: bool) -> Path:
        if self.found.is_file() and alone:
            return self.found
        path = self.found / file.name
        if not path.is_file():
            raise InputError(f"{path}: no such file; it would hold the predictions for {file}")
        return path


def _matched(truths: list[Clip], founds: list[Clip], file: Path) -> Iterator[tuple[Clip, Clip]]:
    if len(truths) == len(founds) == 1:
        yield truths[0], founds[0]
        return
    named = {clip.name: clip for clip in founds}
    for truth in truths:
        if truth.name not in named:
            raise InputError(f"{founds[0].source}: nothing for clip {truth.name} of {file}")
        yield truth, named[truth.name]
