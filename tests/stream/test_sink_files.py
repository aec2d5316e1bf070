"""Pose files read back: what was tracked stands in each, as its format has it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from steadypose.mapping import map_poses
from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import COCO17, POSETRACK15, POSETRACK17, Skeleton
from steadypose.stream.records import FrameResult, SourceInfo
from steadypose.stream.sinks import FORMATS, make_sinks
from steadypose.stream.sinks.jsonl import JsonlSink
from steadypose.stream.sinks.openpose import OPENPOSE18
from tests.stream.results import SIZE, names, people, result, write_all

INFO = SourceInfo(name="clip.mp4", stem="clip", width=SIZE[0], height=SIZE[1], fps=25.0)
RESULTS = [result(0, people(3, 0)), result(1, people(0)), result(2, people(2, 1))]
PIXEL, SCORE = 0.0051, 0.000051


def written(folder: Path, kind: str, results: list[FrameResult], **options: Any) -> Path:
    sinks = make_sinks([kind], folder, INFO, **options)
    write_all(sinks, results)
    (path,) = sinks[0].paths
    return path


def with_zeros(poses: Poses) -> np.ndarray:
    """``(N, K, 3)`` with missing joints as 0, 0, 0."""
    points = np.where(poses.present[..., None], poses.keypoints, 0)
    return np.concatenate([points, poses.scores[..., None]], -1)


def check_triplets(flat: list[float], expected: np.ndarray) -> None:
    got = np.array(flat).reshape(-1, 3)
    np.testing.assert_allclose(got[:, :2], expected[:, :2], atol=PIXEL)
    np.testing.assert_allclose(got[:, 2], expected[:, 2], atol=SCORE)
    missing = expected[:, 2] == 0
    assert (got[missing] == 0).all()
    assert (got[~missing, 2] > 0).all()


@pytest.mark.parametrize("skeleton", [POSETRACK17, COCO17, POSETRACK15], ids=lambda s: s.name)
def test_posetrack(tmp_path: Path, skeleton: Skeleton) -> None:
    path = written(tmp_path, "posetrack", RESULTS, skeleton=skeleton)
    assert path.name == "clip.posetrack.json"
    data = json.loads(path.read_text())
    (category,) = data["categories"]
    assert (category["id"], category["name"]) == (1, "person")
    assert category["keypoints"] == list(skeleton.keypoints)
    assert [[a - 1, b - 1] for a, b in category["skeleton"]] == [
        list(edge) for edge in skeleton.edge_indices
    ]
    assert data["images"] == [
        {
            "id": n + 1,
            "frame_id": n + 1,
            "vid_id": "clip",
            "file_name": f"clip/{n:06d}.jpg",
            "is_labeled": True,
            "width": SIZE[0],
            "height": SIZE[1],
            "pts_s": n * 0.04,
            "nframes": 3,
        }
        for n in range(3)
    ]
    notes = data["annotations"]
    assert [note["id"] for note in notes] == [1, 2, 3, 4, 5]
    assert [note["image_id"] for note in notes] == [1, 1, 1, 3, 3]
    assert [note.get("track_id") for note in notes] == [1, 2, None, 1, None]
    everyone = Poses.concatenate([r.poses for r in RESULTS if len(r.poses)])
    expected = with_zeros(map_poses(everyone, skeleton))
    there = expected[..., 2] > 0
    expected[there, :2] = np.maximum(expected[there, :2], 0.01)
    for n, note in enumerate(notes):
        assert note["category_id"] == 1
        check_triplets(note["keypoints"], expected[n])
        assert note["scores"] == note["keypoints"][2::3]
        x, y, width, height = note["bbox"]
        np.testing.assert_allclose([x, y, x + width, y + height], everyone.boxes[n], atol=2 * PIXEL)
        assert note["score"] == pytest.approx(everyone.box_scores[n], abs=SCORE)


def test_posetrack_keeps_joints_at_the_border_alive(tmp_path: Path) -> None:
    points = np.full((1, 17, 2), 50.0)
    points[0, :4] = [[-3, 20], [20, 0], [0.001, -0.001], [np.nan, np.nan]]
    poses = Poses.create(points, track_ids=[1])
    path = written(tmp_path, "posetrack", [result(0, poses)], skeleton=COCO17)
    (note,) = json.loads(path.read_text())["annotations"]
    assert note["keypoints"][:12] == [0.01, 20, 1, 20, 0.01, 1, 0.01, 0.01, 1, 0, 0, 0]


def test_posetrack_names_the_pictures_of_a_folder(tmp_path: Path) -> None:
    item = result(4, people(1), file_name="frame5.png")
    data = json.loads(written(tmp_path, "posetrack", [item]).read_text())
    assert [(i["id"], i["file_name"]) for i in data["images"]] == [(5, "frame5.png")]


def test_coco(tmp_path: Path) -> None:
    path = written(tmp_path, "coco", RESULTS)
    assert path.name == "clip.coco.json"
    rows = json.loads(path.read_text())
    assert [row["image_id"] for row in rows] == [1, 1, 1, 3, 3]
    assert [row.get("track_id") for row in rows] == [1, 2, None, 1, None]
    everyone = Poses.concatenate([r.poses for r in RESULTS if len(r.poses)])
    for n, row in enumerate(rows):
        check_triplets(row["keypoints"], with_zeros(everyone)[n])
        assert row["score"] == pytest.approx(everyone.box_scores[n], abs=SCORE)
        assert row["category_id"] == 1


def test_coco_takes_the_number_of_the_picture(tmp_path: Path) -> None:
    items = [
        result(0, people(1), file_name="000000000139.jpg"),
        result(1, people(1), file_name="beach.jpg"),
    ]
    rows = json.loads(written(tmp_path, "coco", items).read_text())
    assert [row["image_id"] for row in rows] == [139, 2]


def test_coco_reads_as_coco_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pycocotools.coco import COCO

    path = written(tmp_path, "coco", RESULTS)
    truth = COCO()
    truth.dataset = {
        "images": [{"id": n} for n in (1, 2, 3)],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [],
    }
    truth.createIndex()
    loaded = truth.loadRes(str(path))
    assert len(loaded.getAnnIds()) == 5
    capsys.readouterr()


def test_jsonl(tmp_path: Path) -> None:
    path = written(tmp_path, "jsonl", RESULTS)
    assert path.name == "clip.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(r["index"], r["pts_s"], r["epoch"], r["detected"]) for r in lines] == [
        (0, 0.0, 0, True),
        (1, 0.04, 0, False),
        (2, 0.08, 0, True),
    ]
    for line, item in zip(lines, RESULTS, strict=True):
        assert len(line["persons"]) == len(item.poses)
        check_persons(line["persons"], item.poses)
    assert lines[0]["persons"][0]["keypoints"][COCO17.index("nose")] is None


def check_persons(persons: list[dict[str, Any]], poses: Poses) -> None:
    for n, person in enumerate(persons):
        wanted = int(poses.track_ids[n])
        assert person["track_id"] == (None if wanted == NO_TRACK else wanted)
        np.testing.assert_allclose(person["box"], poses.boxes[n], atol=PIXEL, rtol=1e-6)
        assert person["box_score"] == pytest.approx(poses.box_scores[n], abs=2 * SCORE)
        present = [joint is not None for joint in person["keypoints"]]
        assert present == poses.present[n].tolist()
        joints = np.array([j for j in person["keypoints"] if j is not None]).reshape(-1, 3)
        there = poses.present[n]
        np.testing.assert_allclose(joints[:, :2], poses.keypoints[n, there], atol=PIXEL, rtol=1e-6)
        np.testing.assert_allclose(joints[:, 2], poses.scores[n, there], atol=2 * SCORE)


COORDINATES = st.floats(-1e6, 1e6, width=32) | st.just(float("nan"))


@st.composite
def any_poses(draw: st.DrawFn) -> Poses:
    count = draw(st.integers(0, 3))
    return Poses.create(
        draw(hnp.arrays(np.float32, (count, 17, 2), elements=COORDINATES)),
        draw(hnp.arrays(np.float32, (count, 17), elements=st.floats(0, 1, width=32))),
        draw(hnp.arrays(np.float32, (count, 4), elements=st.floats(-1e6, 1e6, width=32))),
        draw(hnp.arrays(np.float32, (count,), elements=st.floats(0, 1, width=32))),
        draw(hnp.arrays(np.int64, (count,), elements=st.integers(-1, 10**12))),
    )


@settings(deadline=None, max_examples=60)
@given(poses=any_poses())
def test_any_poses_survive_json_lines(
    tmp_path_factory: pytest.TempPathFactory, poses: Poses
) -> None:
    path = tmp_path_factory.mktemp("lines") / "clip.jsonl"
    write_all([JsonlSink(path)], [result(0, poses)])
    (line,) = path.read_text().splitlines()
    check_persons(json.loads(line)["persons"], poses)


def test_csv(tmp_path: Path) -> None:
    path = written(tmp_path, "csv", RESULTS)
    assert path.name == "clip.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["index"], row["track_id"]) for row in rows] == [
        ("0", "1"),
        ("0", "2"),
        ("0", ""),
        ("2", "1"),
        ("2", ""),
    ]
    assert {row["pts_s"] for row in rows} == {"0.0", "0.08"}
    assert [rows[0][f"nose_{part}"] for part in ("x", "y", "score")] == ["", "", ""]
    poses = RESULTS[0].poses
    for joint in COCO17.keypoints[1:]:
        k = COCO17.index(joint)
        x, y, score = (float(rows[0][f"{joint}_{part}"]) for part in ("x", "y", "score"))
        np.testing.assert_allclose([x, y], poses.keypoints[0, k], atol=PIXEL)
        assert score == pytest.approx(poses.scores[0, k], abs=SCORE)
    box = [float(rows[1][f"box_{edge}"]) for edge in ("x1", "y1", "x2", "y2")]
    np.testing.assert_allclose(box, poses.boxes[1], atol=PIXEL)
    assert b"\r" not in path.read_bytes()


def test_openpose(tmp_path: Path) -> None:
    folder = written(tmp_path, "openpose", RESULTS)
    assert folder.name == "clip.openpose"
    assert names(folder) == [f"clip_{n:012d}_keypoints.json" for n in range(3)]
    frames = [json.loads((folder / name).read_text()) for name in names(folder)]
    assert [[p["person_id"] for p in f["people"]] for f in frames] == [
        [[1], [2], [-1]],
        [],
        [[1], [-1]],
    ]
    poses = RESULTS[0].poses
    for n, person in enumerate(frames[0]["people"]):
        points = np.array(person["pose_keypoints_2d"]).reshape(18, 3)
        for place, joint in enumerate(OPENPOSE18):
            if joint != "neck":
                expected = with_zeros(poses)[n, COCO17.index(joint)]
                np.testing.assert_allclose(points[place, :2], expected[:2], atol=PIXEL)
        sides = [COCO17.index("left_shoulder"), COCO17.index("right_shoulder")]
        middle = poses.keypoints[n, sides].mean(0)
        np.testing.assert_allclose(points[1, :2], middle, atol=2 * PIXEL)
        assert points[1, 2] == pytest.approx(poses.scores[n, sides].min(), abs=SCORE)


def test_openpose_has_no_neck_without_both_shoulders(tmp_path: Path) -> None:
    scores = np.ones((1, 17))
    scores[0, COCO17.index("left_shoulder")] = 0
    poses = Poses.create(np.full((1, 17, 2), 30.0), scores)
    folder = written(tmp_path, "openpose", [result(0, poses)])
    record = json.loads(next(folder.iterdir()).read_text())
    assert record["people"][0]["pose_keypoints_2d"][3:6] == [0, 0, 0]


def test_scores_that_round_to_nothing_stay_above_it(tmp_path: Path) -> None:
    poses = Poses.create(np.full((1, 17, 2), 9.0), np.full((1, 17), 1e-6), track_ids=[1])
    path = written(tmp_path, "posetrack", [result(0, poses)], skeleton=COCO17)
    assert set(json.loads(path.read_text())["annotations"][0]["scores"]) == {0.0001}


def test_boxes_that_are_not_finite_are_written_as_zeros(tmp_path: Path) -> None:
    poses = Poses.create(
        np.full((1, 17, 2), 9.0), boxes=[[np.nan, 0, np.inf, 5]], box_scores=[np.nan]
    )
    for kind in FORMATS:
        path = written(tmp_path, kind, [result(0, poses)])
        files = list(path.iterdir()) if path.is_dir() else [path]
        assert not any(b"nan" in f.read_bytes().lower() for f in files)
