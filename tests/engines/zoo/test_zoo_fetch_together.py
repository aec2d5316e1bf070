from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from steadypose.engines import zoo
from steadypose.engines.zoo import cache

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the fake npm is a script with a #! line"
)


class TestAtTheSameTime:
    def test_two_processes_fetch_once(self, tiny: Any) -> None:
        entry, log = tiny.npm_entry(delay_s=0.5)
        code = (
            "import pathlib\n"
            "from steadypose.engines.zoo import *\n"
            "from steadypose.engines.zoo import lookup\n"
            f"lookup.CATALOG = {{'tiny': {entry!r}}}\n"
            f"print(fetch(['tiny'], cache_dir=pathlib.Path({str(tiny.cache)!r}))[0])\n"
        )
        running = [
            subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        told = [process.communicate(timeout=60)[0].strip() for process in running]
        assert told == [str(tiny.cache / "models" / "tiny.onnx")] * 2
        assert [process.returncode for process in running] == [0, 0]
        assert log.read_text() == "asked\n"

    def test_killed_process_lets_go_of_the_lock(
        self, tiny: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tiny.npm_entry()
        code = (
            "import pathlib, time\n"
            "from steadypose.engines.zoo.cache import work_folder\n"
            f"with work_folder(pathlib.Path({str(tiny.cache)!r}), print) as work:\n"
            "    (work / 'half').write_bytes(b'half')\n"
            "    print('holding', flush=True)\n"
            "    time.sleep(60)\n"
        )
        lines: list[str] = []
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
            try:
                assert holder.stdout is not None
                assert holder.stdout.readline() == b"holding\n"
                with monkeypatch.context() as patch:
                    patch.setattr(cache.time, "sleep", _interrupt)
                    with pytest.raises(KeyboardInterrupt):
                        zoo.fetch(["tiny"], cache_dir=tiny.cache, progress=lines.append)
            finally:
                holder.kill()
        assert lines == [f"waiting for another steadypose that is filling the cache {tiny.cache}"]
        zoo.fetch(["tiny"], cache_dir=tiny.cache)
        assert tiny.files() == ["models/tiny.onnx", "models/tiny.onnx.json"]


def _interrupt(_seconds: float) -> None:
    raise KeyboardInterrupt
