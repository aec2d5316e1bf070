"""``load_engine`` and the benchmark of run times on the stand-in; see checks_runtime.py."""

from __future__ import annotations

import pytest

from tests.engines.tensorrt.standin import checks_runtime
from tests.engines.tensorrt.standin.conftest import StandIn
from tests.engines.tensorrt.standin.test_standin import checks_of


@pytest.mark.parametrize("check", [name for _, name in checks_of(checks_runtime)])
def test_check(standin: StandIn, check: str) -> None:
    outcome = standin.run("checks_runtime", check, STEADYPOSE_CACHE="", LD_PRELOAD="")
    assert outcome.code == 0, outcome.text
