"""Tracking metrics over arrays per frame; they know of no files.

``evaluate_boxes`` scores tracked boxes, ``evaluate_keypoints`` tracked poses; ``clear_mot``,
``identity`` and ``hota`` take whatever has identities and distances.
"""

from steadypose.benchmarks.posetrack.metrics.boxes import (
    BoxFrame,
    BoxScores,
    combine_boxes,
    evaluate_boxes,
)
from steadypose.benchmarks.posetrack.metrics.clear import ClearCounts, clear_mot
from steadypose.benchmarks.posetrack.metrics.hota import HotaCounts, hota
from steadypose.benchmarks.posetrack.metrics.identity import IdentityCounts, identity
from steadypose.benchmarks.posetrack.metrics.pairing import Pairing

__all__ = [
    "BoxFrame",
    "BoxScores",
    "ClearCounts",
    "HotaCounts",
    "IdentityCounts",
    "Pairing",
    "clear_mot",
    "combine_boxes",
    "evaluate_boxes",
    "hota",
    "identity",
]
