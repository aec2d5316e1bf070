"""What an engine was built for, read back from ``BuildSpec.profile``."""

from __future__ import annotations

import re
from dataclasses import dataclass

Side = tuple[int, int]
"""Height and width in pixels."""

_LONGEST = 400
_BATCHES = re.compile(r"n(\d{1,6})-(\d{1,6})-(\d{1,6})")
_SIDE = re.compile(r"(\d{1,6})x(\d{1,6})")
_TARGET = re.compile(r"SM\d{2,3}")
_VERSION_COMPATIBLE = "vc"
# What changes how an engine is built, not what it can be used for.
_OTHER = re.compile(r"w\d{1,15}|ampere\+|o\d")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The parts of a profile.

    Attributes:
        batches: Least, commonest and largest batch.
        sides: Least, commonest and largest sides; empty where none were given.
        version_compatible: The engine loads in later minor versions of its TensorRT.
        targets: GPUs that an engine of TensorRT for RTX is built for; none means all.
    """

    batches: tuple[int, int, int]
    sides: tuple[Side, ...] = ()
    version_compatible: bool = False
    targets: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Profile | None:
        """Read ``BuildSpec.profile``; None where the text is none."""
        first, *words = text.split(" ") if len(text) <= _LONGEST else [""]
        batches = _BATCHES.fullmatch(first)
        sides = [found for found in map(_SIDE.fullmatch, words) if found]
        targets = tuple(word for word in words if _TARGET.fullmatch(word))
        others = [w for w in words if w == _VERSION_COMPATIBLE or _OTHER.fullmatch(w)]
        known = len(sides) + len(targets) + len(others)
        if batches is None or len(sides) not in (0, 3) or known != len(words):
            return None
        least, common, largest = map(int, batches.groups())
        return cls(
            batches=(least, common, largest),
            sides=tuple((int(side[1]), int(side[2])) for side in sides),
            version_compatible=_VERSION_COMPATIBLE in words,
            targets=targets,
        )

    def covers(self, other: Profile) -> bool:
        """Whether an engine of this profile takes all that one of the other would."""
        low, high = self.batches[0], self.batches[2]
        if low > other.batches[0] or high < other.batches[2]:
            return False
        if self.targets and not set(other.targets or "*") <= set(self.targets):
            return False
        if not other.sides:
            return True
        return bool(self.sides) and all(
            least <= wanted_least and largest >= wanted_largest
            for least, largest, wanted_least, wanted_largest in zip(
                self.sides[0], self.sides[-1], other.sides[0], other.sides[-1], strict=True
            )
        )

    def __str__(self) -> str:
        text = "batches " + ",".join(map(str, self.batches))
        if self.sides:
            (h0, w0), (h1, w1) = self.sides[0], self.sides[-1]
            text += f" of {h0}x{w0}" + (f" to {h1}x{w1}" if (h0, w0) != (h1, w1) else "")
        return text + (f" on {' '.join(self.targets)}" if self.targets else "")
