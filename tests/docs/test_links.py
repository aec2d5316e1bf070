"""Links within the repository lead to files and headings that are there."""

from __future__ import annotations

import subprocess

import pytest

from tests.docs.documents import ROOT, anchors, documents, links, tokens


@pytest.mark.parametrize("document", documents())
def test_links_lead_somewhere(document: str) -> None:
    folder = (ROOT / document).parent
    for link in links(document):
        if link.startswith(("http://", "https://")):
            continue  # nothing outside is asked
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve() if path else ROOT / document
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.relative_to(ROOT).as_posix()), link


@pytest.mark.parametrize("document", documents())
def test_a_document_has_one_title_and_no_heading_twice(document: str) -> None:
    parsed = tokens(document)
    headings = [token.tag for token in parsed if token.type == "heading_open"]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1
    assert len(anchors(document)) == len(headings)


def test_every_picture_is_shown_somewhere() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "docs/images"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    pictures = listed.stdout.split()
    shown = {
        (ROOT / document).parent.joinpath(link).resolve()
        for document in documents()
        for link in links(document)
        if "://" not in link
    }
    assert [name for name in pictures if ROOT / name not in shown] == []
