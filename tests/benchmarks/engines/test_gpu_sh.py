"""``benchmarks/gpu.sh`` with a made-up Python in the place of one that sees a GPU."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from steadypose.benchmarks.engines import evidence
from steadypose.benchmarks.engines.summary import short_table

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "benchmarks" / "gpu.sh"

FAKE = """#!/usr/bin/env bash
# Answers as a Python on a machine with a GPU; its answers to steps lie in FAKE, a file each.
echo "$FAKE_NAME $*" | head -n 1 >>"$FAKE/calls"
case "$*" in
    *find_gpu*) echo "cuda:0 (NVIDIA Test 9, sm_90)" ;;
    *find_flavour*) [ -z "${FAKE_NO_TENSORRT:-}" ] && echo "tensorrt 10.9" ;;
    *"import steadypose"*) exit 0 ;;
    *"import pytest"*) exit 1 ;;
    *engines.evidence* | *engines.summary*) exec REAL "$@" ;;
    *"engine list --json"*) cat "$FAKE/list.json" ;;
    *" --sections latency --runtimes tensorrt") cat "$FAKE/record.jsonl" >>"$OUT/engines.jsonl" ;;
    *"models path"*) echo /clip.mp4 ;;
    *"engine verify"*) echo "does not agree"; exit 2 ;;
    *soak*) exit 124 ;;
esac
"""


def record(
    what: str = "latency", note: str = "", values: dict[str, object] | None = None, **case: object
) -> dict[str, object]:
    """A record of ``bench engines``; ``case`` is what differs from the usual one."""
    usual = {
        "model": "refiner-fast",
        "runtime": "tensorrt",
        "engine": "tensorrt 10.9 fp16 sm_90",
        "precision": "fp16",
        "batch": 8,
    }
    found = {"host_p50_ms": 1.5, "device_p50_ms": 0.5} if values is None else values
    return {
        "what": f"engines {what}",
        "case": {**usual, **case},
        "values": {**found, "note": note},
    }


RECORD = record()


def manifest(precision: str = "fp16", size: int = 50, **evidence: object) -> dict[str, object]:
    key = {
        "onnx_sha256": "0",
        "flavour": "tensorrt",
        "version": "10.9",
        "capability": "sm_90",
        "precision": precision,
        "profile": "n1-8-32",
    }
    facts = {"evidence": evidence or None}
    told = {"name": "net", "key": key, "size_bytes": size, "facts": facts}
    return {"manifest": told, "fresh": True}


LAYERS = {"half_layers": 30, "float32_layers": 2}
GOOD = manifest(weights={"half_share": 0.9}, inspector=LAYERS)


@pytest.fixture
def gpu_sh(tmp_path: Path) -> Run:
    """Run the script on the made-up machine."""
    if shutil.which("timeout") is None:
        pytest.skip("no timeout (coreutils)")
    fake = tmp_path / "python"
    fake.write_text(FAKE.replace("REAL", sys.executable))
    fake.chmod(0o755)
    (tmp_path / "list.json").write_text(json.dumps([GOOD]))
    (tmp_path / "record.jsonl").write_text(json.dumps(RECORD) + "\n")
    (tmp_path / "results").mkdir()

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PATH": "/usr/bin:/bin",
            "FAKE": str(tmp_path),
            "FAKE_NAME": "main",
            "PYTHON": str(fake),
            "OUT": str(tmp_path / "out"),
            "RESULTS": str(tmp_path / "results"),
            "TRT86": "",
            **more,
        }
        return subprocess.run(
            ["bash", str(SCRIPT), *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def steps_of(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    lines = done.stdout.partition("== steps\n")[2].splitlines()
    return {line.split()[0]: line.split()[1] for line in lines}


def test_the_steps_are_listed_without_a_gpu() -> None:
    done = subprocess.run(
        ["bash", str(SCRIPT), "--dry-run"], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines][:3] == ["look", "build", "build-fp32"]
    assert len(lines) == 16
    assert all(" at most " in line for line in lines)


def test_help_is_the_head_of_the_script() -> None:
    done = subprocess.run(
        ["bash", str(SCRIPT), "--help"], capture_output=True, text=True, check=True
    )
    assert "--budget" in done.stdout
    assert "TRT86" in done.stdout
    assert "set -uo" not in done.stdout


def test_without_a_gpu_it_is_one_line(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "OUT": str(tmp_path / "out"),
        "CUDA_VISIBLE_DEVICES": "",
    }
    done = subprocess.run(
        ["bash", str(SCRIPT)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("gpu.sh: ")
    assert "NVIDIA driver" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "biuld"], "unknown step 'biuld'"),
        (["--only"], "--only: a value is missing"),
        (["--budget", "soon"], "expected seconds, got 'soon'"),
        (["--fast"], "unknown option '--fast'"),
    ],
)
def test_bad_options_are_one_line(arguments: list[str], says: str) -> None:
    done = subprocess.run(
        ["bash", str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert says in line


def test_a_step_that_fails_fails_no_other(gpu_sh: Run, tmp_path: Path) -> None:
    done = gpu_sh()
    assert done.returncode == 1, done.stderr
    steps = steps_of(done)
    assert steps == {
        **dict.fromkeys(
            ["look", "build", "build-fp32", "precision", "latency", "people", "copies"], "ok"
        ),
        **dict.fromkeys(["difference", "torch", "track", "share"], "ok"),
        **dict.fromkeys(["profile", "tests", "sanitise"], "none"),
        "verify": "failed",
        "soak": "late",
    }
    assert "does not agree" in done.stdout
    assert "refiner-fast, tensorrt 10.9 fp16 sm_90" in done.stdout
    assert "1.5 / 0.5" in done.stdout
    copied = (tmp_path / "results" / "engines-nvidia-test-9.jsonl").read_text()
    assert json.loads(copied.splitlines()[0]) == RECORD
    assert "ok  net, tensorrt 10.9" in (tmp_path / "out" / "gpu.log").read_text()
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "engines.jsonl",
        "engines.main.json",
        "gpu.log",
        "machine.txt",
        "steps.txt",
    }


def test_what_is_done_is_not_done_again(gpu_sh: Run, tmp_path: Path) -> None:
    gpu_sh()
    (tmp_path / "calls").unlink()
    assert steps_of(gpu_sh())["latency"] == "ok"
    calls = (tmp_path / "calls").read_text()
    assert "engine verify" in calls
    assert "engine build" not in calls
    gpu_sh("--only", "build")
    assert "engine build" in (tmp_path / "calls").read_text()
    assert "--optimisation-level" not in (tmp_path / "calls").read_text()
    (tmp_path / "calls").unlink()
    gpu_sh("--only", "build,build-fp32", LEVEL="0")
    builds = [c for c in (tmp_path / "calls").read_text().splitlines() if "engine build" in c]
    assert builds
    assert all("--optimisation-level 0" in call for call in builds)


def test_a_budget_leaves_what_does_not_fit(gpu_sh: Run) -> None:
    done = gpu_sh("--budget", "100")
    assert done.returncode == 1
    steps = steps_of(done)
    assert steps.pop("precision") == "ok"
    assert set(steps.values()) == {"left"}
    assert steps_of(gpu_sh())["build"] == "ok"


def test_a_second_python_runs_the_same_steps(gpu_sh: Run, tmp_path: Path) -> None:
    other = f"env FAKE_NAME=trt86 {tmp_path / 'python'}"
    steps = steps_of(gpu_sh(TRT86=other))
    assert steps["build@trt86"] == steps["latency@trt86"] == "ok"
    assert "torch@trt86" not in steps
    calls = (tmp_path / "calls").read_text().splitlines()
    builds = [call for call in calls if "trt86 -m steadypose.stream.cli.main engine build" in call]
    # A model each, so that one that is missing keeps no other; then FP32, all at once.
    assert [call.split("engine build ")[1].split()[0] for call in builds] == [
        *("refiner-fast", "refiner-accurate", "movenet-lightning", "movenet-thunder"),
        *("picodet-s", "refiner-fast"),
    ]


def test_without_tensorrt_torch_is_measured(gpu_sh: Run) -> None:
    assert set(steps_of(gpu_sh(FAKE_NO_TENSORRT="1"))) == {"look", "torch", "tests"}


@pytest.mark.parametrize(
    ("listed", "right", "says"),
    [
        ([GOOD], [True], "90% of weights FP16, layers FP16 30, FP32 2"),
        ([GOOD, manifest("fp32", 100)], [True, True], "fp32"),
        ([GOOD, manifest("fp32", 60)], [False, True], "NOT FP16: 83% of the FP32 engine's size"),
        ([manifest(weights={"half_share": 0.9})], [False], "inspector told nothing"),
        (
            [manifest(inspector={"half_layers": 2, "float32_layers": 30})],
            [False],
            "NOT FP16: most layers",
        ),
        ([manifest()], [False], "NOT SHOWN: no evidence"),
        ([{"manifest": None, "fresh": False}], [], ""),
        ([{**manifest(), "fresh": False}], [], ""),
    ],
    ids=["good", "smaller", "too large", "weights", "fp32", "nothing", "orphan", "stale"],
)
def test_evidence(listed: list[dict[str, object]], right: list[bool], says: str) -> None:
    judged = list(evidence.judge(listed))
    assert [ok for ok, _ in judged] == right
    assert says in " ".join(line for _, line in judged)


def test_the_short_table_takes_the_newest() -> None:
    older = record(values={"host_p50_ms": 9.5, "device_p50_ms": 8.5})
    refused = {"runtime": "openvino", "engine": "", "batch": None}
    more = [
        record(values={}, note="it is not installed", **refused),
        record(batch=16, values={}, note="out of memory"),
        record("soak", batch=None, values={"batches": 10, "x_mb": None}),
        record("soak", values={}, note="none", **refused),
    ]
    lines = list(short_table([older, RECORD, *more]))
    text = "\n".join(lines)
    assert "9.5" not in text
    (times,) = (line for line in lines if "1.5 / 0.5" in line)
    assert times.split()[-4:] == ["1.5", "/", "0.5", "failed"]
    assert "refiner-fast, openvino: it is not installed" in lines
    assert "refiner-fast, tensorrt 10.9 fp16 sm_90: batches 10" in lines
    assert lines.index("== engines latency") < lines.index("== engines soak")
