"""TRC: marker trajectories as OpenSim and other biomechanics tools read them, a file a person."""

from __future__ import annotations

import contextlib
import os
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from steadypose.poses import NO_TRACK
from steadypose.skeletons import Skeleton
from steadypose.stream.records import FrameResult
from steadypose.stream.sinks.part_folder import PartFolder
from steadypose.stream.sinks.values import joints, seconds

_NAME = re.compile(r"person\d+\.trc")
_DEFAULT_RATE = 25.0


class TrcSink:
    """Writes a folder with ``person0001.trc`` and so on, one file a track id.

    A file has the five header lines of the format and a row for every frame from the person's
    first to their last: the frame's number from 1, its time in seconds (``pts_s``), then X, Y, Z of
    every joint. A joint that is missing, and a frame in which the person was not seen, is blank.

    The picture is the plane Z = 0. X is to the right and Y **up** from the lower left corner of the
    frame (TRC's users have Y up), so Y is the frame's height less the y of the other formats. The
    header says ``mm``, since OpenSim knows no pixels: one millimetre stands for one pixel.

    Rows go to the disk as they come, so that memory does not grow with the people; those without
    an identity are left out.

    Args:
        folder: The folder; its files are gathered under a temporary name.

    Raises:
        OutputError: The folder cannot be made, or one with other files in it has its name.
    """

    def __init__(self, folder: Path) -> None:
        self.paths: tuple[Path, ...] = (folder,)
        self._part = PartFolder(folder, lambda name: _NAME.fullmatch(name) is not None)
        self._skeleton: Skeleton | None = None
        self._indices, self._times = array("q"), array("d")

    def write(self, result: FrameResult) -> None:
        """Append a frame's people. Raises OutputError when they cannot be written."""
        frame, poses = result.frame, result.poses
        self._skeleton = poses.skeleton
        self._indices.append(frame.index)
        self._times.append(seconds(frame.pts_s))
        values, present = joints(poses).tolist(), poses.present.tolist()
        for n, track_id in enumerate(poses.track_ids.tolist()):
            if track_id != NO_TRACK:
                cells = [
                    f"{x:.2f}\t{frame.height - y:.2f}\t0.00" if there else "\t\t"
                    for (x, y, _), there in zip(values[n], present[n], strict=True)
                ]
                self._append(track_id, f"{frame.index}\t" + "\t".join(cells) + "\n")

    def close(self, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """Write the files and give the folder its name. Raises OutputError when that fails."""
        try:
            for rows in sorted(self._part.path.glob("*.rows")):
                self._complete(rows)
                rows.unlink()
            self._part.commit()
        except OSError as error:
            raise self._part.failure(error) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what was begun."""
        self._part.discard()

    def _append(self, track_id: int, row: str) -> None:
        path = self._part.path / f"person{track_id:04d}.rows"
        size = path.stat().st_size if path.exists() else 0
        try:
            with path.open("a", encoding="ascii") as file:
                file.write(row)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.truncate(path, size)
            raise self._part.failure(error) from error

    def _complete(self, rows: Path) -> None:
        """The person's file: a header, then a row a frame, with blank ones where they are away."""
        if self._skeleton is None:
            return
        with rows.open(encoding="ascii") as file:
            first = last = int(file.readline().partition("\t")[0])
            for line in file:
                last = int(line.partition("\t")[0])
        start, end = self._place(first), self._place(last) + 1
        with rows.with_suffix(".trc").open("w", encoding="ascii", newline="\n") as file:
            file.write(self._header(rows.stem, end - start, first + 1))
            file.writelines(self._lines(rows, start, end))

    def _lines(self, rows: Path, start: int, end: int) -> Iterator[str]:
        blank = "\t\t" + "\t\t\t" * (len(self._skeleton or ()) - 1)
        with rows.open(encoding="ascii") as file:
            seen = file.readline()
            for place in range(start, end):
                index = self._indices[place]
                number, _, cells = seen.rstrip("\n").partition("\t")
                here = number == str(index)
                yield f"{index + 1}\t{self._times[place]:.6f}\t{cells if here else blank}\n"
                seen = file.readline() if here else seen

    def _header(self, name: str, frames: int, first: int) -> str:
        joint_names = self._skeleton.keypoints if self._skeleton else ()
        rate, count = f"{self._rate():g}", len(joint_names)
        keys = "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits"
        keys += "\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
        values = f"{rate}\t{rate}\t{frames}\t{count}\tmm\t{rate}\t{first}\t{frames}"
        axes = "\t".join(f"X{n}\tY{n}\tZ{n}" for n in range(1, count + 1))
        return (
            f"PathFileType\t4\t(X/Y/Z)\t{name}.trc\n{keys}\n{values}\n"
            "Frame#\tTime\t" + "\t\t\t".join(joint_names) + "\t\t\n"
            f"\t\t{axes}\n\n"
        )

    def _place(self, index: int) -> int:
        return bisect_left(self._indices, index)

    def _rate(self) -> float:
        """Mean frame rate of the clip in frames per second, to a thousandth."""
        frames, span = len(self._times) - 1, self._times[-1] - self._times[0]
        return round(frames / span, 3) if frames and span > 0 else _DEFAULT_RATE
