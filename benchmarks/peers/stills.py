"""Steadypose's detector and estimator over pictures that are no video.

``python -m steadypose.benchmarks.peers.stills FOLDER OUT.jsonl CONFIG THREADS`` writes what
``programs/program.py`` writes. The tracker has no part in it, nor the refiner, which was trained on
most of these pictures; a person's score is that of the box times the mean of the joints' that are
above 0.1, and boxes count down to a low score, as in ``bench accuracy``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from steadypose.benchmarks.accuracy.run import MIN_SCORE
from steadypose.benchmarks.refiner.average_precision import base_score
from steadypose.configs import load_config
from steadypose.skeletons import COCO17
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.steady_crops import steadied


def people(room: EngineRoom, image: np.ndarray[Any, np.dtype[np.uint8]]) -> list[dict[str, Any]]:
    """The people of a picture ``(H, W, 3)`` uint8 BGR, cut out as the pipeline cuts them out."""
    found = room.detector.detect(image)
    steady = room.config.estimator.steady_crops
    poses = room.estimator.estimate(image, steadied(found.boxes) if steady else found.boxes)
    joints = np.concatenate([np.nan_to_num(poses.keypoints), poses.scores[..., None]], 2)
    scores = found.scores * base_score(joints)
    return [
        {
            "id": None,
            "score": float(score),
            "box": box.tolist(),
            "keypoints": person[: len(COCO17)].tolist(),
        }
        for score, box, person in zip(scores, found.boxes, joints, strict=True)
    ]


def main() -> int:
    """Load the networks, go through the pictures, write."""
    folder, target, config, threads = sys.argv[1:]
    changes = {
        "runtime": {"threads": int(threads)},
        "detector": {"keep_score": MIN_SCORE},
        "refiner": {"enabled": False},
    }
    room = EngineRoom.load(load_config(config, changes))
    with Path(target).open("w", encoding="utf-8") as file:
        for count, path in enumerate(sorted(Path(folder).iterdir()), 1):
            image = np.asarray(cv2.imread(str(path)), np.uint8)
            file.write(json.dumps({"name": path.name, "people": people(room, image)}) + "\n")
            file.flush()
            print(f"frame {count}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
