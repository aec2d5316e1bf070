"""The summary of a run as a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steadypose.stream.sinks.part_file import PartFile


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a mapping of plain values as indented JSON, keys in the order given.

    Raises:
        OutputError: The file cannot be written.
        ValueError: A number is not finite.
        TypeError: A value is not plain.
    """
    text = json.dumps(dict(summary), indent=2, allow_nan=False, ensure_ascii=False)
    file = PartFile(path)
    try:
        file.write(text + "\n")
        file.commit()
    finally:
        file.discard()
