"""What tracking metrics are computed from: who was there, who was found, how far apart they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from steadypose.errors import InputError

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pairing:
    """One frame of one sequence, in K channels that are matched apart from one another.

    The channels of poses are their joints; boxes have one. Ids say who is the same person in
    other frames of the sequence.

    Attributes:
        truth_ids: ``(G,)`` int64, each once.
        found_ids: ``(P,)`` int64, each once.
        truth: ``(K, G)`` bool: the person is annotated in this channel.
        found: ``(K, P)`` bool: the prediction has something in this channel.
        distance: ``(K, G, P)`` float64, 0 or more; inf or NaN where the two cannot be one.
    """

    truth_ids: NDArray[np.int64]
    found_ids: NDArray[np.int64]
    truth: Mask
    found: Mask
    distance: NDArray[np.float64]

    def __post_init__(self) -> None:
        shape = (*self.truth.shape, len(self.found_ids))
        if self.distance.shape != shape or self.found.shape != (shape[0], shape[2]):
            raise InputError(f"Pairing.distance: expected shape {shape}, got {self.distance.shape}")
        for name, ids in (("truth_ids", self.truth_ids), ("found_ids", self.found_ids)):
            if len(set(ids.tolist())) != len(ids):
                raise InputError(f"Pairing.{name}: an id occurs twice in one frame")


class Rows:
    """Gives every id of a sequence a row number, in the order in which they are met."""

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}

    def __call__(self, ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Row numbers ``(N,)`` of ids ``(N,)``."""
        rows = self._rows
        return np.array([rows.setdefault(i, len(rows)) for i in ids.tolist()], np.intp)

    def __len__(self) -> int:
        return len(self._rows)


def numbered(
    frames: Iterable[Pairing],
) -> tuple[list[tuple[Pairing, NDArray[np.intp], NDArray[np.intp]]], int, int]:
    """Each frame with the rows of its people and predictions, and how many there are of either."""
    truth, found = Rows(), Rows()
    rows = [(frame, truth(frame.truth_ids), found(frame.found_ids)) for frame in frames]
    return rows, len(truth), len(found)


def disputed(edges: Mask) -> Mask:
    """``(..., K)``: channels of ``edges`` ``(..., K, G, P)`` where somebody has a choice of two."""
    rows: Mask = (edges.sum(-1) > 1).any(-1) | (edges.sum(-2) > 1).any(-1)
    return rows


def nearest(edges: Mask, frame: Pairing, nearness: NDArray[np.float64] | None = None) -> Mask:
    """The pairs ``(K, G, P)`` of ``edges`` that together have the least distance; most pairs first.

    Where nobody has a choice all edges are pairs, whatever their distance.

    Args:
        edges: ``(K, G, P)`` who may be who.
        frame: For its distances and who is there.
        nearness: ``(K, G, P)`` to use in place of the frame's distance.
    """
    distance = frame.distance if nearness is None else nearness
    pairs = edges.copy()
    for k in np.flatnonzero(disputed(edges)):
        pairs[k] = False
        # The solver sees the rows and columns that py-motmetrics gives it, so that it breaks ties
        # in the same way.
        rows, columns = np.flatnonzero(frame.truth[k]), np.flatnonzero(frame.found[k])
        free = edges[k][np.ix_(rows, columns)]
        cost = distance[k][np.ix_(rows, columns)]
        most = np.abs(cost[free]).max() + 1
        cost = np.where(free, cost, 2 * min(cost.shape) * most + 1)
        chosen = linear_sum_assignment(cost)
        taken = free[chosen]
        pairs[k, rows[chosen[0][taken]], columns[chosen[1][taken]]] = True
    return pairs
