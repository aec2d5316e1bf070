from __future__ import annotations

from argparse import Namespace

import pytest

from steadypose.configs import load_config
from steadypose.stream.cli import engine_build
from steadypose.stream.cli.engine_models import wanted_models
from tests.cli.conftest import Run
from tests.engines.tensorrt.kept import key


@pytest.mark.parametrize("level", [None, 0, 5])
def test_the_level_reaches_the_build_and_tracking_takes_the_engine(
    run: Run, monkeypatch: pytest.MonkeyPatch, level: int | None
) -> None:
    given: list[Namespace] = []
    monkeypatch.setattr(engine_build, "build_all", lambda options: given.append(options) or 0)
    asked = [] if level is None else ["--optimisation-level", str(level)]
    assert run("engine", "build", "refiner-fast", *asked)[0] == 0
    config = load_config()
    (wanted,) = wanted_models(config, ["refiner-fast"])
    spec = engine_build._spec(wanted, config, given[0])
    assert spec.optimisation_level == level

    built, wants = (
        key(profile=profile) for profile in (spec.profile, spec.profile.removesuffix(f" o{level}"))
    )
    assert built.unlike(wants) == ""
