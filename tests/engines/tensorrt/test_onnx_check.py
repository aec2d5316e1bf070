from __future__ import annotations

import sys

import pytest

from steadypose.engines.tensorrt.onnx_check import need_onnx
from steadypose.errors import EngineError


def test_the_extra_is_named_where_onnx_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    need_onnx()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(EngineError, match=r"run: pip install 'steadypose\[tensorrt\]'$"):
        need_onnx()
