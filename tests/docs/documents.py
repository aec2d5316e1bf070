"""What the documents hold: blocks of code, inline code, links and anchors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
_COMMENT = re.compile(r"<!--\s*(\S.*?)\s*-->", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of code.

    Attributes:
        document: The file, below the root of the repository.
        line: Its first line there.
        language: What the fence says; ``sh`` for a block that is only indented.
        text: The code.
        note: The HTML comment right before it, or "".
    """

    document: str
    line: int
    language: str
    text: str
    note: str

    @property
    def excuse(self) -> str:
        """Why it is not run: what its note says after ``not run:``; "" where it is run."""
        kind, _, reason = self.note.partition(":")
        return reason.strip() if kind == "not run" else ""

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def documents() -> list[str]:
    """Every document that people read, below the root of the repository."""
    named = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "engines").rglob("README.md")]
    return named + sorted(page.relative_to(ROOT).as_posix() for page in pages)


@cache
def tokens(document: str) -> list[Token]:
    """The document, parsed."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return MarkdownIt("commonmark").enable("table").parse(text)


@cache
def blocks(document: str) -> list[Block]:
    """Its blocks of code, in order."""
    found, note = [], ""
    for token in tokens(document):
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            language = "sh" if token.type == "code_block" else token.info.strip()
            line = token.map[0] + 1
            found.append(
                Block(
                    document=document, line=line, language=language, text=token.content, note=note
                )
            )
        comment = _COMMENT.search(token.content) if token.type == "html_block" else None
        note = comment[1] if comment else ""
    return found


def all_blocks(*languages: str) -> list[Block]:
    """The blocks of every document that are in one of the languages."""
    return [b for document in documents() for b in blocks(document) if b.language in languages]


def inline_code(document: str) -> list[str]:
    """What stands between backquotes."""
    inner = (child for token in tokens(document) for child in token.children or ())
    return [child.content for child in inner if child.type == "code_inline"]


def links(document: str) -> list[str]:
    """Where its links lead and which pictures it shows."""
    found = []
    for token in tokens(document):
        for child in token.children or ():
            if child.type in ("link_open", "image"):
                found.append(str(child.attrs.get("href") or child.attrs.get("src")))
    return found


def anchors(document: str) -> set[str]:
    """The anchors of its headings, made as the site and the usual hosts make them."""
    found: set[str] = set()
    parsed = tokens(document)
    for heading, inline in pairwise(parsed):
        if heading.type == "heading_open":
            parts = (c.content for c in inline.children or () if c.type in ("text", "code_inline"))
            words = re.sub(r"[^\w\s-]", "", "".join(parts)).strip().lower()
            found.add(re.sub(r"\s", "-", words))
    return found
