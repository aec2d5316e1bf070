"""PCK@0.2 of the torso on LSPet, in all and of each joint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner import joints as j
from steadypose.benchmarks.refiner.average_precision import Joints
from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.networks import Base
from steadypose.benchmarks.refiner.people import People
from steadypose.benchmarks.refiner.resampling import Resampler, Sums
from steadypose.mapping import map_poses
from steadypose.poses import Poses
from steadypose.skeletons import COCO17, COCO19

LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_GAIN = 3.0


def measure(context: Context) -> list[Figure]:
    """Figures for each base; none without LSPet."""
    people = context.data.lspet
    if people is None:
        return []
    draws = context.resampler(people)
    return [
        figure for base in context.crop_bases for figure in _figures(context, base, people, draws)
    ]


def _figures(context: Context, base: Base, people: People, draws: Resampler) -> list[Figure]:
    before, after = context.pair(base, people)
    guessed = with_head_ends(before)
    parts = {"all limbs": _rows(*LIMBS)} | {name: _rows(name) for name in LIMBS}
    parts |= {"head top": _rows("head_top"), "neck": _rows("neck")}
    found = []
    for name, rows in parts.items():
        old, new = _sums(guessed, people, rows), _sums(after, people, rows)
        found.append(
            Figure(
                section="pck",
                metric=f"PCK@0.2 %, {name}",
                data=f"{people.data}, ground-truth boxes",
                base=base.name,
                before=draws.interval(old, 100),
                after=draws.interval(new, 100),
                change=draws.change(old, new, "difference", 100),
                n=int(new.bottom.sum()),
                groups=draws.groups,
                target=Target("change", ">=", _GAIN, clear_of=0.0) if name == "all limbs" else None,
            )
        )
    return found


def with_head_ends(joints: Joints) -> Joints:
    """Joints ``(P, 19, 3)`` of a COCO-17 estimator with head top and neck guessed from the rest."""
    poses = Poses.create(joints[:, : len(COCO17)], skeleton=COCO17)
    mapped = map_poses(poses, COCO19)
    points = np.nan_to_num(mapped.keypoints)
    return np.concatenate([points, mapped.scores[..., None]], 2).astype(np.float32)


def limb_sums(found: Joints, people: People) -> Sums:
    """Joints of all limbs that are right, of those of which it can be said."""
    return _sums(found, people, _rows(*LIMBS))


def _rows(*names: str) -> NDArray[np.intp]:
    """Rows of joints of either side."""
    kinds = [name.removeprefix("left_").removeprefix("right_") for name in COCO19.keypoints]
    return np.flatnonzero([kind in names for kind in kinds])


def _sums(found: Joints, people: People, rows: NDArray[np.intp]) -> Sums:
    hit, among = j.right_by_torso(found, people)
    return Sums.share(hit[:, rows], among[:, rows])
