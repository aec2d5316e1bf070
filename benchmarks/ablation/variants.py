"""The whole pipeline, and the ways in which a part of it is left out or changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from steadypose.configs import Config
from steadypose.stream.engine_room import EngineRoom
from steadypose.trackers import PoseTracker

WHOLE = "whole"
"""The preset with the refiner, its prior, and everyone estimated in every frame."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A change of the whole pipeline.

    Attributes:
        name: What it is called in the table.
        settings: Values by section of the configuration and field.
        steady: The detector looks at every n-th frame and at no other, whatever the tracker asks
            for.
    """

    name: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steady: bool = False

    @contextmanager
    def room(self, whole: EngineRoom) -> Iterator[EngineRoom]:
        """The room to run it in, which has the networks of the whole one."""
        changed: Config = whole.config
        for section, values in self.settings.items():
            part = replace(getattr(changed, section), **values)
            changed = replace(changed, **{section: part})
        refiner = whole.refiner if changed.refiner.enabled else None
        room = replace(whole, config=changed, refiner=refiner)
        if not self.steady:
            yield room
            return
        with patch.object(PoseTracker, "needs_detection", lambda _: False):
            yield room


def variants() -> list[Variant]:
    """All of them, the whole pipeline first."""
    cadences = [
        Variant(
            name=f"detector every {n}, steady", settings={"detector": {"every": n}}, steady=n > 1
        )
        for n in (1, 2, 4, 8)
    ]
    estimates: dict[str, dict[str, Any]] = {
        "estimate new, hold 0": {"when": "new", "hold": 0},
        "estimate new": {"when": "new"},
        "no steady crops": {"steady_crops": False},
    }
    cues = {
        "no looks": {"appearance": False},
        "camera motion": {"camera_motion": True},
        "no scene cuts": {"scene_cuts": False},
    }
    return [
        Variant(name=WHOLE),
        *cadences,
        Variant(name="no refiner", settings={"refiner": {"enabled": False}}),
        Variant(name="no prior", settings={"refiner": {"prior": False}}),
        *(Variant(name=n, settings={"estimator": changed}) for n, changed in estimates.items()),
        *(Variant(name=n, settings={"cues": changed}) for n, changed in cues.items()),
        *(
            Variant(name=f"smooth {kind}", settings={"output": {"smooth": kind}})
            for kind in ("one-euro", "fixed-lag")
        ),
    ]
