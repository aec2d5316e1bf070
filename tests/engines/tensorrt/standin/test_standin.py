"""TensorRT engines with the real pycuda on a stand-in for the driver; see checks_*.py."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

from tests.engines.tensorrt.standin import (
    checks_batches,
    checks_endings,
    checks_errors,
    checks_memory,
    checks_rtx,
)
from tests.engines.tensorrt.standin.conftest import StandIn

MODULES = (checks_memory, checks_batches, checks_errors, checks_endings, checks_rtx)
ENVIRONMENTS = {"check_the_second_gpu": {"STANDIN_DEVICES": "2"}}


def checks_of(module: ModuleType) -> list[tuple[str, str]]:
    """Module and function of each check, in the file's order."""
    names = [n for n, f in vars(module).items() if n.startswith("check_") and inspect.isfunction(f)]
    return [(module.__name__.rpartition(".")[2], name) for name in names]


@pytest.mark.parametrize(
    ("module", "check"),
    [case for module in MODULES for case in checks_of(module)],
    ids=lambda text: str(text).removeprefix("check_").removeprefix("checks_"),
)
def test_check(standin: StandIn, module: str, check: str) -> None:
    outcome = standin.run(module, check, **ENVIRONMENTS.get(check, {}))
    assert outcome.code == 0, outcome.text
    assert not outcome.text, outcome.text


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("ending_with_all_open", 0),
        ("ending_with_a_thread_at_work", 0),
        ("ending_by_an_error", 1),
        ("ending_without_a_context_of_this_thread", 0),
    ],
)
def test_end_of_the_program(standin: StandIn, ending: str, code: int) -> None:
    outcome = standin.run("checks_endings", ending)
    assert outcome.code == code, outcome.text
    held = ("device_blocks", "pinned_blocks", "streams", "events", "executables", "retained")
    if code == 0:
        assert not outcome.text, outcome.text
        assert {name: outcome.report[name] for name in held} == dict.fromkeys(held, 0)
    else:  # the error's traceback, and nothing of pycuda's after it
        assert outcome.text.strip().splitlines()[-1].startswith("steadypose."), outcome.text


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "CUDA (12, 8): cuda:0 (Stand-in 0, sm_90)"),
        ({"STANDIN_DEVICES": "2"}, "cuda:0 (Stand-in 0, sm_90); cuda:1 (Stand-in 1, sm_90)"),
        ({"STANDIN_DEVICES": "0"}, "shows no GPU"),
        (
            {"STANDIN_INIT": "100", "CUDA_VISIBLE_DEVICES": ""},
            "the NVIDIA driver shows no GPU (CUDA_VISIBLE_DEVICES is '')",
        ),
        ({"STANDIN_VERSION": "11040"}, "supports CUDA 11.4, and TensorRT needs 12.0"),
        ({"STANDIN_INIT": "803"}, "does not work: driver and library are of different versions"),
        ({"STANDIN_INIT": "34"}, "is a stub to link against"),
        ({"STANDIN_INIT": "999"}, "some other error (CUDA error 999)"),
    ],
)
def test_probe(standin: StandIn, environment: dict[str, str], words: str) -> None:
    outcome = standin.run("checks_device", "probe", **environment)
    assert outcome.code == 0, outcome.text
    assert words in outcome.text
    assert outcome.text.count("\n") == 1
