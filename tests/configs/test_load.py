from __future__ import annotations

from pathlib import Path

import pytest

from steadypose.configs import Config, load_config, preset_names
from steadypose.errors import ConfigError


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads(name: str) -> None:
    assert load_config(name).name == name


def test_presets_trade_speed_for_accuracy() -> None:
    every = [load_config(n).detector.every for n in ("fast", "balanced", "accurate")]
    assert every == sorted(every, reverse=True)
    assert {"fast", "balanced", "accurate"} <= set(preset_names())
    assert [n for n in preset_names() if load_config(n).refiner.enabled] == ["accurate"]


def test_a_file_builds_on_its_base(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: fast\ndetector:\n  nms_iou: 0.5\n")
    config = load_config(str(path), {"estimator": {"max_batch": 3}})
    fast = load_config("fast")
    assert config.name == "mine"
    assert config.detector.every == fast.detector.every
    assert config.estimator.model == fast.estimator.model
    assert (config.detector.nms_iou, config.estimator.max_batch) == (0.5, 3)


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "empty.yml"
    path.write_text("")
    assert load_config(str(path)) == Config(name="empty")


def test_whole_numbers_serve_as_floats_and_lists_as_tuples() -> None:
    values = {"estimator": {"max_zoom": 2, "sizes": [[128, 96]]}, "tracker": {"lost_s": 3}}
    config = load_config("balanced", values)
    assert config.estimator.max_zoom == 2.0
    assert config.estimator.sizes == ((128, 96),)
    assert config.tracker["lost_s"] == 3


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:0", "cuda:15"])
def test_devices(device: str) -> None:
    config = load_config("balanced", {"runtime": {"device": device, "precision": "fp32"}})
    assert (config.runtime.device, config.runtime.precision) == (device, "fp32")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"detector": {"evry": 3}}, r"'detector.evry': did you mean 'detector.every'"),
        ({"detecor": {}}, r"'detecor': did you mean 'detector'"),
        ({"detector": {"every": 0}}, r"detector.every: expected 1 to"),
        ({"detector": {"every": 2.5}}, r"detector.every: expected int, got 2.5"),
        ({"detector": {"every": True}}, r"detector.every: expected int, got True"),
        ({"detector": {"new_score": "x"}}, r"detector.new_score: expected float"),
        ({"detector": {"new_score": 0.1}}, r"detector.keep_score: expected 0 to 0.1"),
        ({"detector": 3}, r"detector: expected keys and values, got 3"),
        ({"estimator": {"sizes": [[100, 96]]}}, r"multiples of 32, got 100x96"),
        ({"estimator": {"sizes": [[128]]}}, r"estimator.sizes\[0\]: expected 2 values"),
        ({"estimator": {"sizes": 5}}, r"estimator.sizes: expected a list"),
        ({"output": {"save_video": 1}}, r"output.save_video: expected bool"),
        ({"tracker": []}, r"tracker: expected keys and values"),
        ({"runtime": {"device": "gpu"}}, r"runtime.device: expected auto, cpu, .*got 'gpu'"),
        ({"runtime": {"device": "cuda:"}}, r"runtime.device: .*cuda:N, got 'cuda:'"),
        ({"runtime": {"device": "cuda:-1"}}, r"runtime.device: .*got 'cuda:-1'"),
        ({"runtime": {"precision": "int8"}}, r"runtime.precision: expected fp16 or fp32"),
    ],
)
def test_bad_values_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config("balanced", values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not valid YAML"),
        ("- 1", "expected keys and values at the top"),
        ("base: fats", "did you mean 'fast'"),
        ("!!python/object/apply:os.system [ls]", "not valid YAML"),
        ("\xff", "not valid YAML"),
    ],
    ids=["syntax", "list", "base", "code", "bytes"],
)
def test_bad_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=message) as error:
        load_config(str(path))
    assert "bad.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_files_and_presets(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(str(tmp_path / "none.yaml"))
    with pytest.raises(ConfigError, match="did you mean 'balanced'"):
        load_config("balancd")
