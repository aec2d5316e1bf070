"""Tables and sentences from records, as ``tables.yaml`` describes them by name.

Every entry names the ``files`` of records beside it and, with ``where``, which of their lines are
meant. Of several that fit, the last counts. An entry is one of these:

* nothing further: all that is known of the records, as ``steadypose bench render`` prints it;
* ``text``: a sentence;
* ``head`` and ``lines``: a table whose every row is written out, a template for each cell; a row
  may narrow down the records by ``where``;
* ``rows`` and ``columns``: a row for every text that the template ``rows`` gives, in the order of
  the records or of ``order``, which may also give another name; each column has a ``head``, a
  template to ``show``, and may narrow down the records by ``where``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from steadypose.benchmarks import tables
from steadypose.benchmarks.render.choosing import Names, fitting, put, read_names
from steadypose.benchmarks.writing import table
from steadypose.errors import InputError

Shape = Mapping[str, Any]


def read_shapes(path: Path, kind: str) -> dict[str, Shape]:
    """The entries under ``tables`` or ``plots``. Raises InputError."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: no YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get(kind, {}), dict):
        raise InputError(f"{path}: expected '{kind}' with an entry for each name")
    return dict(content.get(kind, {}))


def chosen(shape: Shape, folder: Path, name: str) -> list[Names]:
    """The records of an entry. Raises InputError where there are none."""
    lines = fitting(read_names(folder, shape["files"]), shape.get("where", {}))
    if not lines:
        raise InputError(f"{name}: no record in {', '.join(shape['files'])} fits")
    return lines


def rendered(name: str, shape: Shape, folder: Path) -> str:
    """An entry as Markdown.

    Args:
        name: Of the entry, for complaints.
        shape: The entry.
        folder: Where the records are.

    Raises:
        InputError: It asks for records or figures that there are not.
    """
    try:
        lines = chosen(shape, folder, name)
        if "text" in shape:
            return put(shape["text"], lines[-1]).strip()
        if "lines" in shape:
            return "\n".join(_written(shape, lines))
        if "rows" in shape:
            return "\n".join(_grouped(shape, lines))
        return tables.markdown(lines).rstrip()
    except InputError as error:
        raise InputError(f"table '{name}': {error}") from error
    except KeyError as error:
        raise InputError(f"table '{name}': {error} is missing") from error


def _written(shape: Shape, lines: list[Names]) -> list[str]:
    rows = []
    for row in shape["lines"]:
        cells, where = (row["cells"], row["where"]) if isinstance(row, dict) else (row, {})
        fit = fitting(lines, where)
        if not fit:
            raise InputError(f"no record fits the row {where}")
        rows.append([put(cell, fit[-1]) for cell in cells])
    return table(shape["head"], rows)


def _grouped(shape: Shape, lines: list[Names]) -> list[str]:
    groups: dict[str, list[Names]] = {}
    for line in lines:
        groups.setdefault(put(shape["rows"], line), []).append(line)
    order = shape.get("order", list(groups))
    named = order if isinstance(order, dict) else {name: name for name in order}
    rows = []
    for key, name in named.items():
        if key not in groups:
            raise InputError(f"no record gives the row '{key}'")
        rows.append([str(name), *(_cell(column, groups[key]) for column in shape["columns"])])
    return table([shape.get("corner", ""), *(column["head"] for column in shape["columns"])], rows)


def _cell(column: Mapping[str, Any], group: list[Names]) -> str:
    fit = fitting(group, column.get("where", {}))
    return put(column["show"], fit[-1]) if fit else ""
