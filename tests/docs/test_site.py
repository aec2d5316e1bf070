"""The documentation builds without a warning, offline, and loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.docs.documents import ROOT

PAGES = sorted(page.relative_to(ROOT / "docs").as_posix() for page in ROOT.glob("docs/**/*.md"))
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video)\b[^>]*\bsrc=["']?(https?:[^"'\s>]+)|"""
    r"""<link\b(?![^>]*\brel=["']?(?:canonical|next|prev))[^>]*\bhref=["']?(https?:[^"'\s>]+)|"""
    r"""@import[^;]*(https?:[^;)]+)|url\(["']?(https?:[^)]+)\)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site; with proxies that lead nowhere, so that a look-up would fail."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    environment = {**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_every_page_is_in_the_site_and_in_its_menu(site: Path) -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    sections = yaml.safe_load(text)["nav"]
    listed = [page for section in sections for pages in section.values() for page in pages]
    assert sorted(listed) == PAGES
    for page in PAGES:
        assert (site / page).with_suffix(".html").is_file()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    files = [p for p in site.rglob("*") if p.suffix in (".html", ".css")]
    assert len(files) > len(PAGES)
    found = {
        (path.name, next(filter(None, match)))
        for path in files
        for match in _LOADED.findall(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_links_out_of_the_folder_lead_to_files_of_the_site(site: Path) -> None:
    outside = 0
    for page in PAGES:
        html = (site / page).with_suffix(".html")
        for target in re.findall(r'<a[^>]*\bhref="([^"#:]+)["#]', html.read_text(encoding="utf-8")):
            assert (html.parent / target).exists(), f"{page}: {target}"
            outside += "files/" in target
    assert outside > 5


def test_the_names_of_the_package_are_documented(site: Path) -> None:
    text = (site / "api.html").read_text(encoding="utf-8")
    for name in ("Pipeline", "PoseTracker", "Poses", "load_config", "load_refiner", "ModelError"):
        assert re.search(rf'id="steadypose[\w.]*\.{name}"', text), name
