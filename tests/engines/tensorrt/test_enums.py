"""What was read from TensorRT's bindings, against the real ones where they are installed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engines.tensorrt.fake_tensorrt import RECORD, record
from tests.engines.tensorrt.networks import rtx

PRECISIONS = {"FP16", "BF16", "INT8", "FP8", "INT4", "FP4"}


def flags(key: str) -> dict[str, int]:
    found: dict[str, int] = record()[key]["enums"]["BuilderFlag"]
    return found


@pytest.mark.parametrize("key", record())
def test_a_record_is_whole(key: str) -> None:
    entry = record()[key]
    assert key == f"{entry['module']} {entry['version']}"
    assert {"DEBUG", "TF32", "VERSION_COMPATIBLE"} <= set(flags(key))
    assert "parse" in entry["has"]["OnnxParser"]
    assert "build_serialized_network" in entry["has"]["Builder"]
    assert "execute_async_v3" in entry["has"]["IExecutionContext"]


def test_precision_flags_go_with_version_11() -> None:
    told = {key: bool(PRECISIONS & set(flags(key))) for key in record()}
    assert told == {
        "tensorrt 8.6.0": True,
        "tensorrt 8.6.1": True,
        "tensorrt 10.0.1": True,
        "tensorrt 10.16.1.11": True,
        "tensorrt 11.0.0.114": False,
        "tensorrt 11.4.0.106": False,
        "tensorrt_rtx 1.7.1.116": False,
    }


def test_one_number_means_two_things() -> None:
    """Why numbers are never written down: bit 0 was EXPLICIT_BATCH and is STRONGLY_TYPED."""
    creation = {k: v["enums"]["NetworkDefinitionCreationFlag"] for k, v in record().items()}
    assert creation["tensorrt 8.6.0"]["EXPLICIT_BATCH"] == 0
    assert creation["tensorrt 10.0.1"]["STRONGLY_TYPED"] == 1
    assert creation["tensorrt 11.0.0.114"]["STRONGLY_TYPED"] == 0


def test_the_installed_one_is_as_recorded() -> None:
    module = rtx().module
    key = f"tensorrt_rtx {module.__version__}"
    assert key in record(), f"record it: python scripts/record_tensorrt_enums.py ({RECORD.name})"
    for name, members in record()[key]["enums"].items():
        real: Any = getattr(module, name)
        assert {k: int(v) for k, v in real.__members__.items()} == members
    for owner, names in record()[key]["has"].items():
        thing = module if owner == "module" else getattr(module, owner)
        assert [name for name in names if not hasattr(thing, name)] == []


def test_the_record_holds_names_and_numbers_alone() -> None:
    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [x for v in value.values() for x in leaves(v)]
        return [x for v in value for x in leaves(v)] if isinstance(value, list) else [value]

    found = leaves(json.loads(RECORD.read_text(encoding="utf-8")))
    assert all(isinstance(x, int) or len(x) < 60 for x in found)
