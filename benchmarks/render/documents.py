"""Marked parts of Markdown documents, written anew from records.

``<!-- table: NAME -->`` ... ``<!-- end -->``: what stands between is replaced, on lines of its own
where a line ends behind the mark, else within the sentence. Names are in small letters, so that a
document can speak of the marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from steadypose.benchmarks.render.shapes import Shape, rendered
from steadypose.errors import InputError

_MARKED = re.compile(
    r"(<!-- table: (?P<name>[a-z0-9-]+) -->)(?P<inside>.*?)(<!-- end -->)", re.DOTALL
)
_BEGIN = re.compile(r"<!-- table: [a-z0-9]")


def renew(text: str, shapes: dict[str, Shape], folder: Path) -> str:
    """The text of a document with all its marked parts written anew.

    Args:
        text: Of the document.
        shapes: What the names stand for.
        folder: Where the records are.

    Raises:
        InputError: A name is unknown, a mark has no end, or what it asks for is not there.
    """

    def part(match: re.Match[str]) -> str:
        begin, name, inside, end = match[1], match["name"], match["inside"], match[4]
        if _BEGIN.search(inside):
            raise InputError(f"the mark of '{name}' has no end")
        if name not in shapes:
            raise InputError(f"no table is called '{name}'")
        new = rendered(name, shapes[name], folder)
        return f"{begin}\n{new}\n{end}" if inside.startswith("\n") else f"{begin}{new}{end}"

    found = _MARKED.sub(part, text)
    if len(_BEGIN.findall(text)) != len(_MARKED.findall(text)):
        raise InputError("a mark has no end")
    return found


def unmarked(text: str) -> str:
    """A document without its marked parts and its code."""
    return re.sub(r"```.*?```", "", _MARKED.sub("", text), flags=re.DOTALL)


def sections(text: str, keep: Callable[[str], bool]) -> list[str]:
    """The headings of sections (``##``) of which ``keep`` says so, told their text."""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return [part.partition("\n")[0] for part in parts if keep(part)]
