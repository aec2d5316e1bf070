"""What is kept beside an engine: what it was built from, with and for, and how it was checked."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from steadypose._version import __version__
from steadypose.engines.tensorrt.fields import (
    Checks,
    check_fields,
    flag,
    mapping,
    matches,
    number,
    path_text,
    text_line,
    time,
    whole,
)
from steadypose.engines.tensorrt.profile import Profile
from steadypose.errors import EngineError

MAX_BYTES = 1 << 16
"""A manifest is no larger."""
MAX_PLAN_BYTES = 1 << 33
PORTABLE = "portable"
"""The capability of engines that run on GPUs of several architectures."""

_KIND, _FORMAT = "steadypose engine", 1
_MOST_PX = 1e9
_AMPERE = 80


def _profile(value: Any) -> str:
    return "" if isinstance(value, str) and Profile.parse(value) else "expected a profile"


_SHA256 = matches("[0-9a-f]{64}", "64 hexadecimal digits")
_VERSION = matches(r"[0-9][0-9A-Za-z.+_-]{0,40}", "a version")
_KEY: Checks = {
    "onnx_sha256": _SHA256,
    "flavour": matches("tensorrt|tensorrt_rtx", "tensorrt or tensorrt_rtx"),
    "version": _VERSION,
    "capability": matches(rf"sm_[0-9]{{2,3}}|{PORTABLE}", "sm_NN or portable"),
    "precision": matches("fp16|fp32", "fp16 or fp32"),
    "profile": _profile,
    "steadypose": _VERSION,
}
_VERIFIED: Checks = {
    "ok": flag,
    "p50_px": number(0, _MOST_PX),
    "p99_px": number(0, _MOST_PX),
    "max_px": number(0, _MOST_PX),
    "p99_score": number(0, 1),
    "agreement": number(0, 1),
    "points": whole(0, 1 << 40),
    "lost": whole(0, 1 << 40),
    "people": whole(0, 1 << 40),
    "gpu": text_line,
    "at": time,
}
_MANIFEST: Checks = {
    "name": text_line,
    "source": path_text,
    "sha256": _SHA256,
    "size_bytes": whole(1, MAX_PLAN_BYTES),
    "built_at": time,
    "seconds": number(0, 1e9),
    "facts": mapping,
}


@dataclass(frozen=True, kw_only=True)
class EngineKey:
    """All that an engine depends on.

    Attributes:
        onnx_sha256: Of the network's file.
        flavour, version: The TensorRT.
        capability: The GPU's as ``"sm_90"``, or ``PORTABLE``.
        precision: ``"fp16"`` or ``"fp32"``.
        profile: Of the BuildSpec.
        steadypose: The version that prepares the graph.

    Raises:
        EngineError: A value that cannot be one; it names the field.
    """

    onnx_sha256: str
    flavour: str
    version: str
    capability: str
    precision: str
    profile: str
    steadypose: str = __version__

    def __post_init__(self) -> None:
        check_fields(asdict(self), _KEY, "engine key")

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that differ where any field differs."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def stem(self) -> str:
        """The engine's file name without suffix."""
        parts = (self.flavour, self.version, self.capability, self.precision, self.digest[:16])
        return "-".join(parts)

    def unlike(self, wanted: EngineKey) -> str:
        """Why an engine of this key is not what is wanted, in a few words; empty where it will do.

        A portable engine does for every GPU, one built as version compatible for later minor
        versions, one built for more batches and sizes for fewer.
        """
        if self.onnx_sha256 != wanted.onnx_sha256:
            hashes = f"SHA-256 {self.onnx_sha256[:8]}..., now {wanted.onnx_sha256[:8]}..."
            return f"built from another ONNX file ({hashes})"
        if self.flavour != wanted.flavour or not self.loads_in(wanted.version):
            return (
                f"built with {self.flavour} {self.version}, "
                f"here is {wanted.flavour} {wanted.version}"
            )
        if not self.runs_on(wanted.capability):
            return f"built for {self.capability}, wanted for {wanted.capability}"
        if self.precision != wanted.precision:
            return f"built as {self.precision}, wanted as {wanted.precision}"
        if not self.shapes.covers(wanted.shapes):
            return f"built for {self.shapes}, wanted for {wanted.shapes}"
        if self.steadypose != wanted.steadypose:
            return f"built by steadypose {self.steadypose}, this is {wanted.steadypose}"
        return ""

    @property
    def shapes(self) -> Profile:
        """The profile's parts."""
        profile = Profile.parse(self.profile)
        if profile is None:
            raise EngineError(f"engine key: profile: cannot be read: {self.profile}")
        return profile

    def runs_on(self, capability: str) -> bool:
        """Whether an engine of this key runs on GPUs of this capability."""
        if self.capability != PORTABLE or capability == PORTABLE:
            return self.capability == capability
        # TensorRT's own are for Ampere and later; TensorRT for RTX knows its GPUs by itself.
        return self.flavour == "tensorrt_rtx" or int(capability[3:]) >= _AMPERE

    def loads_in(self, version: str) -> bool:
        """Whether an engine of this key loads in this version of its TensorRT."""
        if self.version == version:
            return True
        mine, other = _numbers(self.version), _numbers(version)
        return self.shapes.version_compatible and mine[:1] == other[:1] and mine <= other


@dataclass(frozen=True, kw_only=True)
class Verified:
    """How an engine compares with its network in FP32 on the processor.

    Attributes:
        ok: Whether it agrees well enough to be used.
        p50_px, p99_px, max_px: Distances of joints, or corners of boxes, in pixels of the frames.
        p99_score: Difference of the scores.
        agreement: Share of them that lie within 5 % of the person's longer side; see ``verify``.
        points: How many were compared.
        lost: How many of these only one of the two found.
        people: On how many people.
        gpu: Where the engine ran.
        at: When, ISO 8601.
    """

    ok: bool
    p50_px: float
    p99_px: float
    max_px: float
    p99_score: float
    agreement: float
    points: int
    lost: int
    people: int
    gpu: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The record beside an engine.

    Attributes:
        name: What the network is called.
        source: Path of the network's file.
        key: What the engine depends on.
        sha256, size_bytes: Of the engine's file.
        built_at: ISO 8601.
        seconds: How long the build took.
        facts: What the build told; see ``Built``.
        verified: None where it has not been compared with its network.
    """

    name: str
    source: str
    key: EngineKey
    sha256: str
    size_bytes: int
    built_at: str
    seconds: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    verified: Verified | None = None

    def with_verified(self, verified: Verified) -> Manifest:
        """The same, compared with its network."""
        return replace(self, verified=verified)

    def to_json(self) -> str:
        """As text. Raises EngineError where ``from_json`` would not take it."""
        text = json.dumps({"kind": _KIND, "format": _FORMAT, **asdict(self)}, indent=1) + "\n"
        Manifest.from_json(text, f"manifest of {self.name}")
        return text

    @staticmethod
    def from_json(text: str, where: str) -> Manifest:
        """Read what ``to_json`` wrote.

        Args:
            text: The file's content.
            where: What to call it in an error.

        Raises:
            EngineError: It is not one, or not whole; one line that names the field.
        """
        values = _parse(text, where)
        if values.get("kind") != _KIND or values.get("format") != _FORMAT:
            raise EngineError(f"{where}: not a manifest of this version")
        key, verified = values.get("key"), values.get("verified")
        rest = {k: v for k, v in values.items() if k not in ("kind", "format", "key", "verified")}
        check_fields(rest, _MANIFEST, where)
        check_fields(key, _KEY, f"{where}: key")
        if verified is not None:
            check_fields(verified, _VERIFIED, f"{where}: verified")
            verified = Verified(**verified)
        return Manifest(**rest, key=EngineKey(**(key or {})), verified=verified)


def _parse(text: str, where: str) -> dict[str, Any]:
    if len(text) > MAX_BYTES:
        raise EngineError(f"{where}: larger than a manifest can be ({MAX_BYTES} bytes)")
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise EngineError(f"{where}: not valid JSON") from error
    if not isinstance(values, dict):
        raise EngineError(f"{where}: expected keys and values at the top level")
    return values


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0]))
