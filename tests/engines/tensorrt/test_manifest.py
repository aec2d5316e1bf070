from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from steadypose.engines.tensorrt.manifest import MAX_BYTES, PORTABLE, EngineKey, Manifest
from steadypose.engines.tensorrt.profile import Profile
from steadypose.engines.tensorrt.spec import BuildSpec
from steadypose.errors import EngineError
from tests.engines.tensorrt.kept import PROFILE, key, manifest

OTHER = {
    "onnx_sha256": "c" * 64,
    "flavour": "tensorrt_rtx",
    "version": "10.4.0",
    "capability": "sm_80",
    "precision": "fp32",
    "profile": PROFILE.replace("n1-4-8", "n1-4-9"),
    "steadypose": "0.0.1",
}


def refusal(text: str) -> str:
    """What is said of a manifest that is not taken: one line that names the file."""
    with pytest.raises(EngineError) as error:
        Manifest.from_json(text, "/cache/x.json")
    message = str(error.value)
    assert message.startswith("/cache/x.json")
    assert "\n" not in message
    assert len(message) < 200
    return message


def test_a_manifest_comes_back_as_it_was() -> None:
    for told in (manifest(), manifest(verified=None, facts={}, source="/a\nb\udcff.onnx")):
        assert Manifest.from_json(told.to_json(), "it") == told


def test_every_field_of_a_key_counts() -> None:
    assert set(OTHER) == {f.name for f in fields(EngineKey)}
    keys = [key(), *(key(**{name: value}) for name, value in OTHER.items())]
    assert len({k.digest for k in keys}) == len({k.stem for k in keys}) == len(keys)
    assert key().stem == f"tensorrt-10.3.0-sm_90-fp16-{key().digest[:16]}"


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("onnx_sha256", "another ONNX file (SHA-256 cccccccc..., now aaaaaaaa...)"),
        ("flavour", "built with tensorrt_rtx 10.3.0, here is tensorrt 10.3.0"),
        ("version", "built with tensorrt 10.4.0, here is tensorrt 10.3.0"),
        ("capability", "built for sm_80, wanted for sm_90"),
        ("precision", "built as fp32, wanted as fp16"),
        ("steadypose", "built by steadypose 0.0.1, this is"),
    ],
)
def test_what_differs_is_named(field: str, words: str) -> None:
    assert words in key(**{field: OTHER[field]}).unlike(key())


@pytest.mark.parametrize(
    ("mine", "wanted", "does"),
    [
        ({}, {}, True),
        ({"capability": PORTABLE}, {}, True),
        ({"capability": PORTABLE}, {"capability": "sm_75"}, False),
        (
            {"capability": PORTABLE, "flavour": "tensorrt_rtx"},
            {"capability": "sm_75", "flavour": "tensorrt_rtx"},
            True,
        ),
        ({}, {"capability": PORTABLE}, False),
        ({"profile": PROFILE + " vc"}, {"version": "10.4.1"}, True),
        ({"profile": PROFILE + " vc"}, {"version": "10.2.9"}, False),
        ({"profile": PROFILE + " vc"}, {"version": "11.0.0"}, False),
        ({"profile": PROFILE + " vc", "version": "10.9.0"}, {"version": "10.10.0"}, True),
        ({"profile": PROFILE.replace("n1-4-8", "n1-16-32")}, {}, True),
        ({"profile": PROFILE.replace("n1-4-8", "n2-4-8")}, {}, False),
        ({"profile": PROFILE.replace("n1-4-8", "n1-4-7")}, {}, False),
        ({"profile": PROFILE.replace("128x96", "64x64")}, {}, True),
        ({"profile": PROFILE.replace("256x192", "256x160")}, {}, False),
        ({"profile": PROFILE.replace("w1073741824", "w2")}, {}, True),
        ({"profile": PROFILE + " ampere+ o5"}, {}, True),
        ({"profile": "n1-4-8"}, {}, False),
        ({}, {"profile": "n1-4-8"}, True),
        ({"profile": PROFILE + " SM86"}, {}, False),
        ({"profile": PROFILE + " SM86 SM89"}, {"profile": PROFILE + " SM89"}, True),
    ],
)
def test_an_engine_built_for_more_will_do(
    mine: dict[str, str], wanted: dict[str, str], does: bool
) -> None:
    assert (key(**mine).unlike(key(**wanted)) == "") is does


SIZES = ((128, 96), (256, 192), (192, 128))


@pytest.mark.parametrize(
    "spec",
    [
        BuildSpec(),
        BuildSpec(batches=(1, 2, 3), sizes=SIZES, workspace_bytes=7),
        BuildSpec(sizes=SIZES, version_compatible=True, ampere_plus=True, optimisation_level=5),
        BuildSpec(sizes=SIZES[:1], capabilities=("SM89", "SM120")),
    ],
)
def test_profiles_are_read_as_specs_write_them(spec: BuildSpec) -> None:
    found = Profile.parse(spec.profile)
    assert found is not None
    assert found.batches == spec.batches
    assert found.version_compatible == spec.version_compatible
    assert set(found.targets) == set(spec.capabilities)
    if spec.sizes:
        assert (found.sides[0], found.sides[-1]) == (min(spec.sizes), max(spec.sizes))
    assert found.covers(found)


@pytest.mark.parametrize(
    "text", ["", "n1-2", "n1-4-8 1x1", PROFILE + " ", PROFILE + " x", "n1-1-1" + " w1" * 999]
)
def test_what_is_no_profile_is_not_read(text: str) -> None:
    assert Profile.parse(text) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.pop("sha256"), "sha256: missing"),
        (lambda v: v.update(sha256="A" * 64), "sha256: expected 64 hexadecimal digits"),
        (lambda v: v.update(size_bytes=0), "size_bytes: expected 1 to"),
        (lambda v: v.update(size_bytes=1.5), "size_bytes: expected a whole number"),
        (lambda v: v.update(size_bytes=True), "size_bytes: expected a number"),
        (lambda v: v.update(size_bytes=1 << 80), "size_bytes: expected 1 to"),
        (lambda v: v.update(seconds="1"), "seconds: expected a number"),
        (lambda v: v.update(name=["net"]), "name: expected a text"),
        (lambda v: v.update(name="a\nb"), "name: expected a line of text"),
        (lambda v: v.update(name="a" * 5000), "name: expected a line of text"),
        (lambda v: v.update(source=""), "source: expected a path"),
        (lambda v: v.update(built_at="yesterday"), "built_at: expected a time"),
        (lambda v: v.update(built_at=5), "built_at: expected a time"),
        (lambda v: v.update(facts=[]), "facts: expected keys and values"),
        (lambda v: v.update(more=1), "'more': not a field of it"),
        (lambda v: v.update(kind="engine"), "not a manifest of this version"),
        (lambda v: v.update(format=2), "not a manifest of this version"),
        (lambda v: v.update(key=None), "key: expected keys and values"),
        (lambda v: v["key"].pop("version"), "key: version: missing"),
        (lambda v: v["key"].update(version="../../x"), "key: version: expected a version"),
        (lambda v: v["key"].update(flavour="onnx"), "key: flavour: expected tensorrt or"),
        (lambda v: v["key"].update(capability="sm_90/.."), "key: capability: expected sm_NN"),
        (lambda v: v["key"].update(precision=16), "key: precision: expected fp16 or fp32"),
        (lambda v: v["key"].update(profile="large"), "key: profile: expected a profile"),
        (lambda v: v["key"].update({"x" * 500: 1}), "not a field of it"),
        (lambda v: v.update(verified=True), "verified: expected keys and values"),
        (lambda v: v["verified"].update(ok=1), "verified: ok: expected true or false"),
        (lambda v: v["verified"].update(agreement=1.1), "verified: agreement: expected 0 to 1"),
        (lambda v: v["verified"].update(p99_px=-1), "verified: p99_px: expected 0 to"),
    ],
)
def test_wrong_fields_are_named(change: Callable[[dict[str, Any]], object], words: str) -> None:
    values = json.loads(manifest().to_json())
    change(values)
    assert words in refusal(json.dumps(values))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        "1" * 60_000,
        "[" * 60_000,
        '{"a":' * 12_000,
        " " * MAX_BYTES + "{}",
        manifest().to_json().replace('"seconds": 1.5', '"seconds": NaN'),
        manifest().to_json().replace('"seconds": 1.5', '"seconds": 1e999'),
    ],
    ids=lambda text: f"{text[:8]}x{len(text)}",
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    refusal(text)


def test_a_manifest_cut_short_anywhere_is_refused() -> None:
    text = manifest().to_json().rstrip()
    for length in range(0, len(text), 7):
        refusal(text[:length])


@pytest.mark.parametrize("field", sorted(OTHER))
def test_a_key_names_its_wrong_field(field: str) -> None:
    with pytest.raises(EngineError, match=rf"^engine key: {field}: expected"):
        key(**{field: "no such thing"})


def test_a_manifest_that_could_not_be_read_again_is_not_written() -> None:
    with pytest.raises(EngineError, match="larger than a manifest can be"):
        manifest(facts={"much": "x" * MAX_BYTES}).to_json()
