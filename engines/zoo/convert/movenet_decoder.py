"""The decoding part of the MoveNet graph: from the four head maps to keypoints of one person.

Every cell of the stride-4 maps proposes a person: it regresses 17 keypoints and says how likely it
is the person's centre. The proposal that fits the given box best is taken; each keypoint is then
the cell whose heat is highest near the regressed place, plus that cell's sub-cell offset.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from steadypose.engines.zoo.convert.graph import FLOAT, GraphBuilder

KEYPOINTS = 17
STRIDE = 4
# Stock MoveNet divides a cell's heat by its distance, in cells, from the regressed place plus this.
REGRESSION_TOLERANCE_CELLS = 1.8


class HeadMaps(NamedTuple):
    """Names of the head maps ``(N, C, H/4, W/4)``, before any activation.

    ``heat`` has C = 17 and ``centre`` 1. ``regression`` and ``offset`` have 34, all x then all y,
    in cells relative to their own cell.
    """

    heat: str
    centre: str
    regression: str
    offset: str


def write_decoder(graph: GraphBuilder, maps: HeadMaps, boxes: str) -> None:
    """Append the decoding; it makes the tensor ``keypoints`` ``(N, 17, 3)``.

    ``boxes`` names a tensor ``(N, 2)``: width and height in crop pixels of the centred box.
    """
    graph.scope = "decode/"  # run times of half precision keep the coordinates' nodes in float32
    grid = _Grid(graph, maps.heat)
    regressed = _regressed_pose(graph, maps, grid, boxes)
    cell = _best_cells(graph, maps.heat, regressed, grid)
    _refined(graph, maps, grid, cell)


class _Grid:
    """Sizes and coordinates of the maps' cells, worked out at run time from a map's shape.

    Attributes:
        columns: float32 ``(w,)``: 0, 1, 2, ...
        rows: float32 ``(h,)``, likewise.
        cells: float32 ``(2, h * w)``, x and y of every cell.
        centre: float32 ``(2, 1)``, x and y of the middle of the map.
    """

    def __init__(self, graph: GraphBuilder, planes: str) -> None:
        self._graph = graph
        node, constant = graph.node, graph.constant
        shape = node("Shape", planes)
        height, self._width = (node("Gather", shape, constant(np.int64(i))) for i in (2, 3))
        self.columns = node("Cast", self._indices(self._width), to=FLOAT)
        self.rows = node("Cast", self._indices(height), to=FLOAT)
        index = self._indices(node("Mul", height, self._width))
        self.cells = self.place(node("Unsqueeze", index, constant([0])), axis=0)
        size = node("Cast", node("Gather", shape, constant([3, 2])), to=FLOAT)
        self.centre = node("Unsqueeze", node("Mul", size, constant(0.5)), constant([1]))

    def place(self, index: str, axis: int) -> str:
        """X and y, float32, of the cells with int64 ``index``, joined along ``axis``."""
        node = self._graph.node
        y = node("Div", index, self._width)
        x = node("Sub", index, node("Mul", y, self._width))
        return node("Cast", node("Concat", x, y, axis=axis), to=FLOAT)

    def _indices(self, count: str) -> str:
        zero, one = self._graph.constant(np.int64(0)), self._graph.constant(np.int64(1))
        return self._graph.node("Range", zero, count, one)


def _regressed_pose(graph: GraphBuilder, maps: HeadMaps, grid: _Grid, boxes: str) -> str:
    """The pose regressed by the cell that fits the box best: ``(N, 2, 17, 1)``, in cells."""
    node, constant = graph.node, graph.constant
    flat = node("Reshape", maps.regression, constant([0, 2 * KEYPOINTS, -1]))
    poses = node("Reshape", flat, constant([0, 2, KEYPOINTS, -1]))
    score = _fit(graph, poses, grid, boxes)
    likely = node("Sqrt", node("Sigmoid", maps.centre))
    score = node("Mul", score, node("Reshape", likely, constant([0, 1, -1])))
    best = node("ArgMax", score, axis=2, keepdims=1)  # N, 1, 1
    index = node("Expand", best, constant([1, 2 * KEYPOINTS, 1]))
    chosen = node("GatherElements", flat, index, axis=2)
    chosen = node("Reshape", chosen, constant([0, 2, KEYPOINTS, 1]))
    place = node("Unsqueeze", grid.place(best, axis=1), constant([3]))  # N, 2, 1, 1
    return node("Add", chosen, place)


def _fit(graph: GraphBuilder, poses: str, grid: _Grid, boxes: str) -> str:
    """Intersection over union ``(N, 1, h * w)`` of each cell's pose extent and the box."""
    node, constant = graph.node, graph.constant
    low = node("Add", node("ReduceMin", poses, axes=[2], keepdims=0), grid.cells)  # N, 2, h * w
    high = node("Add", node("ReduceMax", poses, axes=[2], keepdims=0), grid.cells)
    size = node("Mul", boxes, constant(1 / STRIDE))
    size = node("Unsqueeze", size, constant([2]))  # N, 2, 1
    half = node("Mul", size, constant(0.5))
    box_low = node("Sub", grid.centre, half)
    box_high = node("Add", grid.centre, half)
    overlap = node("Sub", node("Min", high, box_high), node("Max", low, box_low))
    shared = _area(graph, node("Relu", overlap))
    union = node("Sub", _area(graph, node("Sub", high, low)), shared)
    union = node("Add", union, node("Add", _area(graph, size), constant(1e-6)))
    return node("Div", shared, union)


def _area(graph: GraphBuilder, sides: str) -> str:
    """Product over axis 1 of ``(N, 2, M)``, kept as ``(N, 1, M)``."""
    return graph.node("Mul", *graph.split(sides, [1, 1], axis=1))


def _best_cells(graph: GraphBuilder, heat: str, regressed: str, grid: _Grid) -> str:
    """Flat index ``(N, 17, 1)`` of each keypoint's cell: high heat, near the regressed place."""
    node, constant = graph.node, graph.constant
    x, y = (
        node("Reshape", part, constant([0, KEYPOINTS, 1, 1]))
        for part in graph.split(regressed, [1, 1], axis=1)
    )
    across = node("Sub", grid.columns, x)  # N, 17, 1, w
    down = node("Sub", node("Unsqueeze", grid.rows, constant([1])), y)  # N, 17, h, 1
    squared = node("Add", node("Mul", across, across), node("Mul", down, down))
    far = node("Add", node("Sqrt", squared), constant(REGRESSION_TOLERANCE_CELLS))
    score = node("Div", node("Sigmoid", heat), far)
    score = node("Reshape", score, constant([0, KEYPOINTS, -1]))
    return node("ArgMax", score, axis=2, keepdims=1)


def _refined(graph: GraphBuilder, maps: HeadMaps, grid: _Grid, cell: str) -> None:
    """Add the offsets, go from cells to crop pixels, and make ``keypoints``."""
    node, constant = graph.node, graph.constant
    offsets = node("Reshape", maps.offset, constant([0, 2 * KEYPOINTS, -1]))
    both = node("Concat", cell, cell, axis=1)  # N, 34, 1
    shift = node("GatherElements", offsets, both, axis=2)
    shift = node("Concat", *graph.split(shift, [KEYPOINTS, KEYPOINTS], axis=1), axis=2)
    place = node("Add", grid.place(cell, axis=2), shift)
    place = node("Mul", place, constant(float(STRIDE)))
    heat = node("Reshape", maps.heat, constant([0, KEYPOINTS, -1]))
    score = node("Sigmoid", node("GatherElements", heat, cell, axis=2))
    node("Concat", place, score, axis=2, name="keypoints")
