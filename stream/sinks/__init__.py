"""What results are written to: pose files, the overlay video, the summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from steadypose.errors import InputError, OutputError, SteadyposeError
from steadypose.skeletons import POSETRACK17, Skeleton
from steadypose.stream.records import Sink, SourceInfo
from steadypose.stream.sinks.blur import BLUR_KINDS, BlurSink
from steadypose.stream.sinks.coco import CocoSink
from steadypose.stream.sinks.crops import CropSink
from steadypose.stream.sinks.csv_table import CsvSink
from steadypose.stream.sinks.drawing import draw_poses
from steadypose.stream.sinks.jsonl import JsonlSink
from steadypose.stream.sinks.mqtt import MqttSink
from steadypose.stream.sinks.openpose import OpenPoseSink
from steadypose.stream.sinks.overlay import OverlaySink
from steadypose.stream.sinks.parquet import ParquetSink
from steadypose.stream.sinks.posetrack import PoseTrackSink
from steadypose.stream.sinks.recorder import RecordOptions, RecordSink
from steadypose.stream.sinks.summary import write_summary
from steadypose.stream.sinks.trc import TrcSink

__all__ = [
    "BLUR_KINDS",
    "FORMATS",
    "BlurSink",
    "CocoSink",
    "CropSink",
    "CsvSink",
    "FileSink",
    "JsonlSink",
    "MqttSink",
    "OpenPoseSink",
    "OverlaySink",
    "ParquetSink",
    "PoseTrackSink",
    "RecordOptions",
    "RecordSink",
    "TrcSink",
    "draw_poses",
    "make_sinks",
    "write_summary",
]


class FileSink(Sink, Protocol):
    """A sink that writes files."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The final names of the files."""
        ...


FORMATS: dict[str, Callable[[Path, str, Skeleton], FileSink]] = {
    "posetrack": lambda folder, stem, skeleton: PoseTrackSink(
        folder / f"{stem}.posetrack.json", stem, skeleton
    ),
    "jsonl": lambda folder, stem, _: JsonlSink(folder / f"{stem}.jsonl"),
    "coco": lambda folder, stem, _: CocoSink(folder / f"{stem}.coco.json"),
    "csv": lambda folder, stem, _: CsvSink(folder / f"{stem}.csv"),
    "openpose": lambda folder, stem, _: OpenPoseSink(folder / f"{stem}.openpose", stem),
    "parquet": lambda folder, stem, _: ParquetSink(folder / f"{stem}.parquet", stem),
    "trc": lambda folder, stem, _: TrcSink(folder / f"{stem}.trc"),
}
"""Pose files by the names that users give: what makes the sink of each."""


def make_sinks(
    formats: Sequence[str],
    folder: Path,
    info: SourceInfo,
    *,
    stem: str | None = None,
    skeleton: Skeleton = POSETRACK17,
    overlay: bool = False,
    draw_score: float = 0.2,
    blur: str = "off",
    crops: bool = False,
) -> list[FileSink]:
    """Begin the files of one source, each under a temporary name.

    Args:
        formats: Any of ``FORMATS``; one that is named twice is written once.
        folder: Where the files go; made where it is missing.
        info: The source.
        stem: What the files are called after; the source's own stem where not given.
        skeleton: Joints of the PoseTrack file. The other formats have their own: COCO and
            OpenPose what they define, JSON lines and CSV the joints as tracked.
        overlay: Write the video with the people drawn in as well.
        draw_score: Joints with a lower score are not drawn (0..1).
        blur: Any of ``BLUR_KINDS``; write the video with faces or people hidden as well.
        crops: Write pictures of each person as well.

    Raises:
        InputError: A format is not known, or needs an extra that is not installed.
        OutputError: A file cannot be begun, or would replace one that is not ours; nothing of
            what was begun stays.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise InputError(f"unknown format '{unknown[0]}'; choose among {', '.join(FORMATS)}")
    name = info.stem if stem is None else stem
    sinks: list[FileSink] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in dict.fromkeys(formats):
            sinks.append(FORMATS[kind](folder, name, skeleton))
        if overlay:
            sinks.append(OverlaySink(folder / f"{name}.mp4", info, draw_score=draw_score))
        if blur != "off":
            sinks.append(BlurSink(folder / f"{name}.blurred.mp4", info, blur))
        if crops:
            sinks.append(CropSink(folder / f"{name}.crops"))
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror}") from error
    except SteadyposeError:
        for sink in sinks:
            sink.discard()
        raise
    return sinks
