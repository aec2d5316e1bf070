"""Real engines of TensorRT for RTX, which builds on any processor."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper

from steadypose.engines.refiner.load import WEIGHTS
from steadypose.engines.tensorrt import BuildSpec, build_engine
from steadypose.errors import EngineError
from tests.engines.tensorrt.networks import rtx, save, zoo_model


@pytest.mark.parametrize("name", ["movenet-lightning", "picodet-s-416"])
def test_zoo_models_in_fp16(name: str) -> None:
    flavour, path = rtx(), zoo_model(name)
    shares: list[float] = []
    built = build_engine(
        path,
        BuildSpec(sizes=((128, 96), (256, 192), (384, 288))),
        flavour,
        report=lambda _what, done: shares.append(done) if done is not None else None,
    )
    assert built.facts["precision"] == "fp16"
    evidence = built.facts["evidence"]
    assert evidence["method"] == "weights"
    assert evidence["weights"]["half_share"] > 0.95
    assert evidence["weights"]["float32_share"] == 0
    assert built.facts["inputs"][0]["dtype"] == "uint8"
    assert built.facts["inputs"][0]["shape"][0] == -1
    assert {told["dtype"] for told in built.facts["outputs"]} == {"float32"}
    assert shares == sorted(shares)
    assert len(shares) > 5
    assert shares[-1] == 1


def test_an_operation_it_does_not_know(tmp_path: Path) -> None:
    path = save(
        tmp_path / "bad.onnx",
        [
            helper.make_node("Relu", ["x"], ["r"], name="relu"),
            helper.make_node("Det", ["r"], ["y"], name="the_det"),
        ],
        [("x", TensorProto.FLOAT, ["N", 3, 3])],
        [("y", ["N"])],
        {},
    )
    with pytest.raises(EngineError, match=r"cannot read node 'the_det' \(Det\): unsupp") as e:
        build_engine(path, BuildSpec(half=False), rtx())
    assert "\n" not in str(e.value)


def test_sizes_that_the_network_does_not_take() -> None:
    path = WEIGHTS / "refiner-fast.onnx"
    with pytest.raises(EngineError, match=r"fast\.onnx: tensorrt_rtx.* could not build") as e:
        build_engine(path, BuildSpec(sizes=((72, 72),)), rtx())
    assert "\n" not in str(e.value)
    assert "trunk/Add" in str(e.value)
