"""What is compared: the base estimator, refined, refined with the prior. The networks load once."""

from __future__ import annotations

from dataclasses import replace

from steadypose.configs import Config
from steadypose.errors import ConfigError
from steadypose.stream.engine_room import EngineRoom

VARIANTS = ("base", "refined", "refined+prior")


def settings(config: Config, variant: str, *, annotated_boxes: bool) -> Config:
    """The configuration of a variant.

    Everyone is estimated in every frame, as the variants differ in what comes after. All joints are
    kept (``refiner.threshold`` 0): the thresholds of the operating points come after tracking.
    With annotated boxes they are "detected" in every frame.
    """
    found = replace(
        config,
        name=f"{config.name}, {variant}",
        estimator=replace(config.estimator, when="always"),
        refiner=replace(
            config.refiner,
            enabled=variant != "base",
            prior=variant == "refined+prior",
            threshold=0.0,
        ),
    )
    if annotated_boxes:
        return replace(found, detector=replace(found.detector, every=1))
    return found


def rooms(
    config: Config, variants: tuple[str, ...], *, annotated_boxes: bool
) -> dict[str, EngineRoom]:
    """An engine room for each variant, all with the same networks.

    Raises:
        ConfigError, ModelError, EngineError: See ``EngineRoom.load``.
    """
    for name in variants:
        if name not in VARIANTS:
            raise ConfigError(f"--variants: expected some of {','.join(VARIANTS)}, got '{name}'")
    wanted = {v: settings(config, v, annotated_boxes=annotated_boxes) for v in variants}
    refined = [name for name in variants if name != "base"]
    room = EngineRoom.load(wanted[refined[0] if refined else "base"])
    return {
        name: replace(room, config=c, refiner=room.refiner if c.refiner.enabled else None)
        for name, c in wanted.items()
    }
