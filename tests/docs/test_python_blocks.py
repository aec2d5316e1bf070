"""The Python in the documents runs, a page from top to bottom as one program."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.docs.documents import all_blocks

BLOCKS = all_blocks("python")
MOST_S = 20.0
PAGES = sorted({block.document for block in BLOCKS})


@pytest.mark.parametrize("document", PAGES)
def test_a_page_runs(workplace: Path, document: str) -> None:
    space: dict[str, Any] = {}
    with _stopped_by_hand(space):
        for block in BLOCKS:
            if block.document == document and not block.excuse:
                code = "\n" * block.line + block.text  # so that an error tells the page's line
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(code, document, "exec"), space)  # noqa: S102  # our own document


@contextlib.contextmanager
def _stopped_by_hand(space: dict[str, Any]) -> Any:
    """Stop a group of cameras that a page starts, as its reader would."""
    over = threading.Event()

    def stop() -> None:
        began = time.monotonic()
        while not over.wait(0.02):
            group = space.get("group")
            late = time.monotonic() - began > MOST_S
            if group is not None and (late or group.cameras["door"].ages.count):
                group.stop()
                return

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_there_are_examples_of_every_part() -> None:
    assert {Path(page).stem for page in PAGES} >= {
        *("README", "own-poses", "posetrack", "refiner", "serve", "skeletons", "tracking"),
    }
