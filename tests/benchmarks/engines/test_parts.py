"""What the benchmark of run times is made of, on values with known answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks.engines.contenders import Copies, percentiles
from steadypose.benchmarks.engines.feeds import noise, pictures
from steadypose.benchmarks.engines.outcomes import Outcome
from steadypose.benchmarks.engines.sections.difference import differences
from steadypose.benchmarks.engines.sections.soak import growth_mb
from steadypose.benchmarks.machine import resident_bytes
from steadypose.engines.runtimes import TensorSpec
from steadypose.errors import InputError, ModelError


def specs(**shapes: tuple[int | None, ...]) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(name=name, dtype=np.dtype(np.float32), shape=shape)
        for name, shape in shapes.items()
    }


def test_noise_is_what_a_refiner_takes() -> None:
    inputs = specs(image=(None, None, None, 3), pose=(None, 19, 3), prior=(None, 19, 3))
    fed = noise(inputs, 5, seed=1)
    assert {n: (v.shape, v.dtype.name) for n, v in fed.items()} == {
        "image": ((5, 256, 192, 3), "uint8"),
        "pose": ((5, 19, 3), "float32"),
        "prior": ((5, 19, 3), "float32"),
    }
    assert (fed["pose"][..., 0] < 192).all()
    assert (fed["pose"][..., 2] < 1).all()
    assert len(np.unique(fed["image"])) == 256
    again = noise(inputs, 5, seed=1)
    assert all(np.array_equal(fed[name], again[name]) for name in fed)
    assert not np.array_equal(noise(inputs, 5, seed=2)["image"], fed["image"])


def test_noise_for_a_detector_has_its_size_and_estimators_get_boxes() -> None:
    assert noise(specs(image=(None, 416, 736, 3)), 1, 0)["image"].shape == (1, 416, 736, 3)
    boxes = noise(specs(image=(None, None, None, 3), boxes=(None, 2)), 3, 0)["boxes"]
    assert boxes.shape == (3, 2)
    assert boxes.dtype == np.float32
    assert (boxes < (192, 256)).all()
    assert (boxes > (90, 120)).all()


def test_noise_for_an_unknown_network_is_refused() -> None:
    with pytest.raises(ModelError, match="input 'input'"):
        noise(specs(input=(1, 3, 64, 64)), 1, 0)


def test_differences_in_pixels() -> None:
    expected = np.zeros((2, 4, 3), np.float32)
    expected[..., 2] = 0.9
    expected[1, 3, 2] = 0.05
    found = expected.copy()
    found[0, 0, :2] = 3, 4
    found[0, 1, 2] = 0.4
    found[1, 3, :2] = 60, 80
    found[1, 2, 0] = np.nan
    told = differences(found, expected)
    assert told["max_px"] == pytest.approx(100)
    assert told["p50_px"] == 0
    assert told["sure_p99_px"] == pytest.approx(np.percentile([5, 0, 0, 0, 0, 0], 99))
    assert told["max_score"] == pytest.approx(0.5)
    assert (told["joints"], told["lost"]) == (8, 1)


def test_differences_of_nothing() -> None:
    lost = np.full((1, 2, 3), np.nan, np.float32)
    told = differences(lost, np.zeros((1, 2, 3), np.float32))
    assert told["p99_px"] is None
    assert told["max_score"] is None
    assert told["lost"] == 2


@pytest.mark.parametrize(
    ("samples", "grown"),
    [
        ([100e6] * 10, 0),
        ([10e6, 100e6] + [100e6] * 8, 0),
        ([100e6 + 1e6 * i for i in range(10)], 8),
        ([5e6], 0),
        ([200e6, 200e6] + [100e6] * 8, -100),
    ],
    ids=["level", "settles", "leaks", "one", "gives back"],
)
def test_growth_after_settling(samples: list[float], grown: float) -> None:
    assert growth_mb([int(s) for s in samples]) == pytest.approx(grown)


def test_memory_of_this_process() -> None:
    assert resident_bytes() > 10_000_000


def test_percentiles_are_plain_floats() -> None:
    assert percentiles([1, 2, 3], 50, 100) == (2.0, 3.0)
    assert Copies(up=1, down=1) == Copies(1, 1)


def test_an_outcome_as_a_record() -> None:
    refused = Outcome(section="latency", model="net", runtime="tensorrt", note="no GPU | none")
    record = refused.record({"seed": 0})
    assert (record.what, record.config) == ("engines latency", {"seed": 0})
    assert record.case["model"] == "net"
    assert record.values == {"note": "no GPU | none"}


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    import cv2

    for name in ("a.png", "b.png", "c.png"):
        cv2.imwrite(str(tmp_path / name), np.full((4, 6, 3), ord(name[0]), np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    assert [int(image[0, 0, 0]) for image in pictures(tmp_path, 2)] == [ord("a"), ord("b")]
    with pytest.raises(InputError, match="no pictures in it"):
        pictures(tmp_path / "none", 2)
