"""Which arithmetic a run uses."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from steadypose.engines.refiner.training import machine  # noqa: E402


@pytest.mark.parametrize(
    ("name", "avx", "amx", "expected"),
    [
        pytest.param("auto", False, False, "float32", id="imitated bfloat16 is slow"),
        pytest.param("auto", True, False, "bfloat16", id="AVX-512"),
        pytest.param("auto", False, True, "bfloat16", id="AMX"),
        pytest.param("bfloat16", False, False, "bfloat16", id="insisted"),
        pytest.param("float32", True, True, "float32", id="exact"),
    ],
)
def test_precision_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, name: str, avx: bool, amx: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    assert machine.choose_precision(name, torch.device("cpu")) is getattr(torch, expected)


def test_a_torch_that_does_not_tell_gets_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported", raising=False)
    assert machine.choose_precision("auto", torch.device("cpu")) is torch.float32
