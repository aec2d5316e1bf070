"""Whether onnx is there, for what prepares networks for TensorRT."""

from __future__ import annotations

from steadypose.errors import EngineError


def need_onnx() -> None:
    """Raise EngineError where onnx is not installed, and say how to get it."""
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise EngineError(
            f"building engines needs onnx ({error}); run: pip install 'steadypose[tensorrt]'"
        ) from error
