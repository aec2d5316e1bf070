"""People with known joints, as the measurements take them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from steadypose.benchmarks.refiner.people import People, people_of
from steadypose.engines.refiner.data.records import Picture
from steadypose.skeletons import COCO19
from tests.engines.refiner.data import made_up


def people(*places: tuple[float, float], together: bool = False) -> People:
    """Standing people, each in a picture of its own unless ``together``."""
    persons = [made_up.person(place) for place in places]
    parted = [tuple(persons)] if together else [(person,) for person in persons]
    return people_of(
        "COCO",
        [
            Picture(path=Path("no.png"), key=str(i), persons=some, source="coco", group=str(i))
            for i, some in enumerate(parted)
        ],
    )


def found(people: People, score: float = 1.0) -> NDArray[np.float32]:
    """Joints (P, 19, 3) that are where they should be."""
    scores = np.full((*people.truth.shape[:2], 1), score, np.float32)
    return np.concatenate([people.truth, scores], 2)


def row(joint: str) -> int:
    return COCO19.index(joint)


def for_pycocotools(annotations: Path) -> Path:
    """Add the fields that pycocotools cannot do without."""
    content = json.loads(annotations.read_text(encoding="utf-8"))
    content["categories"] = [{"id": 1, "name": "person"}]
    for annotation in content["annotations"]:
        annotation |= {"category_id": 1, "num_keypoints": 16}
    annotations.write_text(json.dumps(content), encoding="utf-8")
    return annotations


def write_tiny_movenet(path: Path, joints: NDArray[np.float32]) -> Path:
    """A base estimator that finds ``joints`` (17, 3), in crop pixels, in every crop."""
    constants = {
        "zero": np.array(0, np.float32),
        "joints": joints[None].astype(np.float32),
        "axes": np.array([1], np.int64),
        "shape": np.array([-1, 1, 1], np.int64),
    }
    nodes = [
        helper.make_node("ReduceSum", ["boxes", "axes"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Reshape", ["nothing", "shape"], ["nothing_"]),
        helper.make_node("Add", ["joints", "nothing_"], ["keypoints"]),
    ]
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", "H", "W", 3]),
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", 2]),
    ]
    output = helper.make_tensor_value_info("keypoints", TensorProto.FLOAT, ["N", 17, 3])
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny movenet", inputs, [output], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path
