"""A machine without OpenCV's system libraries is told what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from steadypose.opencv_check import explain_opencv_import

LIBGL = "libGL.so.1: cannot open shared object file: No such file or directory"
APT = "apt-get install -y libgl1 libglib2.0-0"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImportError(LIBGL), ("libGL.so.1", APT, "opencv-python-headless")),
        (ImportError(LIBGL.replace("libGL.so.1", "libgthread-2.0.so.0")), ("libgthread-2.0", APT)),
        (ModuleNotFoundError("No module named 'cv2'", name="cv2"), ("pip install opencv-python",)),
        (ImportError("numpy.core.multiarray\nfailed to import"), ("numpy.core", "reinstall")),
    ],
    ids=["libGL", "libgthread", "not-installed", "other"],
)
def test_one_line_names_the_remedy(error: ImportError, said: tuple[str, ...]) -> None:
    line = explain_opencv_import(error)
    assert "\n" not in line
    for part in said:
        assert part in line


def without_libgl(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with a ``cv2`` in front of the real one that fails as on a bare server."""
    (folder / "cv2.py").write_text(f"raise ImportError({LIBGL!r})\n")
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); sys.argv[1:] = {list(command)!r}\n"
    module = "steadypose.stream.cli.main" if command else "steadypose.opencv_check"
    code += f"import runpy; runpy.run_module({module!r}, run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "command",
    [(), ("track", "nothing.mp4"), ("doctor",)],
    ids=["check", "track", "doctor"],
)
def test_a_bare_server_gets_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = without_libgl(tmp_path, *command)
    assert APT in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if command[:1] != ("doctor",):
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1


def test_the_check_is_silent_where_opencv_works() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "steadypose.opencv_check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
