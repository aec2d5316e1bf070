"""Whether torch and what else the extra ``train`` brings is there."""

from __future__ import annotations

from steadypose.errors import EngineError


def need_torch() -> None:
    """Raise EngineError where the extra is not installed, and say how to get it."""
    try:
        import onnx  # noqa: F401
        import scipy  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise EngineError(
            f"training and export need torch, onnx and scipy ({error}); "
            "run: pip install 'steadypose[train]'"
        ) from error
