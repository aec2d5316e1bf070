"""The 15 joints as the tables of the field show them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steadypose.skeletons import POSETRACK15

COLUMNS = ("Head", "Shou", "Elb", "Wri", "Hip", "Knee", "Ankl")
_GROUPS = (
    ("head_top", "head_bottom", "nose"),
    *(
        (f"right_{joint}", f"left_{joint}")
        for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    ),
)
GROUPS = tuple([POSETRACK15.index(joint) for joint in group] for group in _GROUPS)


def row(values: NDArray[np.float64], total: float) -> list[float]:
    """The seven columns and the total: values ``(15,)`` of the joints, averaged by kind.

    The total is the mean over the joints, which is not the mean of the columns. A joint that is
    NaN is left out.
    """
    return [*(mean(values[group]) for group in GROUPS), total]


def mean(values: NDArray[np.float64]) -> float:
    """The mean of what is not NaN; NaN where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
