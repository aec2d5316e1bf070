"""Truth and predictions of a clip brought together, frame by frame, by the rules of a tool.

``poseval``   pairs frames by their position, leaves out frames without any annotated rectangle
``kit``       (PoseTrack21's) the same by ``is_labeled``; joints with x or y <= 0 are missing
``fixed``     pairs frames by id or picture, leaves out frames that are not labelled
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.clip import Clip, Floats, Persons
from steadypose.benchmarks.posetrack.regions import in_any
from steadypose.errors import InputError

Rules = Literal["poseval", "kit", "fixed"]
HEAD_SHARE = 0.6
"""PCKh's head size is this share of the diagonal of the head box."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """One frame that counts.

    Attributes:
        image: Row of the image in the truth.
        truth_ids: ``(G,)`` int64.
        truth: ``(G, 15, 2)`` px; NaN where missing.
        heads: ``(G,)`` head sizes in px.
        found_ids: ``(P,)`` int64; -1 for none.
        found: ``(P, 15, 2)`` px; NaN where missing.
        scores: ``(P, 15)``; NaN where there is none.
    """

    image: int
    truth_ids: NDArray[np.int64]
    truth: Floats
    heads: Floats
    found_ids: NDArray[np.int64]
    found: Floats
    scores: Floats

    @cached_property
    def distances(self) -> Floats:
        """``(15, G, P)`` in head sizes; inf where a joint is missing. Equal points are 0 apart."""
        way = self.truth[:, None] - self.found[None]
        px = np.sqrt(way[..., 0] ** 2 + way[..., 1] ** 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = px / self.heads[:, None, None]
        distance = np.where(np.isnan(distance), np.where(px == 0, 0, np.inf), distance)
        return np.moveaxis(distance, 2, 0)


def scenes(truth: Clip, found: Clip, rules: Rules) -> list[Scene]:
    """The frames of a clip that count, without what lies in ignore regions.

    Raises:
        InputError: The clips' images do not fit, or an annotated person has no head box.
    """
    found = paired(truth, found, by_position=rules != "fixed")
    _check_heads(truth)
    return list(_scenes(truth, found, rules))


def _scenes(truth: Clip, found: Clip, rules: Rules) -> Iterator[Scene]:
    real, seen = (_joints(clip.persons, rules) for clip in (truth, found))
    way = truth.persons.heads[:, 2:] - truth.persons.heads[:, :2]
    heads = HEAD_SHARE * np.sqrt((way**2).sum(1))
    for image, (rows, others) in enumerate(zip(truth.by_image(), found.by_image(), strict=True)):
        counts = rows.stop > rows.start if rules == "poseval" else truth.images.labelled[image]
        if not counts:
            continue
        regions = truth.images.regions[image]
        annotated, keep = _outside(real[rows], regions, truth.persons[rows], rules)
        predicted, use = _outside(seen[others], regions, found.persons[others], rules)
        yield Scene(
            image=image,
            truth_ids=truth.persons.track_ids[rows][keep],
            truth=annotated[keep],
            heads=heads[rows][keep],
            found_ids=found.persons.track_ids[others][use],
            found=predicted[use],
            scores=found.persons.scores[others][use],
        )


def there(points: Floats) -> NDArray[np.bool_]:
    """``(N, 15)`` True where a joint of ``(N, 15, 2)`` is not missing."""
    return np.asarray(np.isfinite(points[..., 0]))


def _joints(persons: Persons, rules: Rules) -> Floats:
    """``(N, 15, 2)``, NaN where a joint is missing."""
    if rules != "kit":
        return persons.points
    return np.where((persons.points > 0).all(-1, keepdims=True), persons.points, np.nan)


def _outside(
    points: Floats, regions: tuple[Floats, ...], persons: Persons, rules: Rules
) -> tuple[Floats, NDArray[np.bool_]]:
    """The joints outside of all regions, and which persons remain.

    The official tools look for persons without joints only where there are regions; poseval drops
    rectangles that never had any.
    """
    if not regions:
        keep = persons.there.any(1) if rules == "fixed" else ~persons.bare
        return points, np.asarray(keep)
    outside = np.where(in_any(points, regions)[..., None], np.nan, points)
    return outside, np.asarray(there(outside).any(1))


def _check_heads(truth: Clip) -> None:
    persons = truth.persons
    headless = np.flatnonzero(np.isnan(persons.heads).any(1) & persons.there.any(1))
    if len(headless):
        image = int(persons.image[headless[0]])
        raise InputError(
            f"{truth.where(image)}: a person without 'bbox_head' (2017: 'x1', 'y1', 'x2', 'y2')"
        )


def paired(truth: Clip, found: Clip, *, by_position: bool) -> Clip:
    """The predictions for the images of the truth, in their order.

    Args:
        truth: The annotations.
        found: The predictions.
        by_position: The images stand for one another as they are listed, as in the official tools;
            else by id or, where the ids differ, by the name of the picture. Then images that the
            truth lacks are left out.

    Raises:
        InputError: The numbers of images differ, or an image has no counterpart.
    """
    if by_position:
        if len(found.images) != len(truth.images):
            raise InputError(
                f"{found.source}: {len(found.images)} images, the ground truth {truth.source} has "
                f"{len(truth.images)}"
            )
        return found
    for mine, theirs in (
        (found.images.ids.tolist(), truth.images.ids.tolist()),
        (_pictures(found), _pictures(truth)),
    ):
        if mine == theirs:
            return found
        row = {key: n for n, key in enumerate(mine)}
        if len(row) == len(mine) and all(key in row for key in theirs):
            return found.take(np.array([row[key] for key in theirs], np.intp))
    known = set(_pictures(found))
    missing = next((i for i, name in enumerate(_pictures(truth)) if name not in known), 0)
    raise InputError(f"{found.source}: no image for {truth.where(missing)}, by id or by picture")


def _pictures(clip: Clip) -> list[str]:
    return [PurePosixPath(file).name for file in clip.images.files]
