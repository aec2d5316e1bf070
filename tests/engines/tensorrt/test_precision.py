"""An engine that is called FP16 is FP16."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from steadypose.engines.refiner.load import WEIGHTS
from steadypose.engines.tensorrt import BuildSpec, Built, build_engine
from steadypose.engines.tensorrt.graph import prepare_graph
from steadypose.engines.tensorrt.precision import assert_half, layer_evidence, weight_evidence
from steadypose.errors import EngineError
from tests.engines.tensorrt.networks import rtx, write_network

REFINER = WEIGHTS / "refiner-fast.onnx"
SIZES = ((64, 64), (192, 160))


@pytest.fixture(scope="module")
def half() -> Built:
    return build_engine(REFINER, BuildSpec(sizes=SIZES), rtx())


@pytest.fixture(scope="module")
def full() -> Built:
    return build_engine(REFINER, BuildSpec(sizes=SIZES, half=False), rtx())


def test_real_engines_of_both_refiners_hold_their_weights_in_fp16(half: Built) -> None:
    accurate = build_engine(WEIGHTS / "refiner-accurate.onnx", BuildSpec(sizes=SIZES[:1]), rtx())
    assert accurate.facts["evidence"]["weights"]["values"] > 6_000_000
    for built in (half, accurate):
        assert_in_fp16(built)


def assert_in_fp16(built: Built) -> None:
    found = built.facts["evidence"]
    assert found["method"] == "weights"
    assert found["weights"]["half_share"] > 0.95
    assert found["weights"]["float32_share"] == 0
    assert found["typed_half_layers"] > 100


def test_a_real_fp32_engine_is_larger(half: Built, full: Built) -> None:
    assert full.facts["evidence"] is None
    assert full.facts["precision"] == "fp32"
    assert len(half.plan) < 0.75 * len(full.plan)


def test_a_real_fp32_engine_that_calls_itself_fp16_is_refused(full: Built) -> None:
    graph = prepare_graph(REFINER, half=True)
    assert weight_evidence(full.plan, graph)["float32_share"] > 0.95
    for typed in (0, 148):
        with pytest.raises(EngineError, match=r"refiner: the engine is not FP16: 100% of its") as e:
            assert_half(full.plan, graph, name="refiner", typed_half_layers=typed)
        assert "\n" not in str(e.value)


@pytest.fixture
def graph(tmp_path: Path) -> bytes:
    return prepare_graph(write_network(tmp_path / "n.onnx"), half=True)


def weights(graph: bytes) -> list[np.ndarray]:  # type: ignore[type-arg]
    tensors = onnx.load_from_string(graph).graph.initializer
    found = [numpy_helper.to_array(t) for t in tensors if t.data_type == TensorProto.FLOAT16]
    return [w for w in found if w.size > 200]


@pytest.mark.parametrize(
    ("order", "half_share"),
    [((0, 1, 2, 3), 1.0), ((0, 2, 3, 1), 1.0), ((2, 3, 1, 0), 1.0), ((3, 0, 1, 2), 0.0)],
    ids=["as they are", "channels last", "filters last", "another"],
)
def test_weights_are_found_in_other_orders(
    graph: bytes, order: tuple[int, ...], half_share: float
) -> None:
    plan = b"head" + b"gap".join(w.transpose(order).tobytes() for w in weights(graph))
    found = weight_evidence(plan, graph)
    assert found == {"values": 5040, "half_share": half_share, "float32_share": 0}
    wide = b"".join(w.transpose(order).astype(np.float32).tobytes() for w in weights(graph))
    assert weight_evidence(wide, graph)["float32_share"] == half_share


def layer(kind: str, *, weights: str | None = None, inputs: str | None = None) -> dict[str, object]:
    found: dict[str, object] = {"Name": "l", "LayerType": kind}
    if weights:
        found["Weights"] = {"Type": weights, "Count": 64}
    if inputs:
        found["Inputs"] = [{"Name": "x", "Format/Datatype": inputs}]
    return found


DYNAMIC = "N/A due to dynamic shapes"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([layer("CaskConvolution", weights="Half", inputs=DYNAMIC)], (1, 0)),
        ([layer("CaskConvolution", weights="Float", inputs=DYNAMIC)], (0, 1)),
        (
            [layer("CaskConvolution", inputs="Channel major FP16 format where channel % 8 == 0")],
            (1, 0),
        ),
        ([layer("CaskConvolution", inputs="Row major linear FP32")], (0, 1)),
        ([layer("gemm", inputs="Half"), layer("correlation", inputs="Half(64,1:8)")], (2, 0)),
        ([layer("Reformat", inputs="Float"), layer("gemm", inputs="Half")], (1, 0)),
        ([layer("kgen", inputs="Half"), layer("CaskConvolution", inputs=DYNAMIC)], None),
        (["conv1 + relu", "conv2"], None),
        ([], None),
    ],
    ids=["half", "float", "fp16 in", "fp32 in", "myelin", "reformat", "open", "names", "none"],
)
def test_the_inspectors_layers(layers: list[object], expected: tuple[int, int] | None) -> None:
    found = layer_evidence(json.dumps({"Layers": layers, "Bindings": []}))
    if expected is None:
        assert found is None
    else:
        assert found == {"half_layers": expected[0], "float32_layers": expected[1]}


@pytest.mark.parametrize("text", [None, "", "no JSON", "[]", '{"Layers": null}', "{}"])
def test_an_inspector_that_tells_nothing(text: str | None) -> None:
    assert layer_evidence(text) is None


def told(*types: str) -> str:
    return json.dumps({"Layers": [layer("CaskConvolution", weights=kind) for kind in types]})


def test_what_decides(graph: bytes) -> None:
    plan = b"".join(w.tobytes() for w in weights(graph))
    unknown = b"weights in an order of a kernel's own"

    def method(plan: bytes, layers: str | None = None, typed: int = 0) -> str:
        found = assert_half(plan, graph, name="n", layers=layers, typed_half_layers=typed)
        return str(found["method"])

    assert method(plan) == "weights"
    assert method(unknown, told("Half", "Half", "Float")) == "inspector"
    assert method(unknown, typed=3) == "typing"
    with pytest.raises(EngineError, match="n: nothing in the engine shows that it is FP16"):
        method(unknown)
    with pytest.raises(EngineError, match="2 of its layers with weights are FP32, 1 FP16"):
        method(plan, told("Half", "Float", "Float"), typed=3)
