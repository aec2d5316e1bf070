"""``track --smooth``: what is written is smoothed, what is tracked is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.reading import lines_of, summary_of


@pytest.mark.parametrize("kind", ["one-euro", "fixed-lag"])
def test_written_poses_are_smoothed_under_the_same_ids(
    run: Run, clip: Path, tmp_path: Path, kind: str
) -> None:
    assert run("track", clip, "-o", tmp_path / "raw")[0] == 0
    assert run("track", clip, "-o", tmp_path / "smooth", "--smooth", kind)[0] == 0
    raw, smooth = lines_of(tmp_path / "raw"), lines_of(tmp_path / "smooth")
    assert summary_of(tmp_path / "smooth")["settings"]["output"]["smooth"] == kind
    assert [row["pts_s"] for row in smooth] == [row["pts_s"] for row in raw]

    def people(rows: list[dict[str, object]], key: str) -> list[object]:
        return [person[key] for row in rows for person in row["persons"]]  # type: ignore[attr-defined]

    assert people(smooth, "track_id") == people(raw, "track_id")
    assert people(smooth, "keypoints") != people(raw, "keypoints")


def test_settings_of_the_smoother_are_checked(run: Run, clip: Path, tmp_path: Path) -> None:
    code, _, errors = run("track", clip, "-o", tmp_path / "out", "--smoothing.min_cutoff_hz", "-1")
    assert code == 2
    assert "smoothing setting 'min_cutoff_hz': expected a number above 0" in errors
    assert not list((tmp_path / "out").glob("clip*"))
