"""A Parquet table with one row per person per frame, for pandas, Polars, DuckDB and Spark."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadypose.errors import ConfigError, OutputError
from steadypose.skeletons import Skeleton
from steadypose.stream.records import FrameResult
from steadypose.stream.sinks.csv_table import joint_cells
from steadypose.stream.sinks.values import boxes_xyxy, identity, scores, seconds

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_GROUP_ROWS = 20_000
"""Rows that are held in memory and then written as one row group."""
_MARK = b"steadypose"


class ParquetSink:
    """Writes the columns of the CSV table, typed, with the video's name in front.

    Columns: ``video`` (string), ``index`` (int64), ``pts_s`` (float64), ``track_id`` (int64, null
    without identity), ``box_x1 .. box_y2`` and ``box_score`` (float64), then ``<joint>_x``,
    ``<joint>_y``, ``<joint>_score`` (float64, null where the joint is missing). Coordinates are
    pixels of the frame. A frame without people has no row.

    A Parquet file has its index at its end: one that cannot be completed is removed.

    Args:
        path: The file.
        stem: Name of the video.

    Raises:
        ConfigError: The extra ``parquet`` is not installed.
        OutputError: The file cannot be made, or one that we did not write has its name.
    """

    def __init__(self, path: Path, stem: str) -> None:
        _require_pyarrow()
        self.paths: tuple[Path, ...] = (path,)
        self._path, self._stem = path, stem
        self._part = path.with_name(path.name + ".part")
        self._rows: list[tuple[Any, ...]] = []
        self._schema: pa.Schema | None = None
        self._writer: pq.ParquetWriter | None = None
        self._spare_others()
        try:
            self._part.touch()
        except OSError as error:
            raise self._failure(error) from error

    def write(self, result: FrameResult) -> None:
        """Append a frame's people. Raises OutputError when they cannot be written."""
        self._schema = self._schema or _schema(result.poses.skeleton)
        self._rows += _rows(self._stem, result)
        if len(self._rows) >= _GROUP_ROWS:
            self._flush()

    def close(self, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """Complete the file. Raises OutputError when it cannot be written."""
        try:
            if self._schema is None:
                return
            self._flush()
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.close()
            self._part.replace(self._path)
        except OSError as error:
            raise self._failure(error) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what was begun."""
        writer, self._writer = self._writer, None
        with contextlib.suppress(OSError):
            if writer is not None:
                writer.close()
        with contextlib.suppress(OSError):
            self._part.unlink()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._schema is None:
            return
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(self._schema)
        arrays = [pa.array(list(c), f.type) for c, f in zip(columns, self._schema, strict=True)]
        self._rows = []
        try:
            if self._writer is None:
                self._writer = pq.ParquetWriter(self._part, self._schema, compression="zstd")
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        except OSError as error:
            raise self._failure(error) from error

    def _spare_others(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._path.exists():
            return
        try:
            ours = _MARK in (pq.read_schema(self._path).metadata or {})
        except (OSError, pa.ArrowException):
            ours = False
        if not ours:
            raise OutputError(f"{self._path}: is there already and not ours; choose another folder")

    def _failure(self, error: OSError) -> OutputError:
        reason = os.strerror(error.errno) if error.errno else str(error)
        return OutputError(f"{self._path}: cannot be written: {reason}")


def _schema(skeleton: Skeleton) -> pa.Schema:
    import pyarrow as pa

    fields = [("video", pa.string()), ("index", pa.int64()), ("pts_s", pa.float64())]
    fields += [("track_id", pa.int64())]
    fields += [(f"box_{side}", pa.float64()) for side in ("x1", "y1", "x2", "y2", "score")]
    parts = ("x", "y", "score")
    fields += [(f"{joint}_{part}", pa.float64()) for joint in skeleton.keypoints for part in parts]
    return pa.schema(fields, metadata={_MARK: skeleton.name.encode()})


def _rows(stem: str, result: FrameResult) -> list[tuple[Any, ...]]:
    frame, poses = result.frame, result.poses
    boxes, box_scores = boxes_xyxy(poses).tolist(), scores(poses.box_scores).tolist()
    points = joint_cells(poses)
    time_s = seconds(frame.pts_s)
    return [
        (
            *(stem, frame.index, time_s, identity(poses.track_ids[n])),
            *(*boxes[n], box_scores[n], *points[n]),
        )
        for n in range(len(poses))
    ]


def _require_pyarrow() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "format 'parquet' needs pyarrow: pip install 'steadypose[parquet]'"
        ) from error
