"""Plots of a benchmark as SVG: MOTA of each sequence, and who had which id when."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.persons import one_to_one
from steadypose.benchmarks.posetrack.scenes import scenes, there

if TYPE_CHECKING:
    from steadypose.benchmarks.posetrack.report import Compared

MOST_TIMELINES = 20
"""Sequences whose ids a report shows."""
_COLOURS = 20


def plots(
    compared: Sequence[Compared], pairs: Sequence[tuple[Clip, Clip]]
) -> list[tuple[str, str]]:
    """Title and SVG of each plot.

    Args:
        compared: All that was evaluated.
        pairs: Truth and predictions whose ids are shown.

    Raises:
        ImportError: matplotlib is missing (the extra ``report``).
    """
    import matplotlib

    # Text stays text, and the same results give the same bytes.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "steadypose"}):
        found = [("MOTA of each sequence", _mota(compared))]
        found += [(f"Ids in {t.name}", _timeline(t, f)) for t, f in pairs]
    return found


def _mota(compared: Sequence[Compared]) -> str:
    """Points for each variant, sequences from the worst to the best of the last one."""
    figure, axes = _figure(10, 4)
    chosen = [c for c in compared if "MOTA" in c.point.name and c.protocol == compared[0].protocol]
    values = {
        c.variant: {n: r.mota["MOTA"].total for n, r in c.evaluation.clips.items() if r.mota}
        for c in chosen
    }
    last = list(values.values())[-1]
    names = sorted(last, key=lambda n: np.nan_to_num(last[n], nan=-1e9))
    for variant, scores in values.items():
        axes.plot([scores[n] for n in names], "o-", markersize=4, linewidth=1, label=variant)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_ylabel("MOTA")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    return _svg(figure)


def _timeline(truth: Clip, found: Clip) -> str:
    """A row for each annotated person, a colour for each id; grey where nobody was found."""
    people, ids = identities(truth, found)
    figure, axes = _figure(10, 0.8 + 0.25 * len(people))
    shown = np.where(ids > 0, (ids - 1) % _COLOURS, np.nan)
    axes.imshow(np.where(ids == 0, 1.0, np.nan), cmap="Greys", vmin=0, vmax=4, aspect="auto")
    axes.imshow(shown, cmap="tab20", vmin=0, vmax=_COLOURS - 1, aspect="auto", interpolation="none")
    axes.set_yticks(range(len(people)), [str(p) for p in people], fontsize=7)
    axes.set_ylabel("person")
    axes.set_xlabel("image")
    return _svg(figure)


def identities(truth: Clip, found: Clip) -> tuple[list[int], NDArray[np.int64]]:
    """Which id each annotated person was found under.

    Returns:
        The persons' ids, and ``(persons, images)``: the id, 0 where nobody was found, -1 where the
        person is not annotated.
    """
    people = np.unique(truth.persons.track_ids).tolist()
    ids = np.full((len(people), len(truth.images)), -1, np.int64)
    for scene in scenes(truth, found, "fixed"):
        rows = np.searchsorted(people, scene.truth_ids)
        ids[rows, scene.image] = 0
        person = one_to_one(scene.distances, there(scene.truth))
        hit = person >= 0
        ids[rows[person[hit]], scene.image] = scene.found_ids[hit]
    return people, ids


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _svg(figure: Any) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
