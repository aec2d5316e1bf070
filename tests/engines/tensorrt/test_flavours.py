"""Which TensorRT is taken, and what is known of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from steadypose.engines.runtimes import signs
from steadypose.engines.tensorrt import flavours
from steadypose.engines.tensorrt.flavours import Flavour, find_flavour, installed_flavour
from steadypose.errors import ConfigError, EngineError
from tests.engines.tensorrt.fake_tensorrt import FakeTensorRt, record
from tests.engines.tensorrt.networks import rtx

BROKEN = "raise OSError('libnvinfer.so.10: cannot open shared object file\\nsecond line')"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that modules are imported from before all others, with none imported yet."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv(flavours.ENVIRONMENT, raising=False)
    for name in signs.MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("key", "strong", "weak", "explicit_batch"),
    [
        ("tensorrt 8.6.0", False, True, True),
        ("tensorrt 8.6.1", False, True, True),
        ("tensorrt 10.0.1", True, True, False),
        ("tensorrt 10.16.1.11", True, True, False),
        ("tensorrt 11.0.0.114", True, False, False),
        ("tensorrt 11.4.0.106", True, False, False),
        ("tensorrt_rtx 1.7.1.116", True, False, False),
    ],
)
def test_what_versions_can_do(key: str, strong: bool, weak: bool, explicit_batch: bool) -> None:
    flavour = Flavour.of(FakeTensorRt(key))
    assert (flavour.strong, flavour.weak, flavour.explicit_batch) == (strong, weak, explicit_batch)
    assert str(flavour) == key
    assert flavour.rtx == key.startswith("tensorrt_rtx")
    assert flavour.major == int(key.split()[1].split(".")[0])


def test_every_recorded_version_is_tested() -> None:
    (parameters,) = (m for m in test_what_versions_can_do.pytestmark if m.name == "parametrize")
    assert {row[0] for row in parameters.args[1]} == set(record())


def test_rtx_names_its_targets() -> None:
    flavour = Flavour.of(FakeTensorRt("tensorrt_rtx 1.7.1.116"))
    assert flavour.targets == ("SM75", "SM80", "SM86", "SM89", "SM120", "SM121")
    assert flavour.runs_on((8, 9))
    assert flavour.runs_on((12, 0))
    assert not flavour.runs_on((9, 0))
    assert Flavour.of(FakeTensorRt("tensorrt 10.0.1")).runs_on((9, 0))


def test_no_tensorrt(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signs, "find_spec", lambda _name: None)
    assert installed_flavour() is None
    with pytest.raises(EngineError, match=r"TensorRT is not installed: pip install 'steadypose"):
        find_flavour()
    with pytest.raises(EngineError, match=r"^tensorrt_rtx is not installed"):
        find_flavour("tensorrt_rtx")


def test_one_that_cannot_be_imported(modules: Path) -> None:
    (modules / "tensorrt.py").write_text(BROKEN)
    with pytest.raises(EngineError, match=r"libnvinfer\.so\.10: cannot open.* second") as error:
        find_flavour("tensorrt")
    assert "\n" not in str(error.value)
    assert installed_flavour() == ("tensorrt", "unknown")


def test_a_broken_one_does_not_hide_the_other(modules: Path) -> None:
    rtx()
    (modules / "tensorrt.py").write_text(BROKEN)
    assert find_flavour().name == "tensorrt_rtx"


def test_the_environment_chooses(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = "import enum\n__version__ = '10.1.2'\n"
    fake += "class NetworkDefinitionCreationFlag(enum.IntEnum):\n    STRONGLY_TYPED = 1\n"
    fake += "class BuilderFlag(enum.IntEnum):\n    FP16 = 0\n"
    (modules / "tensorrt.py").write_text(fake)
    (modules / "tensorrt_rtx.py").write_text(fake.replace("10.1.2", "1.0"))
    assert str(find_flavour()) == "tensorrt 10.1.2"
    monkeypatch.setenv(flavours.ENVIRONMENT, "tensorrt_rtx")
    assert str(find_flavour()) == "tensorrt_rtx 1.0"
    assert str(find_flavour("tensorrt")) == "tensorrt 10.1.2"
    found = installed_flavour()
    assert found is not None
    assert found[0] == "tensorrt_rtx"


def test_only_known_modules_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(flavours.ENVIRONMENT, "antigravity")
    with pytest.raises(ConfigError, match=r"^STEADYPOSE_TENSORRT: .*'antigravity': choose one of"):
        find_flavour()


def test_the_real_one() -> None:
    flavour = rtx()
    assert flavour.strong
    assert not flavour.weak
    assert not flavour.explicit_batch
    assert "SM89" in flavour.targets
    assert flavour.logger is flavour.logger  # TensorRT ignores all but the first


def test_importing_needs_no_tensorrt() -> None:
    code = (
        "import sys; import steadypose.engines.tensorrt as t; t.installed_flavour(); "
        "heavy = 'tensorrt tensorrt_rtx pycuda torch onnx onnxruntime cv2'.split(); "
        "print([name for name in heavy if name in sys.modules], t.build_engine.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=600
    )
    assert done.stdout.strip() == "[] build_engine"
