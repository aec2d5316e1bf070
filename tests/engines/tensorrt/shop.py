"""A cache of engines and somebody who builds for it."""

from __future__ import annotations

from pathlib import Path

from steadypose.engines.tensorrt.build import Built
from steadypose.engines.tensorrt.cache import EngineCache
from steadypose.engines.tensorrt.manifest import EngineKey, Manifest
from tests.engines.tensorrt.kept import PLAN, built, key


class Shop:
    """A cache, how often something was built for it, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.cache = EngineCache(folder)
        self.builds = 0
        self.lines: list[str] = []

    def get(self, wanted: EngineKey | None = None, **options: bool) -> tuple[Path, Manifest]:
        of = wanted or key()

        def build() -> Built:
            self.builds += 1
            return built(of, PLAN + bytes([self.builds]))

        return self.cache.get_or_build(of, "net", build, self.lines.append, **options)

    def files(self) -> set[str]:
        return {p.name for p in self.cache.folder.iterdir() if p.name != "locks"}


def one_line(error: BaseException) -> str:
    text = str(error)
    assert text
    assert "\n" not in text
    return text
