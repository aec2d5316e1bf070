"""MediaPipe Pose (Apache-2.0) of the wheels that bring its networks: one person a frame.

Without options it is what the documentation shows: complexity 1, detection when there is nobody to
follow, smoothed landmarks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import mediapipe as mp

COCO_FROM_33 = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)


def person(landmarks: Any, width: int, height: int, identity: int | None) -> dict[str, Any]:
    """33 landmarks in shares of the picture as a person; the box is that of all landmarks."""
    points = [(mark.x * width, mark.y * height, mark.visibility) for mark in landmarks]
    joints = [points[n] for n in COCO_FROM_33]
    across, down = [p[0] for p in points], [p[1] for p in points]
    return {
        "id": identity,
        "score": sum(p[2] for p in joints) / len(joints),
        "box": [min(across), min(down), max(across), max(down)],
        "keypoints": joints,
    }


def start(_: dict[str, Any], still: bool) -> Callable[[Any], list[dict[str, Any]]]:
    """See ``program``; the one person keeps one id."""
    pose = mp.solutions.pose.Pose(static_image_mode=still)

    def step(image: Any) -> list[dict[str, Any]]:
        found = pose.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).pose_landmarks
        if found is None:
            return []
        return [person(found.landmark, image.shape[1], image.shape[0], 1)]

    return step
