"""Asserts that engines called FP16 are FP16, from what ``steadypose engine list --json`` tells.

``steadypose engine list --json | python -m steadypose.benchmarks.engines.evidence`` prints a line
for each engine, and ends with exit code 1 where one is not shown to be FP16. On a GPU the engine
inspector must have found more layers in FP16 than in FP32, and an FP16 engine must be clearly
smaller than the FP32 engine of the same network where there is one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_LARGEST_SHARE = 0.75
"""Of the FP32 engine's bytes."""


def judge(listed: Sequence[Mapping[str, Any]]) -> Iterator[tuple[bool, str]]:
    """For each engine whether it is what it is called, and a line that says so.

    Args:
        listed: The parsed output of ``steadypose engine list --json``.
    """
    kept = [engine["manifest"] for engine in listed if engine["manifest"] and engine["fresh"]]
    full = {_network(m): m["size_bytes"] for m in kept if m["key"]["precision"] == "fp32"}
    for manifest in kept:
        key, size = manifest["key"], manifest["size_bytes"]
        told = [f"{manifest['name']}, {key['flavour']} {key['version']}, {key['capability']}"]
        told.append(f"{key['precision']}, {size / 1e6:.1f} MB")
        wrong = list(_wrong(manifest, full.get(_network(manifest))))
        if key["precision"] == "fp16":
            told += [_shown(manifest["facts"].get("evidence") or {})]
        yield not wrong, ": ".join([", ".join(told), *wrong])


def _wrong(manifest: Mapping[str, Any], full: int | None) -> Iterator[str]:
    if manifest["key"]["precision"] != "fp16":
        return
    evidence = manifest["facts"].get("evidence") or {}
    layers = evidence.get("inspector")
    if layers is None and manifest["key"]["flavour"] == "tensorrt":
        yield "NOT SHOWN: the engine inspector told nothing"
    if layers is not None and layers["half_layers"] <= layers["float32_layers"]:
        yield "NOT FP16: most layers with weights are FP32"
    if not evidence:
        yield "NOT SHOWN: no evidence"
    if full is not None and manifest["size_bytes"] > _LARGEST_SHARE * full:
        yield f"NOT FP16: {manifest['size_bytes'] / full:.0%} of the FP32 engine's size"


def _shown(evidence: Mapping[str, Any]) -> str:
    layers, weights = evidence.get("inspector"), evidence.get("weights") or {}
    parts = [f"{weights.get('half_share', 0):.0%} of weights FP16"]
    if layers:
        parts.append(f"layers FP16 {layers['half_layers']}, FP32 {layers['float32_layers']}")
    return ", ".join(parts)


def _network(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    key = manifest["key"]
    return key["onnx_sha256"], key["flavour"], key["version"], key["capability"], key["profile"]


def main() -> int:
    """Read the list from standard input."""
    found = list(judge(json.load(sys.stdin)))
    for right, line in found:
        print(f"{'ok ' if right else 'BAD'} {line}")
    if not found:
        print("no fresh engine to judge")
    return 0 if found and all(right for right, _ in found) else 1


if __name__ == "__main__":
    sys.exit(main())
