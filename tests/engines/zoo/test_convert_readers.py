"""The readers of TensorFlow.js and Paddle files."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.engines.zoo.convert.paddle import read_paddle
from steadypose.engines.zoo.convert.tfjs import read_tfjs
from steadypose.engines.zoo.convert.wire import fields, integers
from steadypose.errors import ModelError

VALUES = np.array([[0.5, -1.5], [2.0, 0.25]], np.float32)


def tfjs(entries: list[dict[str, Any]], nodes: list[dict[str, Any]] | None = None) -> bytes:
    manifest = [{"paths": ["model.bin"], "weights": entries}]
    return json.dumps(
        {"modelTopology": {"node": nodes or []}, "weightsManifest": manifest}
    ).encode()


class TestTfjs:
    def test_weights_of_every_storage(self) -> None:
        eighth = {"dtype": "uint8", "scale": 0.5, "min": -1.5}
        sixteenth = {"dtype": "uint16", "scale": 0.25, "min": -2.0}
        shape = [2, 2]
        entries = [
            {"name": "f4", "shape": shape, "dtype": "float32"},
            {"name": "i4", "shape": [], "dtype": "int32"},
            {
                "name": "f2",
                "shape": shape,
                "dtype": "float32",
                "quantization": {"dtype": "float16"},
            },
            {"name": "u1", "shape": shape, "dtype": "float32", "quantization": eighth},
            {"name": "u2", "shape": shape, "dtype": "float32", "quantization": sixteenth},
        ]
        data = b"".join(
            [
                VALUES.tobytes(),
                np.int32(7).tobytes(),
                VALUES.astype(np.float16).tobytes(),
                ((VALUES + 1.5) * 2).astype(np.uint8).tobytes(),
                ((VALUES + 2) * 4).astype("<u2").tobytes(),
            ]
        )
        weights = read_tfjs(tfjs(entries), data).weights
        for name in ("f4", "f2", "u2"):
            np.testing.assert_array_equal(weights[name], VALUES)
            assert weights[name].dtype == np.float32
        np.testing.assert_array_equal(weights["u1"], [[0.5, -1.5], [2.0, 0.0]])
        assert weights["i4"] == 7
        assert weights["i4"].shape == ()

    def test_nodes_and_attributes(self) -> None:
        text = base64.b64encode(b"SAME").decode()
        node = {
            "name": "a/conv",
            "op": "_FusedConv2D",
            "input": ["x:0", "w", "^control", "y:1"],
            "attr": {
                "strides": {"list": {"i": ["1", "2", "2", "1"]}},
                "fused_ops": {"list": {"s": [base64.b64encode(b"Relu6").decode()]}},
                "padding": {"s": text},
                "bytes": {"s": list(b"NHWC")},
                "count": {"i": "1"},
                "epsilon": {"f": 0.5},
                "flag": {"b": True},
                "empty": {"list": {}},
            },
        }
        read = read_tfjs(tfjs([], [node]), b"").nodes["a/conv"]
        assert read.op == "FusedConv2D"
        assert read.inputs == ("x", "w", "y:1")
        assert read.attributes == {
            "strides": [1, 2, 2, 1],
            "fused_ops": ["Relu6"],
            "padding": "SAME",
            "bytes": "NHWC",
            "count": 1,
            "epsilon": 0.5,
            "flag": True,
            "empty": [],
        }

    @pytest.mark.parametrize(
        "model",
        [
            b"",
            b"[]",
            b"\xff\xfe",
            b'{"weightsManifest": []}',
            tfjs([{"name": "w", "shape": [100], "dtype": "float32"}]),
            tfjs([{"name": "w", "shape": [1], "dtype": "string"}]),
        ],
        ids=["empty", "list", "binary", "no nodes", "short weights", "unknown dtype"],
    )
    def test_other_files_are_refused(self, model: bytes) -> None:
        with pytest.raises(ModelError, match=r"not a TensorFlow\.js graph model"):
            read_tfjs(model, b"1234")


class TestPaddle:
    def test_operations_and_weights(self, paddle: Any) -> None:
        program, weights = paddle.files(
            [
                paddle.op("feed", {"X": ["feed"]}, {"Out": ["image"]}, {"col": 0}),
                paddle.op(
                    "conv2d",
                    {"Input": ["image"], "Filter": ["w"], "Bias": []},
                    {"Output": ["y"]},
                    {"strides": [2, 1], "alpha": 0.5, "data_format": "NCHW", "flag": True},
                ),
            ],
            {"w": VALUES, "a": np.arange(3, dtype=np.int64)},
        )
        read = read_paddle(program, weights)
        assert [op.type for op in read.ops] == ["feed", "conv2d"]
        assert read.ops[1].input("Filter") == "w"
        assert read.ops[1].output("Output") == "y"
        assert read.ops[1].attributes == {
            "strides": [2, 1],
            "alpha": 0.5,
            "data_format": "NCHW",
            "flag": 1,
        }
        np.testing.assert_array_equal(read.weights["w"], VALUES)
        np.testing.assert_array_equal(read.weights["a"], [0, 1, 2])
        with pytest.raises(ModelError, match="expected one tensor as 'Bias', found 0"):
            read.ops[1].input("Bias")

    def test_negative_numbers(self, paddle: Any) -> None:
        op = paddle.op("x", {}, {}, {"axis": -1, "shape": [-1, 0, 80]})
        program, weights = paddle.files([op], {"w": VALUES})
        attributes = read_paddle(program, weights).ops[0].attributes
        assert attributes == {"axis": -1, "shape": [-1, 0, 80]}

    @pytest.mark.parametrize("change", ["cut", "longer", "other"])
    def test_weights_that_do_not_fit(self, paddle: Any, change: str) -> None:
        program, weights = paddle.files([paddle.op("x", {}, {}, {})], {"w": VALUES})
        weights = {"cut": weights[:-1], "longer": weights + b"0", "other": b"\x00" * 7}[change]
        with pytest.raises(ModelError, match="Paddle weights"):
            read_paddle(program, weights)

    @pytest.mark.parametrize("data", [b"", b"\xff" * 30, b"\x0f", b"\x0a\x50abc", b"plain text"])
    def test_other_files_are_refused(self, data: bytes) -> None:
        with pytest.raises(ModelError, match=r"protobuf|Paddle"):
            read_paddle(data, b"")

    @given(st.binary(max_size=200))
    def test_any_bytes_give_fields_or_a_clear_error(self, data: bytes) -> None:
        try:
            found = list(fields(data))
        except ModelError:
            return
        assert all(number >= 0 for number, _value in found)

    @given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
    def test_packed_integers(self, paddle: Any, numbers: list[int]) -> None:
        assert integers(b"".join(paddle.varint(number) for number in numbers)) == numbers
