"""Engines that are none, to put into caches: only their bytes matter there."""

from __future__ import annotations

from typing import Any

from steadypose.engines.tensorrt.build import Built
from steadypose.engines.tensorrt.manifest import EngineKey, Manifest, Verified

PROFILE = "n1-4-8 128x96 192x128 256x192 w1073741824"
PLAN = bytes(range(256)) * 40


def key(**changes: str) -> EngineKey:
    values = {
        "onnx_sha256": "a" * 64,
        "flavour": "tensorrt",
        "version": "10.3.0",
        "capability": "sm_90",
        "precision": "fp16",
        "profile": PROFILE,
    }
    return EngineKey(**{**values, **changes})


def built(of: EngineKey, plan: bytes = PLAN, **facts: Any) -> Built:
    """What a build of this key returns."""
    told = {
        "onnx_sha256": of.onnx_sha256,
        "flavour": of.flavour,
        "version": of.version,
        "precision": of.precision,
        "seconds": 1.5,
        "evidence": {"method": "weights", "weights": {"half_share": 0.99}},
    }
    return Built(plan=plan, facts={**told, **facts})


def verified(**changes: Any) -> Verified:
    values: dict[str, Any] = {
        "ok": True,
        "p50_px": 0.02,
        "p99_px": 0.3,
        "max_px": 1.0,
        "p99_score": 0.001,
        "agreement": 1.0,
        "points": 100,
        "lost": 0,
        "people": 5,
        "gpu": "cuda:0 (a GPU, sm_90)",
        "at": "2026-01-31T12:00:00+00:00",
    }
    return Verified(**{**values, **changes})


def manifest(**changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "name": "net",
        "source": "/models/net.onnx",
        "key": key(),
        "sha256": "b" * 64,
        "size_bytes": len(PLAN),
        "built_at": "2026-01-31T12:00:00.000+00:00",
        "seconds": 1.5,
        "facts": {"typed": "strong"},
        "verified": verified(),
    }
    return Manifest(**{**values, **changes})
