"""One-to-one assignment at the least cost, as ``scipy.optimize.linear_sum_assignment`` finds it.

People in one picture are few, so plain Python solves it in a fraction of a millisecond, and scipy,
the largest package of an installation but one, is not needed for it. Of several best assignments
the same is chosen as scipy chooses, which the official tools of PoseTrack's metrics rest on.

Method: shortest augmenting paths as in Crouse, "On implementing 2D rectangular assignment
algorithms", IEEE Transactions on Aerospace and Electronic Systems 52(4), 2016.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows, and the columns that go with them."""
_INFINITE = float("inf")


def linear_sum_assignment(cost: ArrayLike, *, maximize: bool = False) -> Pairs:
    """Rows and columns of the assignment with the least total cost.

    Args:
        cost: ``(N, M)``, finite.
        maximize: Find the greatest total instead.

    Returns:
        ``min(N, M)`` rows, ascending, and the column of each.

    Raises:
        ValueError: ``cost`` has another number of dimensions, or a value that is not finite.
    """
    table = np.asarray(cost, np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ValueError(f"expected a finite table of costs, got shape {table.shape}")
    if maximize:
        table = -table
    if table.shape[1] < table.shape[0]:
        row_of = np.array(_columns_of_rows(table.T.tolist()), np.intp)
        order = np.argsort(row_of)
        return row_of[order], order
    found = np.array(_columns_of_rows(table.tolist()), np.intp)
    return np.arange(len(found)), found


def best_pairs(gain: NDArray[np.floating] | NDArray[np.integer]) -> Pairs:
    """Rows and columns of the pairs of positive gain whose total is the greatest.

    Args:
        gain: ``(N, M)``; what is not above zero pairs nobody.
    """
    edges = np.nonzero(gain > 0)
    gain_of = dict(zip(zip(*(e.tolist() for e in edges), strict=True), gain[edges], strict=True))
    pairs: list[tuple[int, int]] = []
    for rows, columns in _groups(gain_of):
        if len(rows) == len(columns) == 1:
            pairs.append((rows[0], columns[0]))
            continue
        few, many = sorted((rows, columns), key=len)
        turned = few is columns
        keys = [[(b, a) if turned else (a, b) for b in many] for a in few]
        found = _columns_of_rows([[-float(gain_of.get(key, 0.0)) for key in row] for row in keys])
        pairs += [row[at] for row, at in zip(keys, found, strict=True) if row[at] in gain_of]
    paired = np.array(sorted(pairs), np.intp).reshape(-1, 2)
    return paired[:, 0], paired[:, 1]


def _groups(edges: Collection[tuple[int, int]]) -> Iterator[tuple[list[int], list[int]]]:
    """Rows and columns, ascending, of each part that no edge joins with another part."""
    columns_of: dict[int, list[int]] = {}
    rows_of: dict[int, list[int]] = {}
    for row, column in edges:
        columns_of.setdefault(row, []).append(column)
        rows_of.setdefault(column, []).append(row)
    while columns_of:
        rows, columns, waiting = [], [], [next(iter(columns_of))]
        while waiting:
            row = waiting.pop()
            if row not in columns_of:
                continue  # came by two ways
            rows.append(row)
            for column in columns_of.pop(row):
                if column in rows_of:
                    columns.append(column)
                    waiting += rows_of.pop(column)
        yield sorted(rows), sorted(columns)


def _columns_of_rows(cost: list[list[float]]) -> list[int]:
    """The column of every row; there are at least as many columns as rows."""
    rows, columns = len(cost), len(cost[0]) if cost else 0
    price_of_row, price_of_column = [0.0] * rows, [0.0] * columns
    row_of, column_of = [-1] * columns, [-1] * rows
    for new in range(rows):
        shortest, before = [_INFINITE] * columns, [-1] * columns
        open_columns = list(range(columns - 1, -1, -1))
        seen_rows, seen_columns = [], []
        row, column, reached = new, -1, 0.0
        while row != -1:
            seen_rows.append(row)
            costs, price, start = cost[row], price_of_row[row], reached
            reached, place = _INFINITE, -1
            for at, column in enumerate(open_columns):
                length = start + costs[column] - price - price_of_column[column]
                if length < shortest[column]:
                    shortest[column], before[column] = length, row
                else:
                    length = shortest[column]
                if length < reached or (length == reached and row_of[column] == -1):
                    reached, place = length, at
            column = open_columns[place]
            open_columns[place] = open_columns[-1]
            open_columns.pop()
            seen_columns.append(column)
            row = row_of[column]
        price_of_row[new] += reached
        for row in seen_rows[1:]:
            price_of_row[row] += reached - shortest[column_of[row]]
        for each in seen_columns:
            price_of_column[each] -= reached - shortest[each]
        while row != new:  # along the path back, each row takes the column that it was left for
            row = before[column]
            row_of[column] = row
            column_of[row], column = column, column_of[row]
    return column_of
