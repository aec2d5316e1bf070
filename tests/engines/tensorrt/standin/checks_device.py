"""The driver's probe on the stand-in; each ends with what it printed."""

from __future__ import annotations

from steadypose.engines.tensorrt import device
from steadypose.errors import SteadyposeError
from tests.engines.tensorrt.standin import fake_tensorrt as fake


def probe() -> None:
    """Prints what there is, or why there is nothing; asked twice, answered the same."""
    answers = []
    for _ in range(2):
        try:
            found = device.find_driver()
            answers.append(f"CUDA {found.cuda}: " + "; ".join(map(str, found.gpus)))
        except SteadyposeError as error:
            answers.append(str(error))
    assert answers[0] == answers[1]
    print(answers[0])
    fake.load_stand_in()
    assert fake.cuda.standin_count(b"retained") == 0  # no context was made
