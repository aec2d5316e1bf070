"""The real models, where STEADYPOSE_CACHE names a cache that holds them."""

from __future__ import annotations

import os

import numpy as np
import onnx
import onnxruntime
import pytest

from steadypose.engines import zoo
from steadypose.engines.zoo.lookup import status

CONVERTED = [name for name, entry in zoo.CATALOG.items() if entry.converter is not None]


@pytest.fixture(params=CONVERTED)
def model(request: pytest.FixtureRequest) -> zoo.Entry:
    """A converted model that is in the cache."""
    if "STEADYPOSE_CACHE" not in os.environ:
        pytest.skip("STEADYPOSE_CACHE is not set")
    if not {state.entry.name: state.ready for state in status()}[request.param]:
        pytest.skip(f"not in the cache; run: steadypose models fetch {request.param}")
    return zoo.CATALOG[request.param]


def test_file_is_the_pinned_one(model: zoo.Entry) -> None:
    (result,) = zoo.verify([model.name])
    assert result.ok, result.message


def test_graph_is_sound(model: zoo.Entry) -> None:
    graph = onnx.load(zoo.locate(model.name))
    onnx.checker.check_model(graph, full_check=True)
    used = {name for node in graph.graph.node for name in node.input}
    made = {name for node in graph.graph.node for name in node.output}
    assert {x.name for x in graph.graph.initializer} <= used
    assert made - used == {x.name for x in graph.graph.output}


def test_runs_in_batches(model: zoo.Entry) -> None:
    session = onnxruntime.InferenceSession(zoo.locate(model.name))
    height, width = model.input_size or (96, 64)
    random = np.random.default_rng(0)
    feed = {"image": random.integers(0, 256, (3, height, width, 3), dtype=np.uint8)}
    if model.family == "movenet":
        feed["boxes"] = np.array([[50, 80], [40, 60], [60, 90]], np.float32)
    together = session.run(None, feed)
    alone = session.run(None, {name: value[1:2] for name, value in feed.items()})
    for all_outputs, one in zip(together, alone, strict=True):
        assert np.isfinite(all_outputs).all()
        np.testing.assert_allclose(all_outputs[1:2], one, atol=2e-3)
