"""Annotated videos that are made up, in both forms of PoseTrack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.trackers.footage import Footage
from steadypose.benchmarks.trackers.truth import Truth
from steadypose.benchmarks.trackers.walkers import walkers
from steadypose.skeletons import POSETRACK15, POSETRACK17

Joints = NDArray[np.float64]


def video(people: int = 4, seconds: float = 2.0, name: str = "train_a", seed: int = 0) -> Truth:
    """People who walk, 25 frames/s, COCO joints; without head boxes."""
    walk = walkers(people, seconds, 25.0, seed)
    named = Footage(name=name, pts_s=walk.pts_s, offsets=walk.offsets, people=walk.people)
    return Truth(footage=named, heads=np.full(len(walk.people), np.nan))


def figures_of(frames: int, people: int = 2, joints: int = 17) -> Joints:
    """``(frames, people, joints, 2)``: each somewhere, walking to the right."""
    rng = np.random.default_rng(0)
    shape = rng.uniform(0, 1, (joints, 2)) * (60, 160)
    place = np.arange(people)[:, None, None] * (200, 0) + (20, 30)
    step = np.arange(frames)[:, None, None, None] * (2.0, 0)
    return np.asarray(shape + place + step)


def posetrack18(points: Joints, missing: tuple[int, ...] = (0, 3, 4)) -> dict[str, Any]:
    """The JSON of 2018, with head boxes of 30 x 40 px; joints ``missing`` are not labelled."""
    annotations = []
    for frame, people in enumerate(points):
        for person, joints in enumerate(people):
            rows = np.concatenate([joints, np.ones((len(POSETRACK17), 1))], 1)
            rows[list(missing)] = 0
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": 1000 + frame,
                    "track_id": 7 * person,
                    "keypoints": rows.reshape(-1).tolist(),
                    "bbox_head": [*joints[1].tolist(), 30, 40],
                }
            )
    images = [{"id": 1000 + n, "is_labeled": True} for n in range(len(points))]
    return {"images": images, "annotations": annotations}


def posetrack17(points: Joints) -> dict[str, Any]:
    """The annolist of 2017 of the same people, whose joints are in its own order."""
    order = [POSETRACK17.index(name) for name in POSETRACK15.keypoints]
    annolist = []
    for people in points:
        annorect = [
            {
                "track_id": [7 * person],
                "x1": [0],
                "y1": [0],
                "x2": [30],
                "y2": [40],
                "annopoints": [
                    {
                        "point": [
                            {"id": [k], "x": [joints[row, 0]], "y": [joints[row, 1]]}
                            for k, row in enumerate(order)
                            if POSETRACK15.keypoints[k] != "nose"
                        ]
                    }
                ],
            }
            for person, joints in enumerate(people)
        ]
        annolist.append({"image": [{"name": "a.jpg"}], "annorect": annorect})
    return {"annolist": annolist}


def write(folder: Path, **files: dict[str, Any]) -> Path:
    """Each as ``NAME.json`` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder
