"""How right a system is: COCO AP on pictures, identities on a video with sparse true boxes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from steadypose.benchmarks.accuracy.run import CocoSet, evaluate
from steadypose.benchmarks.agreement import Boxes
from steadypose.benchmarks.peers.seen import Seen
from steadypose.benchmarks.trackers.footage import Footage, footage
from steadypose.benchmarks.trackers.scoring import MEASURES, box_sums, measures
from steadypose.benchmarks.trackers.truth import Truth
from steadypose.poses import Poses
from steadypose.skeletons import COCO17

_NOWHERE = np.full((17, 2), np.nan)


def average_precision(
    data: CocoSet, names: Mapping[int, str], found: Mapping[str, Seen], splits: Mapping[int, str]
) -> dict[str, float]:
    """COCO keypoint AP in percent, over all pictures and over those of each split.

    Args:
        data: Pictures and annotations.
        names: File name of each picture.
        found: People by file name; a picture may be missing.
        splits: Split of each picture, where there are any.
    """
    values = {"AP": _ap(data, names, found)}
    for split in sorted(set(splits.values())):
        part = {i: image for i, image in data.images.items() if splits.get(i) == split}
        values[f"AP {split}"] = _ap(replace(data, images=part), names, found)
    return values


def _ap(data: CocoSet, names: Mapping[int, str], found: Mapping[str, Seen]) -> float:
    results = [
        {
            "image_id": image_id,
            "category_id": 1,
            "keypoints": joints.reshape(-1).tolist(),
            "score": float(score),
        }
        for image_id in data.images
        if names[image_id] in found
        for joints, score in zip(
            found[names[image_id]].keypoints, found[names[image_id]].scores, strict=True
        )
    ]
    return evaluate(data, results)["AP"] if results else 0.0


def identity(truth: Mapping[int, Boxes], found: Mapping[str, Seen]) -> dict[str, float]:
    """MOTA, IDF1, HOTA and switches of the frames that have true boxes, IoU 0.5.

    Args:
        truth: Ids and boxes by frame, counted from 0.
        found: People by frame number; those without id count as not found.
    """
    frames = sorted(truth)
    true = _footage([truth[frame] for frame in frames])
    seen = [found.get(str(frame)) for frame in frames]
    observed = _footage(
        [
            (np.empty(0, np.int64), np.empty((0, 4)))
            if people is None
            else (people.ids[people.ids >= 0], people.boxes[people.ids >= 0])
            for people in seen
        ]
    )
    heads = np.full(len(true.people), np.nan)
    sums = box_sums(Truth(footage=true, heads=heads), observed, observed.people.track_ids)
    values = dict(zip(MEASURES, measures(sums).tolist(), strict=True))
    return {name: values[name] for name in ("IDF1", "MOTA", "HOTA", "switches")}


def _footage(frames: list[Boxes]) -> Footage:
    counts = [len(ids) for ids, _ in frames]
    ids = np.concatenate([ids for ids, _ in frames])
    boxes = np.concatenate([boxes for _, boxes in frames]).astype(np.float32)
    people = Poses.create(
        np.tile(_NOWHERE, (len(ids), 1, 1)),
        boxes=boxes,
        box_scores=np.ones(len(ids)),
        track_ids=ids,
        skeleton=COCO17,
    )
    frame_of = np.repeat(np.arange(len(frames)), counts)
    return footage("", np.arange(len(frames), dtype=float), frame_of, people)


def picture_names(path: Path) -> tuple[dict[int, str], dict[int, str]]:
    """File names, and splits where they are told, of the pictures of a COCO file by id."""
    images = json.loads(path.read_text(encoding="utf-8"))["images"]
    names = {image["id"]: image["file_name"] for image in images}
    return names, {image["id"]: image["split"] for image in images if "split" in image}
