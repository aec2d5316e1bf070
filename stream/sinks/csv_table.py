"""A table with one row per person per frame."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from steadypose.errors import OutputError
from steadypose.poses import Poses
from steadypose.skeletons import Skeleton
from steadypose.stream.records import FrameResult
from steadypose.stream.sinks.part_file import PartFile
from steadypose.stream.sinks.values import boxes_xyxy, identity, joints, scores, seconds

_LEADING = ("index", "pts_s", "track_id", "box_x1", "box_y1", "box_x2", "box_y2", "box_score")


class CsvSink:
    """Writes a header, then a row per person per frame; a frame without people has no row.

    Columns: ``index, pts_s, track_id, box_x1, box_y1, box_x2, box_y2, box_score``, then
    ``<joint>_x, <joint>_y, <joint>_score`` for every joint of the skeleton tracked. Coordinates
    are pixels of the frame. The three cells of a missing joint are empty, as is the track id of
    a person without identity. Lines end in a line feed.

    Args:
        path: The file.

    Raises:
        OutputError: It cannot be made, or a table that is not ours has its name.
    """

    def __init__(self, path: Path) -> None:
        _spare_others(path)
        self.paths: tuple[Path, ...] = (path,)
        self._file = PartFile(path)
        self._begun = False

    def write(self, result: FrameResult) -> None:
        """Append a frame's people. Raises OutputError when they cannot be written."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        if not self._begun:
            table.writerow(_header(result.poses.skeleton))
            self._begun = True
        table.writerows(_rows(result))
        self._file.write(text.getvalue())

    def close(self, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """Complete the file. Raises OutputError when it cannot be renamed."""
        self._file.commit()

    def discard(self) -> None:
        """Remove what was begun."""
        self._file.discard()


def _header(skeleton: Skeleton) -> list[str]:
    columns = (f"{joint}_{part}" for joint in skeleton.keypoints for part in ("x", "y", "score"))
    return [*_LEADING, *columns]


def _rows(result: FrameResult) -> list[list[Any]]:
    frame, poses = result.frame, result.poses
    boxes, box_scores = boxes_xyxy(poses).tolist(), scores(poses.box_scores).tolist()
    cells = joint_cells(poses)
    return [
        [
            frame.index,
            seconds(frame.pts_s),
            identity(poses.track_ids[n]),
            *boxes[n],
            box_scores[n],
            *cells[n],
        ]
        for n in range(len(poses))
    ]


def joint_cells(poses: Poses) -> list[list[float | None]]:
    """For each person three cells a joint: x, y, score; None where it is missing."""
    values = joints(poses).astype(object)
    values[~poses.present] = None
    flat: list[list[float | None]] = values.reshape(len(poses), 3 * len(poses.skeleton)).tolist()
    return flat


def _spare_others(path: Path) -> None:
    """Refuse to replace a table of someone else's: labels often lie beside the video."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.readline()
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{path}: cannot be replaced: {error.strerror}") from error
    if head and not head.startswith(",".join(_LEADING)):
        raise OutputError(f"{path}: is there already and not ours; choose another folder")
