from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest

from steadypose.stream.sinks.jsonl import JsonlSink
from tests.cli.conftest import Run, encode
from tests.cli.reading import lines_of, one_line, summary_of


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.3])
def test_a_signal_stops_in_time_and_keeps_what_was_tracked(
    run: Run,
    pictures: list[np.ndarray],
    tmp_path: Path,
    number: signal.Signals,
    delay_s: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip = encode(tmp_path / "clip.mp4", pictures * 100)
    begun, sent = threading.Event(), [0.0]
    write = JsonlSink.write

    def note(self: JsonlSink, result: object) -> None:
        write(self, result)  # type: ignore[arg-type]
        begun.set()

    def send() -> None:
        begun.wait(20)
        time.sleep(delay_s)
        sent[0] = time.monotonic()
        os.kill(os.getpid(), number)

    monkeypatch.setattr(JsonlSink, "write", note)
    threading.Thread(target=send).start()
    out = tmp_path / "out"
    code, _, errors = run("track", clip, "-o", out, "--save-video")
    assert time.monotonic() - sent[0] < 2
    assert code == 130
    assert "interrupted after" in one_line(errors)
    rows = lines_of(out)
    assert 0 < len(rows) < 2400
    assert len(json.loads((out / "clip.posetrack.json").read_text())["images"]) == len(rows)
    assert summary_of(out)["outcome"] == "interrupted"
    with av.open(str(out / "clip.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(rows)
    assert not [p for p in out.iterdir() if p.name.startswith(".") or "part" in p.name]
