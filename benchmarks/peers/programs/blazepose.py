"""MediaPipe Pose (Apache-2.0): its first interface, for one person, or its Tasks, for several.

Options: ``bundle``, a ``.task`` file, and ``fps`` for Tasks; without a bundle it is the first
interface. Else the settings are those that the documentation shows; Tasks gives no ids.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2

COCO_FROM_33 = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
_MOST = 30
Step = Callable[[Any], list[dict[str, Any]]]


def start(options: dict[str, Any], still: bool) -> Step:
    """See ``program``."""
    if "bundle" in options:
        return _tasks(options, still)
    import mediapipe as mp

    pose = mp.solutions.pose.Pose(static_image_mode=still)

    def step(image: Any) -> list[dict[str, Any]]:
        found = pose.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).pose_landmarks
        return [] if found is None else [person(found.landmark, image, 1)]

    return step


def _tasks(options: dict[str, Any], still: bool) -> Step:
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    mode = vision.RunningMode.IMAGE if still else vision.RunningMode.VIDEO
    landmarker = vision.PoseLandmarker.create_from_options(
        vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=options["bundle"]),
            running_mode=mode,
            num_poses=_MOST,
        )
    )
    count = 0

    def step(image: Any) -> list[dict[str, Any]]:
        nonlocal count
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        picture = mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb)
        if still:
            found = landmarker.detect(picture)
        else:
            found = landmarker.detect_for_video(picture, round(1000 * count / options["fps"]))
        count += 1
        return [person(landmarks, image, None) for landmarks in found.pose_landmarks]

    return step


def person(landmarks: Any, image: Any, identity: int | None) -> dict[str, Any]:
    """33 landmarks in shares of the picture as a person; the box is that of all landmarks."""
    height, width = image.shape[:2]
    points = [(mark.x * width, mark.y * height, mark.visibility) for mark in landmarks]
    joints = [points[n] for n in COCO_FROM_33]
    across, down = [p[0] for p in points], [p[1] for p in points]
    return {
        "id": identity,
        "score": sum(p[2] for p in joints) / len(joints),
        "box": [min(across), min(down), max(across), max(down)],
        "keypoints": joints,
    }
