"""Which pictures train, which choose between trainings, and which are only ever tested on.

Every choice is the order of SHA-256 hashes of names, so it is the same on every machine and does
not change when further pictures are added to a set that is split by share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from steadypose.engines.refiner.data.records import Picture, Split

COCO_TEST, COCO_VAL = 40, 12
"""Pictures of COCO, in the order of their hashes, that test and that validate."""

_LSP_TEST, _LSP_VAL = 0.2, 0.05
_VIDEO_VAL = 0.05


def assign_splits(pictures: Sequence[Picture]) -> list[Picture]:
    """The same pictures in the same order, each with its split.

    * LSPet: a fifth of the groups of near-duplicates tests, 5 % of the rest validates.
    * COCO: the first 40 pictures in hash order test, the next 12 validate.
    * MPII and PoseTrack: 5 % of the pictures or videos validate; their own validation sets test.

    Everything else trains. Groups are never parted.
    """
    coco = _coco_splits([p for p in pictures if p.source == "coco"])
    return [replace(p, split=coco.get(p.group) or _by_share(p)) for p in pictures]


def _coco_splits(pictures: Sequence[Picture]) -> dict[str, Split]:
    groups = sorted({p.group for p in pictures}, key=lambda group: unit_hash("coco", group))
    splits: dict[str, Split] = dict.fromkeys(groups, "train")
    splits.update(dict.fromkeys(groups[:COCO_TEST], "test"))
    splits.update(dict.fromkeys(groups[COCO_TEST : COCO_TEST + COCO_VAL], "val"))
    return splits


def _by_share(picture: Picture) -> Split:
    if picture.source == "lspet":
        if unit_hash("lspet test", picture.group) < _LSP_TEST:
            return "test"
        return "val" if unit_hash("lspet val", picture.group) < _LSP_VAL else "train"
    return "val" if unit_hash(f"{picture.source} val", picture.group) < _VIDEO_VAL else "train"


def unit_hash(salt: str, name: str) -> float:
    """A number in 0..1 that depends on the two texts alone, evenly spread."""
    digest = hashlib.sha256(f"{salt}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
