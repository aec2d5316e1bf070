"""Prints records as tables, and writes the marked parts of documents and the plots anew."""

from __future__ import annotations

import argparse
from pathlib import Path

from steadypose.benchmarks import records, tables
from steadypose.benchmarks.render.documents import renew
from steadypose.benchmarks.render.plots import write_plot
from steadypose.benchmarks.render.shapes import read_shapes
from steadypose.benchmarks.writing import write_whole
from steadypose.errors import InputError


def run(options: argparse.Namespace) -> int:
    """Render every file; 1 where ``--check`` finds a document that differs.

    Raises:
        InputError: A file is neither records nor a document, or asks for what there is not.
    """
    if not options.files and not options.plots:
        raise InputError("nothing to render: name records (.jsonl), documents (.md) or --plots DIR")
    different = [path for path in options.files if not _render(path, options)]
    for path in different:
        print(f"{path}: differs from the records; run: steadypose bench render {path}")
    if options.plots:
        if not options.plots.is_dir():
            raise InputError(f"--plots: no such folder: {options.plots}")
        for name, shape in read_shapes(options.tables, "plots").items():
            print(write_plot(name, shape, options.tables.parent, options.plots))
    return int(bool(different))


def _render(path: Path, options: argparse.Namespace) -> bool:
    """Whether the file is, or now is, what the records say."""
    if path.suffix == ".jsonl":
        print(tables.markdown(records.read(path)), end="")
        return True
    if path.suffix != ".md":
        raise InputError(f"{path}: expected records (.jsonl) or a document (.md)")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        new = renew(text, read_shapes(options.tables, "tables"), options.tables.parent)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if new == text:
        return True
    if options.check:
        return False
    write_whole(path, new)
    print(f"{path}: written anew")
    return True
