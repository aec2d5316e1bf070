"""The files of a run: state and log."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from steadypose.engines.refiner.training.log import CsvLog
from steadypose.errors import InputError, OutputError

torch = pytest.importorskip("torch")


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    from steadypose.engines.refiner.training import checkpoint

    path = tmp_path / "state.pt"
    checkpoint.save(path, {"step": 3, "model": {"w": torch.arange(4.0)}})
    found = checkpoint.load(path)
    assert found["step"] == 3
    assert torch.equal(found["model"]["w"], torch.arange(4.0))
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]


def test_a_failed_save_leaves_the_former_state(tmp_path: Path) -> None:
    from steadypose.engines.refiner.training import checkpoint

    path = tmp_path / "state.pt"
    checkpoint.save(path, {"step": 1})
    (tmp_path / "state.pt.part").mkdir()  # nothing can be written under that name
    with pytest.raises(OutputError, match=r"state\.pt: cannot be written"):
        checkpoint.save(path, {"step": 2})
    assert checkpoint.load(path)["step"] == 1


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("code of a state must not run",)


@pytest.mark.parametrize(
    "content",
    [b"", b"no state", pickle.dumps({"step": 1}), pickle.dumps(Trap())],
    ids=["empty", "text", "pickle", "code"],
)
def test_what_is_no_state_is_told_and_not_run(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    from steadypose.engines.refiner.training import checkpoint

    path = tmp_path / "state.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a state of a training run"):
        checkpoint.load(path)
    assert capsys.readouterr().out == ""


def test_code_inside_a_torch_file_is_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from steadypose.engines.refiner.training import checkpoint

    path = tmp_path / "state.pt"
    torch.save({"step": Trap()}, path)
    with pytest.raises(InputError, match="not a state of a training run"):
        checkpoint.load(path)
    assert capsys.readouterr().out == ""


def test_no_state_at_all(tmp_path: Path) -> None:
    from steadypose.engines.refiner.training import checkpoint

    with pytest.raises(InputError, match="no such file"):
        checkpoint.load(tmp_path / "state.pt")


def test_a_log_goes_on_after_the_step_it_was_cut_at(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    log = CsvLog(path)
    for step in (1, 2, 3):
        log.add(step, {"a": step / 2, "b": float("nan")})
    CsvLog(path, keep_to_step=2).add(3, {"b": 1.0, "a": 9.0})
    assert path.read_text().split() == ["step,a,b", "1,0.5,nan", "2,1,nan", "3,9,1"]


def test_a_new_run_starts_a_new_log(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    CsvLog(path).add(1, {"a": 1})
    CsvLog(path).add(1, {"c": 2})
    assert path.read_text().split() == ["step,c", "1,2"]


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        CsvLog(tmp_path / "absent" / "log.csv").add(1, {"a": 1})
