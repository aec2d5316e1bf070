"""Whether torch is there, for the commands that train."""

from __future__ import annotations

from importlib.util import find_spec

from steadypose.errors import EngineError


def need_torch() -> None:
    """Raise EngineError where torch is not installed, and say how to get it."""
    if find_spec("torch") is None:
        raise EngineError("training needs torch; run: pip install 'steadypose[train]'")
