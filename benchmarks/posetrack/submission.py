"""What the official server takes: a zip of one 2018 file a sequence, named as its annotations."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.evaluation import above
from steadypose.benchmarks.posetrack.formats.write import as_posetrack18
from steadypose.errors import OutputError
from steadypose.stream.sinks.values import compact_json

MOST_IDS = 1000
"""The server takes ids from 0 to 999."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_submission(clips: Iterable[Clip], path: Path, threshold: float | None) -> None:
    """Write the zip, whole or not at all; the same clips give the same bytes.

    Args:
        clips: The predictions, with ids numbered from 1.
        path: The file; its folder exists.
        threshold: Joints whose score is below it are left out, and people without joints; None
            keeps all.

    Raises:
        OutputError: It cannot be written, or a sequence has more ids than the server takes.
    """
    part = path.with_name(path.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for clip in clips:
                info = zipfile.ZipInfo(f"{clip.name}.json", _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, compact_json(as_posetrack18(submitted(clip, threshold))))
        part.replace(path)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise OutputError(f"{path}: cannot be written: {reason}") from error
    finally:
        part.unlink(missing_ok=True)


def submitted(clip: Clip, threshold: float | None) -> Clip:
    """The clip as it is handed in. Raises OutputError for ids that the server refuses."""
    kept = above(clip, threshold)
    highest = kept.persons.track_ids.max(initial=0)
    if highest >= MOST_IDS:
        raise OutputError(
            f"{clip.name}: track id {highest}; the server takes ids up to {MOST_IDS - 1}: let "
            "tracks live longer or start later (tracker settings)"
        )
    return kept
