"""Whether torch is there, for the commands that train."""

from __future__ import annotations

from steadypose.errors import EngineError


def need_torch() -> None:
    """Raise EngineError where torch is not installed, and say how to get it."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise EngineError(
            f"training and export need torch ({error}); run: pip install 'steadypose[train]'"
        ) from error
