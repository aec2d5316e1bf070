"""Where a frame's time goes: arithmetic, replays, stages."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from steadypose.benchmarks.calls import noted
from steadypose.benchmarks.profile import limits
from steadypose.benchmarks.profile import run as profile
from steadypose.benchmarks.profile.alone import Replay
from steadypose.benchmarks.profile.flops import network_flops
from steadypose.benchmarks.profile.passes import in_sequence
from steadypose.configs import Config
from steadypose.stream.engine_room import EngineRoom
from tests.benchmarks.clips import room_with_a_network, write_clip


def graph(op: str, weights: tuple[int, ...], shape: list[int], **attributes: object) -> bytes:
    """One operation with weights of ones."""
    node = helper.make_node(op, ["x", "w"], ["y"], **attributes)
    weight = numpy_helper.from_array(np.ones(weights, np.float32), "w")
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    found = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    whole = helper.make_graph([node], op, [given], [found], [weight])
    model: onnx.ModelProto = helper.make_model(
        whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("made", "shape", "expected"),
    [
        # 2 pictures x 8 filters x 8x8 places x (3 channels of 3x3), twice
        (graph("Conv", (8, 3, 3, 3), [2, 3, 10, 10]), (2, 3, 10, 10), 2 * 2 * 8 * 64 * 27),
        # one filter of 3x3 for each of 4 channels
        (graph("Conv", (4, 1, 3, 3), [1, 4, 5, 5], group=4), (1, 4, 5, 5), 2 * 4 * 9 * 9),
        # each of 5x5 places of 3 channels lays 4 filters of 2x2
        (graph("ConvTranspose", (3, 4, 2, 2), [1, 3, 5, 5]), (1, 3, 5, 5), 2 * 75 * 16),
        (graph("MatMul", (6, 7), [5, 6]), (5, 6), 2 * 5 * 6 * 7),
        (graph("MatMul", (6, 7), [3, 5, 6]), (3, 5, 6), 2 * 3 * 5 * 6 * 7),
        (graph("Gemm", (7, 6), [5, 6], transB=1), (5, 6), 2 * 5 * 6 * 7),
        (graph("Add", (5, 6), [5, 6]), (5, 6), 0),
    ],
)
def test_arithmetic_is_counted(made: bytes, shape: tuple[int, ...], expected: int) -> None:
    assert network_flops(made, {"x": np.zeros(shape, np.float32)}) == expected


def test_calls_are_noted_and_can_be_made_again(tmp_path: Path) -> None:
    room = room_with_a_network(tmp_path)
    image = np.zeros((100, 100, 3), np.uint8)
    boxes = np.array([[10, 10, 40, 90], [50, 10, 80, 90]], np.float32)
    with noted(room, keep=True) as calls:
        room.estimator.estimate(image, boxes)
    room.estimator.estimate(image, boxes)
    (call,) = calls
    assert (call.stage, call.shape[0], call.feeds["boxes"].shape) == ("estimate", 2, (2, 2))
    wall, processor = Replay(calls, threads=1).seconds()
    assert 0 < wall < 10
    assert 0 <= processor < 10


def test_stages_add_up_to_the_frame(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip")
    done = in_sequence(room_with_a_network(tmp_path), clip, 10)
    assert done.frames == 10
    assert {"decode", "detect", "estimate", "track", "write"} <= done.seconds.keys()
    assert 0 < sum(done.seconds.values()) <= done.total
    assert sum(call.seconds for call in done.calls) <= done.seconds["estimate"]


def test_a_profile_is_written_and_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(config: Config) -> EngineRoom:
        return room_with_a_network(tmp_path, config)

    monkeypatch.setattr(profile.EngineRoom, "load", load)
    monkeypatch.setattr(limits, "_SIDE", 64)
    monkeypatch.setattr(limits, "_COPIED_BYTES", 1_000_000)
    out = tmp_path / "records.jsonl"
    options = argparse.Namespace(
        clips=[write_clip(tmp_path / "clip")], config=["fast"], refiner="off", threads=1, frames=10,
        rounds=2, json=out,
    )  # fmt: skip
    assert profile.run(options) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    stages = {r["case"]["stage"]: r["values"] for r in lines if r["what"] == "profile"}
    assert list(stages) == ["decode", "detect", "estimate", "track", "write"]
    assert stages["estimate"]["calls a frame"] > 0
    assert "network alone ms" not in stages["track"]
    assert all(values["ms a frame"]["value"] > 0 for values in stages.values())
    verdict, most = (r["values"] for r in lines if r["what"] != "profile")
    assert verdict["slowest stage"] == "estimate"
    assert verdict["% of its network alone"]["value"] > 0
    assert most["network GFLOP a frame"] >= 0
    assert most["memory GB/s"] > 0
    assert "### profile limits" in capsys.readouterr().out
