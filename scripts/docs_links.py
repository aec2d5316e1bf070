"""Hook of the documentation site: links that leave docs/ lead to the file in the site.

Pages link to files of the repository by relative paths, which work where the repository is read.
The site has no repository around it, so it brings these files along, under ``files/``.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
_OUTSIDE = re.compile(r"\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the files that the pages link to outside their folder, as plain text where they are."""
    wanted = {
        target
        for file in files.documentation_pages()
        for target, _ in _OUTSIDE.findall(Path(str(file.abs_src_path)).read_text(encoding="utf-8"))
    }
    for target in sorted(wanted):
        path = (Path(config.docs_dir) / target).resolve()
        if path.is_file() and path.is_relative_to(ROOT):
            name = _name(path.relative_to(ROOT).as_posix())
            files.append(File.generated(config, name, content=path.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let those links lead to the files that ``on_files`` added."""

    def inside(match: re.Match[str]) -> str:
        folder = posixpath.dirname(page.file.src_uri)
        target = posixpath.normpath(posixpath.join("docs", folder, match[1]))
        if not (ROOT / target).is_file():
            return match[0]
        return f"]({posixpath.relpath(_name(target), folder or '.')})"

    return _OUTSIDE.sub(inside, markdown)


def _name(target: str) -> str:
    """Where a file lies in the site; Markdown is shown as it is written."""
    return f"files/{target}" + (".txt" if target.endswith((".md", ".jsonl", ".service")) else "")
