from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from steadypose.stream.cli.track import distinct
from tests.cli.conftest import Run, encode
from tests.cli.reading import lines_of, summary_of
from tests.media import set_display_matrix


def test_all_that_track_writes(run: Run, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    formats = "posetrack,jsonl,coco,csv,openpose"
    code, printed, errors = run("track", clip, "-o", out, "--save-video", "--format", formats)
    assert (code, errors) == (0, "")
    assert sorted(p.name for p in out.iterdir()) == [
        "clip.coco.json",
        "clip.csv",
        "clip.jsonl",
        "clip.mp4",
        "clip.openpose",
        "clip.posetrack.json",
        "clip.summary.json",
    ]
    assert "24 frames, 2 people" in printed
    for path in out.iterdir():
        assert str(path) in printed


def test_every_frame_once_with_its_container_time(run: Run, clip: Path, tmp_path: Path) -> None:
    assert run("track", clip, "-o", tmp_path / "out")[0] == 0
    rows = lines_of(tmp_path / "out")
    with av.open(str(clip)) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert [row["index"] for row in rows] == list(range(len(times)))
    assert [row["pts_s"] for row in rows] == pytest.approx(times, abs=1e-6)
    ids = {tuple(p["track_id"] for p in row["persons"]) for row in rows}  # type: ignore[attr-defined]
    assert ids == {(1, 2)}


def test_two_runs_give_the_same_bytes(run: Run, clip: Path, tmp_path: Path) -> None:
    formats = "posetrack,jsonl,coco,csv"
    for name in ("a", "b"):
        assert run("track", clip, "-o", tmp_path / name, "--format", formats)[0] == 0
    for suffix in ("posetrack.json", "jsonl", "coco.json", "csv"):
        first, second = ((tmp_path / n / f"clip.{suffix}").read_bytes() for n in ("a", "b"))
        assert first == second


def test_the_summary_adds_up(run: Run, clip: Path, tmp_path: Path) -> None:
    run("track", clip, "-o", tmp_path / "out", "--detect-every", 4)
    report = summary_of(tmp_path / "out")
    assert (report["outcome"], report["frames"], report["tracks"]) == ("done", 24, 2)
    assert report["frames_with_detection"] == 6
    assert report["people"] == {"rows": 48, "per_frame_mean": 2.0, "per_frame_max": 2}
    stages = report["stages"]
    assert isinstance(stages, dict)
    assert list(stages) == ["decode", "detect", "estimate", "track", "write"]
    for stage in stages.values():
        spent = stage["work_s"] + stage["wait_input_s"] + stage["wait_output_s"]
        assert spent <= report["elapsed_s"] * 1.05 + 0.05  # type: ignore[operator]
    assert stages["detect"]["frames"] == 6
    assert report["settings"]["detector"]["every"] == 4  # type: ignore[index]


def test_rotated_video_comes_out_upright(run: Run, clip: Path, tmp_path: Path) -> None:
    set_display_matrix(clip, (0, 1, -1, 0))
    assert run("track", clip, "-o", tmp_path / "out", "--save-video")[0] == 0
    with av.open(str(tmp_path / "out" / "clip.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == (120, 200)


def test_a_folder_of_pictures(run: Run, pictures: list[np.ndarray], tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for i, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"img{i + 1}.png"), picture)
    assert run("track", folder, "-o", tmp_path / "out")[0] == 0
    data = json.loads((tmp_path / "out" / "frames.posetrack.json").read_text())
    assert [Path(i["file_name"]).name for i in data["images"]] == [
        f"img{i + 1}.png" for i in range(24)
    ]
    assert run("track", folder / "img*.png", "-o", tmp_path / "glob")[0] == 0
    assert len(lines_of(tmp_path / "glob", "frames")) == 24


def test_same_names_do_not_overwrite_one_another(
    run: Run, pictures: list[np.ndarray], tmp_path: Path
) -> None:
    for name, length in (("a", 5), ("b", 9)):
        (tmp_path / name).mkdir()
        encode(tmp_path / name / "clip.mp4", pictures[:length])
    out = tmp_path / "out"
    assert run("track", tmp_path / "a" / "clip.mp4", tmp_path / "b" / "clip.mp4", "-o", out)[0] == 0
    assert (len(lines_of(out)), len(lines_of(out, "clip-2"))) == (5, 9)


@pytest.mark.parametrize(
    ("stems", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["clip", "clip", "clip"], ["clip", "clip-2", "clip-3"]),
        (["clip", "Clip"], ["clip", "Clip-2"]),
        (["clip", "clip-2", "clip"], ["clip", "clip-2", "clip-3"]),
        (["clip", "clip", "clip-2"], ["clip", "clip-2", "clip-2-2"]),
        ([], []),
    ],
)
def test_distinct_stems(stems: list[str], expected: list[str]) -> None:
    taken: set[str] = set()
    assert [distinct(stem, taken) for stem in stems] == expected


def test_dotted_options_reach_the_settings(run: Run, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--tracker.lost_s", "1.5", "--estimator.sizes", "[[128, 96]]", "--max-frames", "3"]
    assert run("track", clip, "-o", out, "--config", "fast", *arguments)[0] == 0
    settings = summary_of(out)["settings"]
    assert isinstance(settings, dict)
    assert settings["tracker"] == {"lost_s": 1.5}
    assert settings["estimator"]["sizes"] == [[128, 96]]
    assert settings["detector"]["every"] == 10
    assert len(lines_of(out)) == 3


def test_no_progress_and_no_words_when_quiet(run: Run, clip: Path, tmp_path: Path) -> None:
    assert run("track", clip, "-o", tmp_path / "out", "--quiet") == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "enabled", "when"),
    [
        ([], False, "always"),
        (["--refiner", "on"], True, "always"),
        (["--refiner", "on", "--estimate", "new"], True, "new"),
        (["--refiner.enabled", "true", "--estimator.when", "new"], True, "new"),
        (["--config", "{new}"], True, "new"),
        (["--config", "{new}", "--estimate", "always"], True, "always"),
        (["--estimate", "new"], False, "new"),
        (["--config", "{new}", "--refiner", "off"], False, "always"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_refiner_and_estimate(
    run: Run, clip: Path, tmp_path: Path, arguments: list[str], enabled: bool, when: str
) -> None:
    new = tmp_path / "new.yaml"
    new.write_text("base: fast\nestimator: {when: new}\nrefiner: {enabled: true}\n")
    arguments = [argument.format(new=new) for argument in arguments]
    assert run("track", clip, "-o", tmp_path / "out", *arguments)[0] == 0
    report = summary_of(tmp_path / "out")
    assert report["settings"]["refiner"]["enabled"] is enabled  # type: ignore[index]
    assert report["settings"]["estimator"]["when"] == when  # type: ignore[index]
    assert ("refine" in report["stages"]) is enabled  # type: ignore[operator]
    assert report["skeleton"] == ("coco19" if enabled else "coco17")
    models = [model["name"] for model in report["models"]]  # type: ignore[attr-defined]
    assert models == ["stand-in", *["stand-in refiner"] * enabled]
    assert report["tracks"] == 2


def test_every_format_takes_refined_poses(run: Run, clip: Path, tmp_path: Path) -> None:
    formats = "posetrack,jsonl,coco,csv,openpose"
    out = tmp_path / "out"
    options = ["--refiner", "on", "--format", formats, "--save-video"]
    assert run("track", clip, "-o", out, *options)[0] == 0
    data = json.loads((out / "clip.posetrack.json").read_text())
    names = data["categories"][0]["keypoints"]
    person = np.array(data["annotations"][0]["keypoints"]).reshape(-1, 3)
    top, neck = (person[names.index(name)] for name in ("head_top", "head_bottom"))
    # The refiner's own: by rule, the top would lie above the picture of the head.
    first = lines_of(out)[0]["persons"][0]["keypoints"]  # type: ignore[index]
    assert len(first) == 19
    assert np.allclose([top[:2], neck[:2]], np.array(first[17:])[:, :2], atol=0.01)
    header = (out / "clip.csv").read_text().splitlines()[0]
    assert header.endswith("neck_x,neck_y,neck_score")
