"""Runs a peer's tracker over observations, in the peer's own environment.

``python -I peer_program.py IN.npz OUT.npz TRACKER VARIANTS`` needs numpy and the peer alone;
nothing of Steadypose is imported. VARIANTS is a JSON list of settings, each tried on all sequences.

IN: ``starts`` ``(S + 1,)`` frames of each sequence, ``offsets`` ``(F + 1,)`` rows of each frame,
``fps``, ``boxes`` ``(M, 4)``, ``box_scores`` ``(M,)``, ``keypoints`` ``(M, K, 2)``, ``scores``
``(M, K)``, ``spreads`` ``(K,)``. OUT: ``ids`` ``(V, M)`` with -1 for none, ``seconds`` ``(V, F)``.

The settings of a variant are keyword arguments of the peer's tracker; ``min_score`` is the person
score below which it is given nothing, and lengths of time that norfair counts in frames end on
``_s``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

NOBODY = -1
Frame = Mapping[str, Any]
"""``boxes``, ``box_scores``, ``keypoints``, ``scores`` of one frame's people."""
Step = Callable[[Frame], Any]
"""Takes the next frame's people and returns their ids ``(N,)``."""


def roboflow(name: str, options: dict[str, Any], fps: float, _: Any) -> Step:
    """A tracker of Roboflow's ``trackers`` (Apache-2.0), on boxes."""
    import supervision as sv

    import trackers

    tracker = getattr(trackers, name)(frame_rate=fps, **options)

    def step(frame: Frame) -> Any:
        count = len(frame["boxes"])
        detections = sv.Detections(
            xyxy=frame["boxes"].astype(np.float32),
            confidence=frame["box_scores"].astype(np.float32),
            class_id=np.zeros(count, int),
            data={"row": np.arange(count)},
        )
        tracked = tracker.update(detections)
        ids = np.full(count, NOBODY)
        if len(tracked):
            ids[tracked.data["row"]] = tracked.tracker_id
        return ids

    return step


def norfair(_: str, options: dict[str, Any], fps: float, spreads: Any) -> Step:
    """Norfair (BSD-3) on keypoints, with 1 - OKS as distance; ``tolerance`` widens the spreads.

    Joints are compared where both the observation and the track's last one have them, as norfair's
    own distances for keypoints do.
    """
    from norfair import Detection, Tracker

    seen_from = options.pop("joint_score")
    tolerance = options.pop("tolerance")
    scale = 2 * (tolerance * 2 * spreads) ** 2 * 0.53

    def distance(detection: Any, track: Any) -> float:
        shared = (detection.scores > seen_from) & (track.last_detection.scores > seen_from)
        if not shared.any():
            return 1.0
        squared = ((detection.points - track.estimate) ** 2).sum(1)
        area = np.prod(detection.data["box"][2:] - detection.data["box"][:2])
        return 1 - float(np.exp(-squared / (scale * area))[shared].mean())

    frames = {
        name.removesuffix("_s"): max(1, round(options.pop(name) * fps))
        for name in [n for n in options if n.endswith("_s")]
    }
    frames["initialization_delay"] = min(
        frames["initialization_delay"], frames["hit_counter_max"] - 1
    )
    tracker = Tracker(distance, detection_threshold=seen_from, **frames, **options)

    def step(frame: Frame) -> Any:
        given = [
            Detection(np.nan_to_num(points), scores, data={"row": row, "box": box})
            for row, (points, scores, box) in enumerate(
                zip(frame["keypoints"], frame["scores"], frame["boxes"])  # noqa: B905
            )
        ]
        ids = np.full(len(given), NOBODY)
        for track in tracker.update(given):
            last = track.last_detection
            if any(last is each for each in given):
                ids[last.data["row"]] = track.id
        return ids

    return step


def track(data: Mapping[str, Any], name: str, options: Mapping[str, Any]) -> tuple[Any, Any]:
    """Ids ``(M,)`` of all observations and seconds ``(F,)`` of each frame."""
    offsets, keys = data["offsets"], ("boxes", "box_scores", "keypoints", "scores")
    ids, seconds = np.full(len(data["boxes"]), NOBODY), np.zeros(len(offsets) - 1)
    make = norfair if name == "norfair" else roboflow
    for number, fps in enumerate(data["fps"]):
        left = dict(options)
        least = left.pop("min_score", 0.0)
        step = make(name, left, float(fps), data["spreads"])
        for frame in range(data["starts"][number], data["starts"][number + 1]):
            rows = np.arange(offsets[frame], offsets[frame + 1])
            rows = rows[data["box_scores"][rows] >= least]
            people = {key: data[key][rows] for key in keys}
            began = time.perf_counter()
            ids[rows] = step(people)
            seconds[frame] = time.perf_counter() - began
    return ids, seconds


def main() -> int:
    """Read, track with every variant, write."""
    source, target, name, variants = sys.argv[1:]
    with np.load(source) as arrays:
        data = dict(arrays)
    results = [track(data, name, options) for options in json.loads(variants)]
    ids, seconds = zip(*results)  # noqa: B905
    np.savez(target, ids=np.array(ids), seconds=np.array(seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
