"""Plots of records as SVG, by matplotlib (extra ``report``).

An entry under ``plots`` of ``tables.yaml`` names ``files`` and ``where`` as a table does, and

* ``kind``: ``line`` (against numbers), ``bar`` (stacked on names) or ``point`` (named ones);
* ``x`` and ``y``: templates of numbers, of a name for the ``x`` of bars;
* ``series``: a template; records that give the same text are one line, or one part of the bars;
* ``xlabel``, ``ylabel``, ``title``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadypose.benchmarks.render.choosing import Names, put
from steadypose.benchmarks.render.shapes import Shape, chosen
from steadypose.errors import ConfigError, InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "steadypose",  # the same records give the same file
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def write_plot(name: str, shape: Shape, folder: Path, out: Path) -> Path:
    """Write ``NAME.svg`` into a folder.

    Args:
        name: Of the entry.
        shape: The entry.
        folder: Where the records are.
        out: Where the plot goes.

    Raises:
        ConfigError: Matplotlib is not installed.
        InputError: The entry asks for what there is not.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("plots need matplotlib: pip install 'steadypose[report]'") from error
    kind = shape.get("kind")
    if kind not in _KINDS:
        raise InputError(f"plot '{name}': kind: expected one of {', '.join(_KINDS)}, got {kind}")
    path = out / f"{name}.svg"
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _KINDS[kind](axes, _series(shape, chosen(shape, folder, name)))
        axes.set(**{key: shape[key] for key in ("xlabel", "ylabel", "title") if key in shape})
        part = path.with_name(path.name + ".part")
        figure.savefig(part, format="svg", metadata={"Date": None})
    part.replace(path)
    return path


def _series(shape: Shape, lines: list[Names]) -> dict[str, dict[str, float]]:
    """Of each series, y by the text of x."""
    found: dict[str, dict[str, float]] = {}
    for line in lines:
        y = put(shape["y"], line)
        if y:
            found.setdefault(put(shape["series"], line), {})[put(shape["x"], line)] = float(y)
    return found


def _lines(axes: Axes, series: dict[str, dict[str, float]]) -> None:
    for name, values in series.items():
        axes.plot([float(x) for x in values], list(values.values()), marker="o", label=name)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


def _bars(axes: Axes, series: dict[str, dict[str, float]]) -> None:
    names = list(dict.fromkeys(x for values in series.values() for x in values))
    left = dict.fromkeys(names, 0.0)
    for name, values in series.items():
        axes.barh(list(values), list(values.values()), left=[left[x] for x in values], label=name)
        for x, value in values.items():
            left[x] += value
    axes.invert_yaxis()
    axes.legend(frameon=False, ncols=3)


def _points(axes: Axes, series: dict[str, dict[str, float]]) -> None:
    for name, values in series.items():
        for x, y in values.items():
            axes.plot(float(x), y, "o", color="tab:blue")
            axes.annotate(name, (float(x), y), xytext=(4, 3), textcoords="offset points", size=7)


_KINDS: dict[str, Callable[[Any, dict[str, dict[str, float]]], None]] = {
    "line": _lines,
    "bar": _bars,
    "point": _points,
}
