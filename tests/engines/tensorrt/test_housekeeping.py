from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from steadypose.engines import zoo
from steadypose.engines.tensorrt import housekeeping
from steadypose.engines.tensorrt.cache import EngineCache, record_of
from steadypose.engines.tensorrt.housekeeping import CachedEngine, clean_engines, list_engines
from steadypose.engines.tensorrt.manifest import PORTABLE, EngineKey
from steadypose.engines.tensorrt.owned import NotOwnedError
from steadypose.errors import EngineError
from tests.engines.tensorrt.kept import PLAN, PROFILE, built, key, verified


class Kept:
    """A cache with engines of a network's file, on a machine with TensorRT 10.3.0."""

    def __init__(self, folder: Path) -> None:
        self.cache = EngineCache(folder / "engines")
        self.source = folder / "net.onnx"
        self.source.write_bytes(b"a network")
        self.sha256 = zoo.file_sha256(self.source)

    def add(self, name: str = "net", **changes: str) -> Path:
        of: EngineKey = key(**{"onnx_sha256": self.sha256, **changes})
        made = self.cache.get_or_build(of, name, lambda: built(of), source=self.source, exact=True)
        return made[0]

    def only(self, capability: str | None = "sm_90") -> CachedEngine:
        (engine,) = list_engines(self.cache, capability)
        return engine


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    def find_flavour(name: str) -> SimpleNamespace:
        if name == "tensorrt":
            return SimpleNamespace(version="10.3.0")
        raise EngineError(f"{name} is not installed")

    monkeypatch.setattr(housekeeping, "find_flavour", find_flavour)
    return Kept(tmp_path)


def test_a_cache_that_is_not_there_holds_nothing(kept: Kept) -> None:
    assert list_engines(kept.cache) == []
    assert clean_engines(kept.cache, everything=True) == []
    assert not kept.cache.folder.exists()


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"capability": PORTABLE},
        {"version": "10.1.0", "profile": PROFILE + " vc"},
        {"precision": "fp32"},
        {"profile": PROFILE.replace("n1-4-8", "n1-1-1")},
    ],
)
def test_a_fresh_engine_stays(kept: Kept, change: dict[str, str]) -> None:
    path = kept.add(**change)
    engine = kept.only()
    assert (engine.path, engine.problem, engine.stale) == (path, "", False)
    assert engine.manifest == kept.cache.manifest(path)
    assert engine.size_bytes == len(PLAN) + record_of(path).stat().st_size
    assert clean_engines(kept.cache, "sm_90") == []
    assert kept.cache.load(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"onnx_sha256": "c" * 64}, "built from another ONNX file than the one there now"),
        ({"version": "10.2.0"}, "built with tensorrt 10.2.0, here is 10.3.0"),
        ({"capability": "sm_80"}, "built for sm_80, the GPU here is sm_90"),
        ({"steadypose": "0.0.1"}, "built by steadypose 0.0.1, this is"),
    ],
)
def test_a_stale_engine_is_named_and_removed(
    kept: Kept, change: dict[str, str], words: str
) -> None:
    path = kept.add(**change)
    engine = kept.only()
    assert words in engine.problem
    assert engine.stale
    (removed,) = clean_engines(kept.cache, "sm_90")
    assert (removed.name, removed.reason) == ("net", engine.problem)
    assert removed.size_bytes == engine.size_bytes
    assert not path.exists()
    assert not record_of(path).exists()


def test_without_a_gpu_nothing_is_said_of_capabilities(kept: Kept) -> None:
    kept.add(capability="sm_80")
    assert kept.only(None).problem == ""


def test_what_another_environment_may_use_is_not_removed(kept: Kept) -> None:
    kept.add(flavour="tensorrt_rtx", capability=PORTABLE)
    engine = kept.only()
    assert (engine.problem, engine.stale) == ("tensorrt_rtx is not installed here", False)
    path = kept.add("other")
    kept.cache.record_verified(path, verified(ok=False))
    disagreeing = list_engines(kept.cache, "sm_90")[1]
    assert (disagreeing.problem, disagreeing.stale) == ("does not agree with its network", False)
    assert clean_engines(kept.cache, "sm_90") == []


def test_an_engine_whose_network_is_gone_goes(kept: Kept) -> None:
    kept.add()
    kept.source.unlink()
    assert kept.only().problem == f"its network is gone ({kept.source})"
    assert len(clean_engines(kept.cache)) == 1


def test_what_is_left_of_engines_goes(kept: Kept) -> None:
    whole, damaged, orphan, record = (
        kept.add("net", profile=PROFILE.replace("n1-4-8", f"n1-4-{n}")) for n in (8, 9, 10, 11)
    )
    damaged.write_bytes(b"x")
    record_of(orphan).unlink()
    record.unlink()
    kernels = [path.with_suffix(".kernels") for path in (whole, damaged)]
    parts = [".engine.part", ".json.part", ".kernels.12.part", ".timings.part"]
    parts.append(".cubin.7.part")
    for path in [*kernels, *(kept.cache.folder / ("tensorrt-1-sm_90" + part) for part in parts)]:
        path.write_bytes(b"12345")
    foreign = kept.cache.folder / "notes.txt"
    foreign.write_text("mine")
    told = {e.path: e.problem for e in list_engines(kept.cache)}
    assert told[whole] == ""
    assert "1 bytes, expected" in told[damaged]
    assert told[orphan].endswith(".json: missing)")
    assert told[record].endswith(".engine: missing)")
    removed = clean_engines(kept.cache)
    assert len(removed) == 8
    assert [r.size_bytes for r in removed if r.reason == "never finished"] == [5] * 5
    left = {p for p in kept.cache.folder.iterdir() if p.is_file()}
    assert left == {whole, record_of(whole), kernels[0], foreign}
    assert clean_engines(kept.cache) == []


def test_everything_goes_but_what_is_not_ours(kept: Kept) -> None:
    paths = [kept.add(), kept.add("other", precision="fp32")]
    paths[0].with_suffix(".kernels").write_bytes(b"12345")
    timings = kept.cache.folder / "tensorrt-10.3.0-sm_90.timings"
    timings.write_bytes(b"1234567")
    code = kept.cache.folder / "crops-sm_90-0123456789abcdef.cubin"
    code.write_bytes(b"12")
    foreign = kept.cache.folder / "notes.txt"
    foreign.write_text("mine")
    removed = clean_engines(kept.cache, everything=True)
    assert {r.name for r in removed} == {"net", "other", timings.name, code.name}
    assert {r.reason for r in removed} == {"not wanted any more"}
    assert [p for p in kept.cache.folder.iterdir() if p.is_file()] == [foreign]


def test_what_is_being_built_is_left(kept: Kept) -> None:
    path = kept.add()
    part = path.with_name(path.name + ".part")
    part.write_bytes(b"12345")
    with kept.cache.locked(path.stem, "net"):
        removed = clean_engines(kept.cache, everything=True)
    assert [r.size_bytes for r in removed] == [0, 0]
    assert all("being built" in r.reason for r in removed)
    assert path.exists()
    assert part.exists()


def test_what_was_built_anew_meanwhile_stays(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept.add()
    whole = path.read_bytes()
    path.write_bytes(b"damaged")
    listed = list_engines(kept.cache)
    path.write_bytes(whole)
    monkeypatch.setattr(housekeeping, "list_engines", lambda *_: listed)
    (removed,) = clean_engines(kept.cache)
    assert (removed.reason, removed.size_bytes) == ("left, as it was built anew", 0)
    assert kept.cache.load(path)


def test_a_file_that_others_may_write_to_is_told_of(kept: Kept) -> None:
    path = kept.add()
    path.chmod(0o660)
    engine = kept.only()
    assert "others may write to it" in engine.problem
    assert engine.stale
    kept.cache.folder.chmod(0o770)
    with pytest.raises(NotOwnedError):
        list_engines(kept.cache)
