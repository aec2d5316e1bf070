"""On a real Ray cluster the results are those of plain processes, also when a worker is killed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from steadypose.benchmarks.batch.resume import begun_after_done, results_of
from tests.cli.conftest import encode
from tests.cli.reading import one_line
from tests.stream.batch.conftest import Batch
from tests.stream.batch.shelf import clip, events, outcomes, run_batch
from tests.stream.stand_ins import scene


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and its address on the loopback interface."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_two_nodes_and_a_worker_killed_midway(
    served: tuple[Path, str], tmp_path: Path, networks: tuple[str, ...]
) -> None:
    if find_spec("ray") is None:
        pytest.skip("the extra 'ray' is not installed")
    folder, address = served
    for number in range(4):
        clip(folder / f"{number}.mp4", start=number)
    encode(folder / "long.mp4", [scene([(20, 20, 60, 100)])] * 400)
    names = ["long.mp4", *(f"{number}.mp4" for number in range(4))]
    plain, rayed = tmp_path / "plain", tmp_path / "rayed"
    urls = [f"{address}/{name}" for name in names]
    options = ("--format", "posetrack,jsonl,csv")
    assert run_batch(folder, "-o", plain, *options, networks=networks)[0] == 0
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "tests.stream.batch.ray_cluster"),
            *("long", str(rayed), *urls, *options, *networks),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {"code": 0, "nodes": 2, "killed": 1}
    assert outcomes(rayed) == dict.fromkeys(["long", "0", "1", "2", "3"], "done")
    assert [e["video"] for e in events(rayed) if e["event"] == "lost"] == ["long"]
    assert begun_after_done(events(rayed)) == []
    assert results_of(rayed) == results_of(plain)


def test_without_the_extra(batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip(tmp_path / "a.mp4")
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, errors = batch(tmp_path / "a.mp4", "-o", tmp_path / "o", "--ray", "local")
    assert code == 2
    assert "pip install 'steadypose[ray]'" in one_line(errors)
