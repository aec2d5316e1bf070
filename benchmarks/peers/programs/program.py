"""Runs a peer over a clip or over pictures, in the peer's own environment.

``python -E -s program.py SYSTEM clip|pictures SOURCE OUT.jsonl OPTIONS`` needs OpenCV, numpy and
the peer alone; nothing of Steadypose is imported. SYSTEM is a module beside this file, whose
``start(options, still)`` gives a function from a BGR picture to its people; SOURCE a video, or a
folder of pictures, which have nothing to do with each other (``still``); OPTIONS a JSON object.

OUT has a line for each frame, or for each picture by name: ``{"name": ..., "people": [...]}`` with
``{"id": number or null, "score": s, "box": [x1, y1, x2, y2], "keypoints": [[x, y, score] * 17]}``,
pixels, COCO's order. ``frame N`` is printed when the N-th line, counted from 1, was written.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2

Step = Callable[[Any], list[dict[str, Any]]]
"""Takes a picture ``(H, W, 3)`` uint8 BGR and gives its people as ``OUT`` has them."""


def frames(source: Path) -> Iterator[tuple[str, Any]]:
    """The frames of a video with their numbers."""
    video = cv2.VideoCapture(str(source))
    number = 0
    while True:
        there, image = video.read()
        if not there:
            break
        yield str(number), image
        number += 1
    video.release()


def pictures(folder: Path) -> Iterator[tuple[str, Any]]:
    """The pictures of a folder with their names."""
    for path in sorted(folder.iterdir()):
        yield path.name, cv2.imread(str(path))


def main() -> int:
    """Open the system, go through the source, write."""
    system, kind, source, target, options = sys.argv[1:]
    given = json.loads(options)
    cv2.setNumThreads(given["threads"])
    step: Step = importlib.import_module(system).start(given, kind == "pictures")
    walk = pictures if kind == "pictures" else frames
    with Path(target).open("w", encoding="utf-8") as file:
        for count, (name, image) in enumerate(walk(Path(source)), 1):
            file.write(json.dumps({"name": name, "people": step(image)}) + "\n")
            file.flush()
            print(f"frame {count}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
