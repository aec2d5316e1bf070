"""How engines are told of on the command line: in a line, in a table, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from steadypose.engines.tensorrt.housekeeping import CachedEngine
from steadypose.engines.tensorrt.manifest import Manifest, Verified

_HEADS = (
    "model",
    "runtime",
    "capability",
    "precision",
    "profile",
    "MB",
    "built",
    "verified",
    "state",
)


def engine_line(path: Path, manifest: Manifest, *, at_hand: bool) -> str:
    """An engine in a line: what it is, how it is known to be FP16, and where it lies."""
    key = manifest.key
    return ", ".join(
        (
            f"{manifest.name}: {key.flavour} {key.version}",
            key.capability,
            precision(manifest),
            f"{manifest.size_bytes / 1e6:.1f} MB",
            f"{'at hand, ' if at_hand else ''}built in {manifest.seconds:.1f} s",
            str(path),
        )
    )


def precision(manifest: Manifest) -> str:
    """The precision, and what shows it."""
    evidence = manifest.facts.get("evidence")
    name = manifest.key.precision
    if not isinstance(evidence, dict):
        return name
    weights, layers = evidence.get("weights") or {}, evidence.get("inspector") or {}
    told = []
    if weights:
        told.append(f"{weights['half_share']:.1%} of its weights are FP16")
    if layers:
        every = layers["half_layers"] + layers["float32_layers"]
        told.append(f"{layers['half_layers']} of {every} layers with weights are FP16")
    if not told or evidence.get("method") == "typing":
        told.append(f"{evidence.get('typed_half_layers', 0)} layers are typed FP16")
    return f"{name} ({'; '.join(told)})"


def table(engines: Sequence[CachedEngine]) -> str:
    """A line for each engine, with a heading."""
    rows = [_HEADS, *(_row(engine) for engine in engines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADS) - 1)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def as_json(engine: CachedEngine) -> dict[str, Any]:
    """An engine with all that its manifest says, as JSON holds it."""
    manifest = engine.manifest
    return {
        "path": str(engine.path),
        "bytes": engine.size_bytes,
        "fresh": not engine.problem,
        "stale": engine.stale,
        "problem": engine.problem,
        "manifest": None if manifest is None else asdict(manifest),
    }


def _row(engine: CachedEngine) -> tuple[str, ...]:
    manifest, size = engine.manifest, f"{engine.size_bytes / 1e6:.1f}"
    state = f"stale: {engine.problem}" if engine.stale else engine.problem or "fresh"
    if manifest is None:
        return (engine.path.name, "-", "-", "-", "-", size, "-", "-", state)
    key = manifest.key
    return (
        manifest.name,
        f"{key.flavour} {key.version}",
        key.capability,
        key.precision,
        str(key.shapes),
        size,
        manifest.built_at[:16].replace("T", " "),
        _verified(manifest.verified),
        state,
    )


def _verified(verified: Verified | None) -> str:
    if verified is None:
        return "no"
    return f"p99 {verified.p99_px:.2f} px" if verified.ok else "disagrees"
