"""FP16 files widened to FP32, against what onnx reads from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from steadypose.engines.refiner.load import REFINERS, refiner_path
from steadypose.engines.refiner.precision import float32_graph
from steadypose.errors import EngineError, ModelError

HALF = np.array([[1.5, -0.25, 65504.0], [6e-8, 0.0, -2.0]], np.float16)


@pytest.mark.parametrize("name", REFINERS)
def test_a_shipped_refiner_keeps_all_but_the_width(name: str) -> None:
    before = onnx.load(refiner_path(name))
    after = onnx.load_from_string(float32_graph(refiner_path(name)))
    wide = {t.name: t for t in after.graph.initializer}
    assert [t.name for t in before.graph.initializer] == list(wide)
    for tensor in before.graph.initializer:
        value = numpy_helper.to_array(tensor)
        expected = value.astype(np.float32) if value.dtype == np.float16 else value
        np.testing.assert_array_equal(numpy_helper.to_array(wide[tensor.name]), expected)
    assert [(n.op_type, n.input, n.output) for n in after.graph.node] == [
        (n.op_type, n.input, n.output) for n in before.graph.node
    ]
    assert (after.graph.input, after.graph.output) == (before.graph.input, before.graph.output)
    assert after.metadata_props == before.metadata_props
    onnx.checker.check_model(after, full_check=True)


def tensor(name: str, raw: bool) -> TensorProto:
    if raw:
        return numpy_helper.from_array(HALF, name)
    return helper.make_tensor(name, TensorProto.FLOAT16, HALF.shape, HALF.ravel().tolist())


@pytest.mark.parametrize("raw", [True, False], ids=["raw bytes", "integers"])
def test_tensors_wherever_they_stand(tmp_path: Path, raw: bool) -> None:
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=tensor("", raw))],
        "inner",
        [],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT16, HALF.shape)],
    )
    nodes = [
        helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner),
        helper.make_node("Cast", ["w"], ["z"], to=TensorProto.FLOAT16),
        helper.make_node("Cast", ["w"], ["k"], to=TensorProto.INT64),
        helper.make_node("Other", ["w"], ["o"], to=TensorProto.FLOAT16),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    inputs = [helper.make_tensor_value_info("x", TensorProto.BOOL, [])]
    between = [helper.make_tensor_value_info("z", TensorProto.FLOAT16, None)]
    graph = helper.make_graph(
        nodes, "outer", inputs, outputs, [tensor("w", raw)], value_info=between
    )
    path = tmp_path / "half.onnx"
    onnx.save(helper.make_model(graph), path)
    wide = onnx.load_from_string(float32_graph(path)).graph
    constant = wide.node[0].attribute[0].g.node[0].attribute[0].t
    for one in (wide.initializer[0], constant):
        np.testing.assert_array_equal(numpy_helper.to_array(one), HALF.astype(np.float32))
    full, half = TensorProto.FLOAT, TensorProto.FLOAT16
    targets = [n.attribute[0].i for n in wide.node[1:]]
    assert targets == [full, TensorProto.INT64, half]
    assert not wide.value_info


def test_weights_in_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "parted.onnx"
    model = onnx.load(refiner_path("refiner-fast"))
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    with pytest.raises(EngineError, match=r"parted\.onnx: its weights lie in other files"):
        float32_graph(path)


@pytest.mark.parametrize("content", [b"", b"\x08\x08", b"\x3a\xff", b"\x3a\x00\x3a\x00"])
def test_what_is_no_network_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"odd\.onnx: not a readable ONNX file"):
        float32_graph(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.onnx: cannot be read"):
        float32_graph(tmp_path / "none.onnx")
