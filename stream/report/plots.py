"""The plots of a report as SVG, drawn by matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.stream.report.reading import VideoFacts
from steadypose.stream.sinks.drawing import track_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH_IN = 9.0
_MAX_POINTS = 1500
_MAX_TRACKS = 60
_INK = "#31688e"


def require_matplotlib() -> None:
    """Raise InputError, naming the extra, where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise InputError("a report needs matplotlib: pip install 'steadypose[report]'") from error


def people_over_time(facts: VideoFacts) -> str:
    """How many people there are at each time; the most of a stretch where a video is long."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure(2.0)
    times, people = thinned(facts.times_s, facts.people)
    axes.fill_between(times, people, step="post", color=_INK, alpha=0.35, linewidth=0)
    axes.step(times, people, where="post", color=_INK, linewidth=1)
    axes.set(xlabel="time (s)", ylabel="people", ylim=(0, None))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return _svg(figure)


def id_timelines(facts: VideoFacts) -> str:
    """When each identity is there, in the colour of the overlay video."""
    lengths = {i: sum(end - start for start, end in s) for i, s in facts.spans.items()}
    shown = sorted(sorted(lengths, key=lambda i: -lengths[i])[:_MAX_TRACKS])
    figure, axes = _figure(0.8 + 0.16 * len(shown))
    for row, track_id in enumerate(shown):
        blue, green, red = (part / 255 for part in track_colour(track_id))
        bars = [(start, max(end - start, 0.02)) for start, end in facts.spans[track_id]]
        axes.broken_barh(bars, (row - 0.4, 0.8), color=(red, green, blue))
    axes.set_yticks(range(len(shown)), [str(track_id) for track_id in shown], fontsize=7)
    left = len(lengths) - len(shown)
    note = f" (the {left} shortest are left out)" if left else ""
    axes.set(xlabel="time (s)", ylabel="id" + note, ylim=(len(shown) - 0.4, -0.6))
    return _svg(figure)


def joint_confidence(facts: VideoFacts) -> str:
    """Median score of each joint with its quartiles, and how often it is missing."""
    figure, axes = _figure(2.6)
    places = np.arange(len(facts.joints))
    low, middle, high = facts.confidence.T
    axes.bar(places, middle, color=_INK, alpha=0.7, label="median score, with quartiles")
    axes.errorbar(places, middle, (middle - low, high - middle), fmt="none", ecolor="#222222")
    axes.plot(places, facts.missing, "x", color="#b5322a", label="share missing")
    axes.set_xticks(places, [j.replace("_", " ") for j in facts.joints], rotation=40, ha="right")
    axes.set(ylim=(0, 1))
    axes.legend(fontsize=7, loc="lower right")
    return _svg(figure)


def stage_times(facts: VideoFacts) -> str:
    """Milliseconds of work a frame of each stage: mean, and the 95th percentile."""
    stages: dict[str, Any] = facts.summary["stages"]
    figure, axes = _figure(0.7 + 0.28 * max(len(stages), 1))
    places = np.arange(len(stages))
    axes.barh(places, [s["ms"]["mean"] for s in stages.values()], color=_INK, label="mean")
    tails = [s["ms"]["p95"] for s in stages.values()]
    axes.plot(tails, places, "|", color="#222222", markersize=12, label="95th percentile")
    axes.set_yticks(places, list(stages))
    axes.invert_yaxis()
    axes.set(xlabel="work (ms a frame)", xlim=(0, None))
    axes.legend(fontsize=7, loc="lower right")
    return _svg(figure)


def thinned(
    times: NDArray[np.float64], values: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """At most 1,500 points: of each stretch its beginning and its highest value."""
    if len(times) <= _MAX_POINTS:
        return times, values
    starts = np.linspace(0, len(times), _MAX_POINTS, endpoint=False).astype(int)
    return times[starts], np.maximum.reduceat(values, starts)


def _figure(height_in: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure, axes


def _svg(figure: Figure) -> str:
    """The figure as an ``<svg>`` element: the same bytes on every run."""
    import matplotlib as mpl

    target = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "steadypose", "svg.fonttype": "none"}):
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    text = target.getvalue()
    return text[text.index("<svg") :]
