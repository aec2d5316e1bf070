"""A log of figures as CSV: one line per look, readable while the run goes on."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from steadypose.errors import OutputError


class CsvLog:
    """Appends rows that begin with ``step`` to a CSV file.

    Args:
        path: The file; made with the first row.
        keep_to_step: Rows of a former run after this step are dropped (they will be made again);
            None drops the whole former file.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, path: Path, keep_to_step: int | None = None) -> None:
        self.path = path
        self._columns: list[str] = []
        try:
            self._trim(keep_to_step)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error

    def _trim(self, keep_to_step: int | None) -> None:
        if not self.path.exists():
            return
        if keep_to_step is None:
            self.path.unlink()
            return
        with self.path.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        self._columns = header
        kept = [row for row in rows if len(row) == len(header) and int(row[0]) <= keep_to_step]
        part = self.path.with_name(self.path.name + ".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *kept] if header else [])
        part.replace(self.path)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Append a row. The first row names the columns; later ones must have the same.

        Raises:
            OutputError: It could not be written.
        """
        columns = ["step", *values]
        try:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                if not self._columns:
                    writer.writerow(columns)
                    self._columns = columns
                writer.writerow([step, *(f"{values[name]:.6g}" for name in self._columns[1:])])
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror}") from error
