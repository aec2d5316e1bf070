"""COCO keypoint AP of a detector and an estimator on pictures with COCO annotations.

``steadypose bench accuracy ANNOTATIONS.json IMAGES_DIR``, or ``python -m
steadypose.benchmarks.accuracy``, prints one row a setting: ground-truth boxes or the detector's,
each crop policy. The metric is pycocotools' own.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks import records, tables
from steadypose.benchmarks.records import Origin, Record
from steadypose.engines.crops import CropPolicy
from steadypose.engines.detectors import Detections, load_detector
from steadypose.engines.estimators import Estimator, load_estimator
from steadypose.engines.runtimes import RuntimeOptions
from steadypose.errors import InputError
from steadypose.stream.steady_crops import steadied

Image = NDArray[np.uint8]
_PACKAGES = ("numpy", "onnxruntime", "openvino", "opencv-python", "pycocotools")
MIN_SCORE = 0.2
"""Detections below it are left out: they cost much time and add next to no AP."""
FULL = ((256, 192),)
BY_SIZE = ((192, 128), (256, 192))
BY_SHAPE = ((192, 64), (192, 96), (192, 128), (256, 96), (256, 128), (256, 192))
SMALL = ((128, 64), (128, 96), (192, 64), (192, 96), (192, 128))
_AS_PRESETS = ("balanced", "fast")
"""Crops that are cut as the preset of that name cuts them, at boxes of the grid too."""


@dataclass(frozen=True, kw_only=True)
class CocoSet:
    """Pictures with COCO keypoint annotations.

    Attributes:
        path: The annotation file.
        images: Pictures by image id, ``(H, W, 3)`` uint8 BGR.
        boxes: Ground-truth boxes by image id, ``(N, 4)`` x1 y1 x2 y2.
    """

    path: Path
    images: Mapping[int, Image]
    boxes: Mapping[int, NDArray[np.float32]]


def load_coco(annotations: Path, folder: Path) -> CocoSet:
    """Read an annotation file and its pictures. Raises InputError naming what is missing."""
    try:
        data = json.loads(annotations.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{annotations}: not a readable COCO file: {error}") from error
    images = {}
    for entry in data["images"]:
        picture = cv2.imread(str(folder / entry["file_name"]))
        if picture is None:
            raise InputError(f"{folder / entry['file_name']}: picture missing or unreadable")
        images[entry["id"]] = np.asarray(picture, np.uint8)
    corners: dict[int, list[list[float]]] = {i: [] for i in images}
    for annotation in data["annotations"]:
        x, y, w, h = annotation["bbox"]
        corners[annotation["image_id"]].append([x, y, x + w, y + h])
    boxes = {i: np.array(b, np.float32).reshape(-1, 4) for i, b in corners.items()}
    return CocoSet(path=annotations, images=images, boxes=boxes)


def keypoint_results(
    data: CocoSet,
    estimator: Estimator,
    detections: Mapping[int, Detections] | None,
    *,
    steady: bool = False,
) -> list[dict[str, Any]]:
    """COCO results of an estimator, in ground-truth boxes or in what a detector found.

    Args:
        data: Pictures with their annotations.
        estimator: What finds the joints.
        detections: By image id; None takes the ground-truth boxes.
        steady: Cut people out at boxes of the grid, as the pipeline does.
    """
    results = []
    for image_id, image in data.images.items():
        if detections is None:
            boxes, likelihood = data.boxes[image_id], [1.0] * len(data.boxes[image_id])
        else:
            found = detections[image_id]
            boxes, likelihood = found.boxes, found.scores.astype(np.float64).tolist()
        poses = estimator.estimate(image, steadied(boxes) if steady else boxes)
        for points, scores, person in zip(poses.keypoints, poses.scores, likelihood, strict=True):
            sure = scores[scores > 0.1]
            triplets = np.column_stack([np.nan_to_num(points), scores])
            results.append(
                {
                    "image_id": image_id,
                    "category_id": 1,
                    "keypoints": triplets.reshape(-1).astype(float).tolist(),
                    "score": float(person * (sure.mean() if len(sure) else 0.01)),
                }
            )
    return results


def evaluate(data: CocoSet, results: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Pycocotools' keypoint AP, AP50, AP75, APm, APl and AR, in percent."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(data.path))
        evaluation = COCOeval(truth, truth.loadRes(list(results)), "keypoints")
        evaluation.params.imgIds = list(data.images)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    names = ("AP", "AP50", "AP75", "APm", "APl", "AR")
    return {n: round(100 * float(v), 2) for n, v in zip(names, evaluation.stats, strict=False)}


def run(options: argparse.Namespace) -> int:
    """Measure every estimator with every policy and detector, print the table, append records."""
    data = load_coco(options.annotations, options.images)
    runtime = RuntimeOptions(device=options.device, runtime=options.runtime)
    detected: dict[str, Mapping[int, Detections] | None] = {"ground truth": None}
    for name in options.detectors:
        detector = load_detector(name, runtime, min_score=MIN_SCORE)
        detected[name] = {i: detector.detect(image) for i, image in data.images.items()}
    policies = {
        "256x192": CropPolicy(sizes=FULL),
        "by size": CropPolicy(sizes=BY_SIZE, max_zoom=1.5),
        "balanced": CropPolicy(sizes=BY_SHAPE, max_zoom=1.5),
        "fast": CropPolicy(sizes=SMALL, max_zoom=2.5),
    }
    origin, found = Origin.of(options, _PACKAGES), []
    for model in options.estimators:
        for crops, policy in policies.items():
            estimator = load_estimator(model, runtime, policy=policy)
            for name, boxes in detected.items():
                started = time.process_time()
                steady = crops in _AS_PRESETS
                metrics = evaluate(data, keypoint_results(data, estimator, boxes, steady=steady))
                spent = time.process_time() - started
                record = as_record(name, model, crops, metrics, spent, len(data.images))
                found.append(record)
                records.append(options.json, [record], origin)
                records.tell(record)
    print(tables.markdown([records.as_line(record, origin) for record in found]), end="")
    return 0


def as_record(
    boxes: str, model: str, crops: str, metrics: Mapping[str, float], spent_s: float, pictures: int
) -> Record:
    """As it is written."""
    return Record(
        what="accuracy",
        case={"boxes": boxes, "estimator": model, "crops": crops},
        values={**metrics, "processor s": round(spent_s, 1)},
        n=pictures,
    )
