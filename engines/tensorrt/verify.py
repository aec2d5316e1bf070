"""Whether an engine finds what its network finds in FP32 on the processor, on pictures of people.

Joints are compared one by one, boxes by two of their corners. The share that lies within 5 % of the
person's longer side is reported as PCK is, with the FP32 result in the place of the annotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.crops import CropPolicy, Size
from steadypose.engines.detectors import Detections, Detector
from steadypose.engines.detectors.openmmlab import MmDetector
from steadypose.engines.detectors.picodet import PicoDet
from steadypose.engines.estimators import Estimator, PoseNetwork
from steadypose.engines.estimators.movenet import MoveNet
from steadypose.engines.estimators.simcc import SimccNetwork
from steadypose.engines.refiner.refine import PoseRefiner
from steadypose.engines.runtimes import Engine
from steadypose.engines.tensorrt.manifest import Verified
from steadypose.engines.tensorrt.samples import Samples
from steadypose.errors import InputError, ModelError
from steadypose.geometry import box_iou

REACH = 0.05
"""Share of a person's longer side within which a point agrees."""

# What the network itself is not sure of, rounding may move anywhere.
_SURE = 0.3
_SAME_BOX = 0.5
_REFERENCE_BATCH = 8

# FP16 moves joints by hundredths of a pixel and scores by thousandths. What is beyond these is
# no rounding.
_LEAST_AGREEMENT = 0.99
_MOST_SHIFT = 0.005
_MOST_SCORE = 0.05


@dataclass(frozen=True, eq=False)
class _Found:
    """What was found of N people or boxes with K points each.

    Attributes:
        points: ``(N, K, 2)`` in pixels of the frames; NaN where one was not found.
        scores: ``(N, K)`` in 0..1.
        sides: ``(N,)`` the longer sides of the people's boxes.
    """

    points: NDArray[np.float64]
    scores: NDArray[np.float64]
    sides: NDArray[np.float64]


_Pair = tuple[_Found, _Found]
"""What the engine found and what the reference found, row by row of the same."""


def verify(
    engine: Engine,
    reference: Engine,
    samples: Samples,
    *,
    sizes: Sequence[Size] = (),
    batches: Sequence[int] = (_REFERENCE_BATCH,),
    gpu: str = "",
) -> Verified:
    """Compare an engine with its network.

    Args:
        engine: What is to be verified.
        reference: See ``reference_engine``.
        samples: What they look at.
        sizes: Crop sizes (height, width) to look in, for networks that take any.
        batches: Most people in one call of the engine; each is tried.
        gpu: Where the engine runs, for the record.

    Raises:
        ModelError: The network is of no known kind.
        InputError: It finds nothing that it is sure of.
        EngineError: A run time fails.
    """
    if _is_refiner(engine) or _pose_network(engine) is not None:
        pairs = _pose_pairs(engine, reference, samples, sizes or CropPolicy().sizes, batches)
    else:
        pairs = [_box_pair(_detector(engine), _detector(reference), samples)]
    away, shares, scores = [], [], []
    for got, want in pairs:
        sure = (want.scores >= _SURE) & np.isfinite(want.points).all(-1)
        distance = np.linalg.norm(got.points - want.points, axis=-1)
        away.append(distance[sure])
        shares.append((distance / want.sides[:, None])[sure])
        scores.append(np.abs(got.scores - want.scores).ravel())
    return _judge(
        np.concatenate(away), np.concatenate(shares), np.concatenate(scores), samples.people, gpu
    )


def summary(verified: Verified) -> str:
    """The figures in a line."""
    line = (
        f"p50 {verified.p50_px:.3f} px, p99 {verified.p99_px:.3f} px, "
        f"max {verified.max_px:.2f} px, scores p99 {verified.p99_score:.4f}, "
        f"PCK@{REACH} {verified.agreement:.4f} of {verified.points} points "
        f"of {verified.people} people"
    )
    return line + (f", {verified.lost} lost" if verified.lost else "")


def _judge(
    away: NDArray[np.float64],
    shares: NDArray[np.float64],
    scores: NDArray[np.float64],
    people: int,
    gpu: str,
) -> Verified:
    if not len(away):
        raise InputError("the network finds nothing that it is sure of; give other pictures")
    there = np.isfinite(away)
    lost = int((~there).sum())
    agreement = float((there & (np.nan_to_num(shares, nan=1) <= REACH)).mean())
    known = away[there] if there.any() else np.zeros(1)
    score = float(np.percentile(scores, 99))
    shift = float(np.median(shares[there])) if there.any() else 1.0
    return Verified(
        ok=agreement >= _LEAST_AGREEMENT and shift <= _MOST_SHIFT and score <= _MOST_SCORE,
        p50_px=float(np.percentile(known, 50)),
        p99_px=float(np.percentile(known, 99)),
        max_px=float(known.max()),
        p99_score=score,
        agreement=agreement,
        points=len(away),
        lost=lost,
        people=people,
        gpu=gpu,
        at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _pose_pairs(
    engine: Engine,
    reference: Engine,
    samples: Samples,
    sizes: Sequence[Size],
    batches: Sequence[int],
) -> list[_Pair]:
    """For each size and batch, the joints of the same people."""
    pairs = []
    for size in sizes:
        want = _joints(reference, samples, size, _REFERENCE_BATCH)
        pairs += [(_joints(engine, samples, size, batch), want) for batch in batches]
    return pairs


def _joints(engine: Engine, samples: Samples, size: Size, batch: int) -> _Found:
    """The joints of the samples, by way of all that the network is used in."""
    policy = CropPolicy(sizes=(size,))
    network = _pose_network(engine)
    if network is None:
        # The network's own word: what the estimator has to say would hide half of a difference.
        refiner = PoseRefiner(engine, policy, max_batch=batch, given_weight=0, keep_below=0)
        found = refiner.refine_many(samples.images, samples.poses, samples.priors)
    else:
        estimator = Estimator(network, policy, max_batch=batch)
        found = estimator.estimate_many(samples.images, [p.boxes for p in samples.poses])
    return _Found(
        np.concatenate([poses.keypoints for poses in found]).astype(np.float64),
        np.concatenate([poses.scores for poses in found]).astype(np.float64),
        _sides(np.concatenate([poses.boxes for poses in found])),
    )


def _box_pair(engine: Detector, reference: Detector, samples: Samples) -> _Pair:
    """Boxes as two corners each, the engine's in the order of the reference's.

    A sure box that only one of the two has is one that the other has lost.
    """
    got, want = [], []
    for image in samples.images:
        ours, theirs = _rows(engine.detect(image)), _rows(reference.detect(image))
        partner = _partners(theirs, ours)
        got.append(_picked(ours, partner))
        want.append(theirs)
        alone = ours[(_partners(ours, theirs) < 0) & (ours[:, 4] >= _SURE)]
        got.append(_picked(alone, np.full(len(alone), -1)))
        want.append(alone)
    return _corners(np.concatenate(got), np.concatenate(want))


def _rows(found: Detections) -> NDArray[np.float64]:
    """``(N, 5)`` x1 y1 x2 y2 score."""
    rows = np.concatenate([found.boxes, found.scores[:, None]], 1)
    return np.asarray(rows, np.float64)


def _partners(rows: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.intp]:
    """For each row the other that is the same box; -1 where none is."""
    if not len(rows) or not len(others):
        return np.full(len(rows), -1, np.intp)
    overlaps = box_iou(rows[:, :4], others[:, :4])
    same: NDArray[np.intp] = np.where(overlaps.max(1) >= _SAME_BOX, overlaps.argmax(1), -1)
    return same


def _picked(rows: NDArray[np.float64], which: NDArray[np.intp]) -> NDArray[np.float64]:
    """The rows picked; NaN with the score 0 for -1."""
    picked = np.full((len(which), 5), np.nan)
    picked[:, 4] = 0
    picked[which >= 0] = rows[which[which >= 0]]
    return picked


def _corners(got: NDArray[np.float64], want: NDArray[np.float64]) -> _Pair:
    sides = _sides(want)
    ours, theirs = (
        _Found(rows[:, :4].reshape(-1, 2, 2), np.repeat(rows[:, 4:], 2, 1), sides)
        for rows in (got, want)
    )
    return ours, theirs


def _is_refiner(engine: Engine) -> bool:
    return set(engine.inputs) == {"image", "pose", "prior"} and "keypoints" in engine.outputs


def _pose_network(engine: Engine) -> PoseNetwork | None:
    if {"simcc_x", "simcc_y"} <= set(engine.outputs):
        return SimccNetwork(engine)
    if set(engine.inputs) == {"image", "boxes"} and "keypoints" in engine.outputs:
        return MoveNet(engine)
    return None


def _detector(engine: Engine) -> Detector:
    if set(engine.outputs) == {"boxes", "scores"}:
        return PicoDet.from_engine(engine)
    if "dets" in engine.outputs or len(engine.outputs) == 1:
        return MmDetector(engine, normalise="rtmdet" in engine.name.lower())
    raise ModelError(
        f"{engine.path}: inputs {', '.join(engine.inputs)} and outputs {', '.join(engine.outputs)} "
        "are of no network known here; it cannot be verified"
    )


def _sides(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    sides: NDArray[np.float64] = (boxes[:, 2:4] - boxes[:, :2]).max(1).astype(np.float64)
    return sides
