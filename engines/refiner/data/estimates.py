"""What base estimators make of the training pictures, kept in a file.

``python -m steadypose.engines.refiner.data.estimates --lsp DIR --coco JSON IMAGES --out FILE`` runs
MoveNet Thunder and Lightning over every labelled person. A run that was stopped goes on where it
was; results of another model, other people or other boxes are not taken over.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from steadypose.engines import zoo
from steadypose.engines.crops import CropPolicy
from steadypose.engines.estimators import Estimator, load_estimator
from steadypose.engines.refiner.data.body import to_refiner
from steadypose.engines.refiner.data.cache import MIRRORED, Cache, labelled_rows
from steadypose.engines.refiner.data.gather import gather
from steadypose.engines.refiner.data.options import add_sources
from steadypose.engines.refiner.data.records import JOINTS, Picture
from steadypose.engines.refiner.data.store import read_image
from steadypose.engines.runtimes import RuntimeOptions
from steadypose.skeletons import COCO17

Image = NDArray[np.uint8]
Estimate = Callable[
    [Sequence[Image], Sequence[NDArray[np.float32]]], Sequence[NDArray[np.floating]]
]
"""Pictures and for each its boxes (N, 4) in; for each picture joints (N, 17, 3) out."""

ESTIMATORS = ("thunder", "lightning")
"""MoveNets that the refiner learns to correct."""
_PICTURES_AT_ONCE = 16
_SAVE_EVERY_S = 30.0
_TEACHER_BOX = 9
"""Number of the moved box of the teacher's second mirrored view, unlike any estimator's."""


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One run of an estimator over all people.

    Attributes:
        name: Under which the result is kept.
        estimate: What runs.
        model: Digest of the model file.
        jitter: 0 for the label's box, else the number of the moved box.
        mirrored: Whether picture and box are mirrored first and the joints mirrored back.
    """

    name: str
    estimate: Estimate
    model: str
    jitter: int = 0
    mirrored: bool = False

    @property
    def key(self) -> str:
        """What a kept result must have been made with to be taken over."""
        return f"{self.model} jitter={self.jitter} mirrored={self.mirrored}"


def from_estimator(estimator: Estimator) -> Estimate:
    """A COCO-17 estimator as passes want it."""

    def run(
        images: Sequence[Image], boxes: Sequence[NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        poses = estimator.estimate_many(images, boxes)
        return [np.concatenate([np.nan_to_num(p.keypoints), p.scores[..., None]], 2) for p in poses]

    return run


def jittered(boxes: NDArray[np.float32], number: int, salt: str) -> NDArray[np.float32]:
    """Boxes ``(N, 4)`` as a detector might give them: centre and sides moved, seeded by the names.

    The centre moves by up to 8 % of the sides, each side is multiplied by 0.85 to 1.2.
    """
    if number == 0:
        return boxes
    digest = hashlib.sha256(f"{salt} {number}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    sides = boxes[:, 2:] - boxes[:, :2]
    centres = (boxes[:, 2:] + boxes[:, :2]) / 2 + rng.uniform(-0.08, 0.08, sides.shape) * sides
    half = sides * rng.uniform(0.85, 1.2, sides.shape) / 2
    return np.concatenate([centres - half, centres + half], 1).astype(np.float32)


def run_passes(pictures: Sequence[Picture], passes: Sequence[Pass], path: Path) -> None:
    """Run every pass that ``path`` does not hold yet and keep the results there.

    Raises:
        InputError: A picture cannot be read, or ``path`` holds the results of other people.
        OutputError: ``path`` cannot be written.
    """
    cache = Cache.open_for(path, pictures)
    for each in passes:
        cache.begin(each.name, each.key)  # so that a run stopped between two is seen as unfinished
    for each in passes:
        _run_pass(pictures, each, cache)
    cache.save()


def _run_pass(pictures: Sequence[Picture], each: Pass, cache: Cache) -> None:
    found, done = cache.begin(each.name, each.key)
    saved = time.monotonic()
    with tqdm(total=len(found), initial=done, desc=each.name, unit="person", disable=None) as bar:
        for first, people in _portions(pictures):
            count = sum(len(boxes) for _, boxes in people)
            if first + count <= done:
                continue
            found[first : first + count] = _estimate(each, people)
            cache.finished(each.name, first + count)
            bar.update(count)
            if time.monotonic() - saved > _SAVE_EVERY_S:
                cache.save()
                saved = time.monotonic()


def _portions(
    pictures: Sequence[Picture],
) -> Iterator[tuple[int, list[tuple[Picture, NDArray[np.float32]]]]]:
    """Row of the first person, and pictures with the boxes to estimate, a few pictures at once."""
    first = 0
    for start in range(0, len(pictures), _PICTURES_AT_ONCE):
        people = [
            (p, np.stack([p.persons[row].box for row in labelled_rows(p)]))
            for p in pictures[start : start + _PICTURES_AT_ONCE]
        ]
        yield first, people
        first += sum(len(boxes) for _, boxes in people)


def _estimate(
    each: Pass, people: Sequence[tuple[Picture, NDArray[np.float32]]]
) -> NDArray[np.float32]:
    images = [read_image(picture.path) for picture, _ in people]
    boxes = [jittered(b, each.jitter, f"{p.source}/{p.key}") for p, b in people]
    if each.mirrored:
        widths = [image.shape[1] for image in images]
        images = [np.ascontiguousarray(image[:, ::-1]) for image in images]
        boxes = [
            np.stack([w - 1 - b[:, 2], b[:, 1], w - 1 - b[:, 0], b[:, 3]], 1)
            for w, b in zip(widths, boxes, strict=True)
        ]
    found = each.estimate(images, boxes)
    rows = []
    for image, joints in zip(images, found, strict=True):
        for person in np.asarray(joints, np.float32):
            rows.append(to_refiner(_unmirrored(person, image) if each.mirrored else person, COCO17))
    return np.stack(rows).reshape(-1, JOINTS, 3)


def _unmirrored(joints: NDArray[np.float32], image: Image) -> NDArray[np.float32]:
    back = joints[COCO17.flip_indices].copy()
    back[:, 0] = image.shape[1] - 1 - back[:, 0]
    return back


def movenet_passes(
    models: Mapping[str, Estimator], digests: Mapping[str, str], jitters: int = 1
) -> list[Pass]:
    """The passes of some estimators: the label's box, moved boxes, and Thunder's mirror images.

    Args:
        models: Estimators by short name; ``"thunder"`` also gets mirrored passes. All of its passes
            together make the teacher.
        digests: Digest of each model's file.
        jitters: Moved boxes for each.
    """
    passes = []
    for name, estimator in models.items():
        estimate, model = from_estimator(estimator), digests[name]
        passes.append(Pass(name=name, estimate=estimate, model=model))
        if name == "thunder":
            for number in (0, _TEACHER_BOX):
                passes.append(
                    Pass(
                        name=f"{_named(name, number)} {MIRRORED}",
                        estimate=estimate,
                        model=model,
                        jitter=number,
                        mirrored=True,
                    )
                )
        for number in range(1, jitters + 1):
            moved = _named(name, number)
            passes.append(Pass(name=moved, estimate=estimate, model=model, jitter=number))
    return passes


def _named(name: str, jitter: int) -> str:
    return f"{name} box {jitter}" if jitter else name


def estimates_of(pictures: Sequence[Picture], path: Path) -> None:
    """See that a file holds results on these pictures; arguments and errors of ``make_estimates``.

    A finished file is left as it is, whatever else it holds.
    """
    if not path.exists() or Cache.load(path).unfinished:
        make_estimates(pictures, path)


def make_estimates(
    pictures: Sequence[Picture],
    path: Path,
    estimators: Sequence[str] = ESTIMATORS,
    threads: int = 0,
) -> None:
    """Run MoveNets over all labelled people and keep the results in ``path``.

    Args:
        pictures: As ``load_pictures`` gives them.
        path: The ``.npz`` to write, or to go on with where it is unfinished.
        estimators: Short names, ``"thunder"`` and ``"lightning"``.
        threads: Of one network call; 0 takes all cores.

    Raises:
        ModelError: An estimator is not at hand.
        InputError: A picture cannot be read, or ``path`` holds the results of other people.
        OutputError: ``path`` cannot be written.
    """
    models, digests = {}, {}
    for name in estimators:
        models[name] = load_estimator(
            f"movenet-{name}",
            RuntimeOptions(device="cpu", threads=threads),
            policy=CropPolicy(sizes=((256, 192),)),
            max_batch=_PICTURES_AT_ONCE,
        )
        digests[name] = zoo.file_sha256(models[name].network.engine.path)
    run_passes(pictures, movenet_passes(models, digests), path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the estimators over the pictures named on the command line."""
    parser = argparse.ArgumentParser(description="Keep the base estimators' results.")
    add_sources(parser)
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write or go on with")
    parser.add_argument("--estimators", nargs="+", default=ESTIMATORS)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    make_estimates(gather(given), given.out, given.estimators, given.threads)


if __name__ == "__main__":
    main()
