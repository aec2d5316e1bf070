"""What a user would put together: Steadypose's own networks in ONNX Runtime, and a tracker.

Every frame is searched by PicoDet (stretched to the network's square), all its people go through
MoveNet as one batch of 256x192 crops, and norfair or a tracker of Roboflow's ``trackers`` names
them.
Options: ``threads``, ``detector`` and ``estimator`` (ONNX files), ``tracker``, ``fps``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import onnxruntime

_HEIGHT, _WIDTH = 256, 192
_PADDING = 1.15
_SIGMAS = 0.001 * np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89])
_SURE = 0.1
Step = Callable[[Any], list[dict[str, Any]]]
Name = Callable[[Any, Any, Any, Any], list[Any]]
"""Takes boxes, their scores, keypoints and their scores; gives an id or None for each person."""


def start(options: dict[str, Any], still: bool) -> Step:
    """See ``program``."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options["threads"]
    detector, estimator = (
        onnxruntime.InferenceSession(options[name], settings, providers=["CPUExecutionProvider"])
        for name in ("detector", "estimator")
    )
    name = _nobody if still else (_norfair if options["tracker"] == "norfair" else _boxes)(options)
    least = 0.2 if still else 0.4

    def step(image: Any) -> list[dict[str, Any]]:
        boxes, scores = detect(detector, image, least)
        if not len(boxes):
            name(boxes, scores, np.zeros((0, 17, 2)), np.zeros((0, 17)))
            return []
        joints = estimate(estimator, image, boxes)
        ids = name(boxes, scores, joints[..., :2], joints[..., 2])
        people = []
        for box, score, points, identity in zip(boxes, scores, joints, ids):  # noqa: B905
            sure = points[points[:, 2] > _SURE, 2]
            whole = float(score * (sure.mean() if len(sure) else 0.01))
            person = {"id": identity, "score": whole, "box": box.tolist()}
            people.append({**person, "keypoints": points.tolist()})
        return people

    return step


def detect(session: Any, image: Any, least: float) -> tuple[Any, Any]:
    """Boxes ``(N, 4)`` and scores of the people in a picture."""
    height, width = session.get_inputs()[0].shape[1:3]
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    boxes, scores = (found[0] for found in session.run(None, {"image": small[None]}))
    boxes, scores = boxes[scores >= least], scores[scores >= least]
    boxes = boxes * np.tile([image.shape[1] / width, image.shape[0] / height], 2)
    sides = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
    kept = np.array(cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), least, 0.6), int).ravel()
    return boxes[kept], scores[kept]


def estimate(session: Any, image: Any, boxes: Any) -> Any:
    """Joints ``(N, 17, 3)`` x, y in the picture and score."""
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    scales = _PADDING * np.maximum(sides[:, 0] / _WIDTH, sides[:, 1] / _HEIGHT)
    middle = np.array([_WIDTH / 2, _HEIGHT / 2])
    crops = np.empty((len(boxes), _HEIGHT, _WIDTH, 3), np.uint8)
    for crop, centre, scale in zip(crops, centres, scales):  # noqa: B905
        away = middle - centre / scale
        matrix = np.array([[1 / scale, 0, away[0]], [0, 1 / scale, away[1]]])
        cv2.warpAffine(image, matrix, (_WIDTH, _HEIGHT), dst=crop)
    known = (sides / scales[:, None]).astype(np.float32)
    (joints,) = session.run(None, {"image": crops, "boxes": known})
    joints[..., :2] = (joints[..., :2] - middle) * scales[:, None, None] + centres[:, None]
    return joints


def _nobody(boxes: Any, *_: Any) -> list[Any]:
    return [None] * len(boxes)


def _boxes(options: dict[str, Any]) -> Name:
    """A tracker of ``trackers`` (Apache-2.0) with its documented settings."""
    import supervision as sv

    import trackers

    tracker = getattr(trackers, options["tracker"])(frame_rate=options["fps"])

    def name(boxes: Any, scores: Any, *_: Any) -> list[Any]:
        people = sv.Detections(
            xyxy=boxes.astype(np.float32),
            confidence=scores.astype(np.float32),
            class_id=np.zeros(len(boxes), int),
            data={"row": np.arange(len(boxes))},
        )
        ids: list[Any] = [None] * len(boxes)
        tracked = tracker.update(people)
        if len(tracked):
            for row, number in zip(tracked.data["row"], tracked.tracker_id):  # noqa: B905
                ids[row] = int(number) if number >= 0 else None
        return ids

    return name


def _norfair(options: dict[str, Any]) -> Name:
    """Norfair (BSD-3) on keypoints, with 1 - OKS as distance, as in ``bench trackers``."""
    from norfair import Detection, Tracker

    second = max(2, round(options["fps"]))

    def distance(seen: Any, track: Any) -> float:
        shared = (seen.scores > 0.2) & (track.last_detection.scores > 0.2)
        if not shared.any():
            return 1.0
        squared = ((seen.points - track.estimate) ** 2).sum(1)
        area = np.prod(seen.data["box"][2:] - seen.data["box"][:2])
        near = np.exp(-squared / (2 * (2 * _SIGMAS) ** 2 * 0.53 * area))
        return 1 - float(near[shared].mean())

    tracker = Tracker(
        distance,
        distance_threshold=0.9,
        hit_counter_max=second,
        initialization_delay=min(max(1, round(0.08 * second)), second - 1),
        pointwise_hit_counter_max=max(1, round(0.3 * second)),
        detection_threshold=0.2,
    )

    def name(boxes: Any, _: Any, points: Any, scores: Any) -> list[Any]:
        seen = [
            Detection(p, s, data={"row": row, "box": box})
            for row, (p, s, box) in enumerate(zip(points, scores, boxes))  # noqa: B905
        ]
        ids: list[Any] = [None] * len(seen)
        for track in tracker.update(seen):
            if any(track.last_detection is each for each in seen):
                ids[track.last_detection.data["row"]] = track.id
        return ids

    return name
