from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from steadypose.engines.zoo.convert.graph import OPSET, GraphBuilder


def small() -> GraphBuilder:
    graph = GraphBuilder("small")
    x = graph.input("x", np.float32, ["N", 4])
    low, high = graph.split(x, [1, 3], axis=1)
    graph.scope = "tail/"
    total = graph.node("Add", low, graph.node("Mul", high, graph.constant([2.0, 3.0, 4.0])))
    graph.node("Transpose", total, perm=[1, 0], name="y")
    graph.output("y", np.float32, [3, "N"])
    return graph


def test_graph_computes() -> None:
    session = onnxruntime.InferenceSession(small().to_bytes())
    (y,) = session.run(None, {"x": np.array([[1, 1, 2, 3]], np.float32)})
    np.testing.assert_array_equal(y, [[3], [7], [13]])


def test_same_graph_same_bytes() -> None:
    assert small().to_bytes() == small().to_bytes()


def test_versions_are_fixed_and_names_scoped() -> None:
    model = onnx.load_from_string(small().to_bytes())
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8
    assert [(x.domain, x.version) for x in model.opset_import] == [("", OPSET)]
    assert [node.name.startswith("tail/") for node in model.graph.node] == [False, True, True, True]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (3, np.int64),
        ([1, 2], np.int64),
        (0.5, np.float32),
        (np.float64(0.5), np.float32),
        (np.arange(6, dtype=np.int32).reshape(2, 3), np.int64),
        (np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.float32),
        (np.arange(6, dtype=np.float16)[::-2], np.float32),
    ],
    ids=["int", "ints", "float", "float64", "int32", "fortran", "strided"],
)
def test_constants_keep_value_and_shape(value: object, dtype: type[np.generic]) -> None:
    graph = GraphBuilder("constant")
    name = graph.constant(value)  # type: ignore[arg-type]
    graph.node("Identity", name, name="y")
    graph.output("y", dtype if dtype is np.int64 else np.float32, np.shape(value))  # type: ignore[arg-type]
    (y,) = onnxruntime.InferenceSession(graph.to_bytes()).run(None, {})
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.asarray(value))


def test_equal_constants_are_stored_once() -> None:
    graph = GraphBuilder("constants")
    names = [graph.constant(x) for x in (1.0, 1, 1.0, [1.0], np.float32(1))]
    assert names[0] == names[2] == names[4]
    assert len(set(names)) == 3


def test_graph_with_a_hole_is_refused() -> None:
    graph = GraphBuilder("hole")
    graph.node("Relu", "nowhere", name="y")
    graph.output("y", np.float32, ["N"])
    with pytest.raises(onnx.checker.ValidationError):
        graph.to_bytes()
