from __future__ import annotations

import socket
from pathlib import Path

import pytest

from steadypose.errors import ConfigError
from steadypose.stream.serve.access import (
    Access,
    check_host,
    find_token,
    is_loopback,
)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("192.168.1.5", False),
        ("camera-box", False),
        ("localhost.example.org", False),
    ],
)
def test_only_this_machine_may_do_without_a_token(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
    check_host(host, "a token")
    if expected:
        check_host(host, None)
    else:
        with pytest.raises(ConfigError, match="lets other machines in: set a token"):
            check_host(host, None)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("localhost", True),
        ("LOCALHOST:80", True),
        ("10.1.2.3:8080", True),
        (f"{socket.gethostname()}:8080", True),
        ("cams.example.org", True),
        ("evil.example.org:8080", False),
        ("localhost.evil.org", False),
        ("127.0.0.1.evil.org", False),
        ("user@127.0.0.1", False),
        ("127.0.0.1:8080:8080", False),
        ("", False),
        (None, False),
    ],
)
def test_only_our_own_names_and_addresses_are_answered(host: str | None, expected: bool) -> None:
    assert Access(None, ["Cams.Example.org"]).names_us(host) is expected


@pytest.mark.parametrize(
    ("origin", "site", "expected"),
    [
        ("http://127.0.0.1:8080", None, True),
        ("https://127.0.0.1:8080", "same-origin", True),
        (None, None, True),
        (None, "none", True),
        ("http://127.0.0.1:8081", None, False),
        ("http://evil.org", None, False),
        ("http://evil.org", "cross-site", False),
        ("http://127.0.0.1:8080", "same-site", False),
        ("null", None, False),
        ("file://127.0.0.1:8080", None, False),
        ("http://[", None, False),
    ],
)
def test_only_our_own_page_may_change_things(
    origin: str | None, site: str | None, expected: bool
) -> None:
    assert Access(None).is_own_page(origin, "127.0.0.1:8080", site) is expected


def test_the_token_and_the_cookie_made_from_it() -> None:
    access, same, other = Access("s3cret"), Access("s3cret"), Access("another")
    assert access.has_token("s3cret")
    assert not any(access.has_token(t) for t in ("", "s3cre", "s3cret ", "S3CRET", "\udcff", None))
    assert access.has_session(same.session)
    assert not access.has_session(other.session)
    assert not access.has_session("s3cret")
    assert "s3cret" not in access.session
    open_to_all = Access(None)
    assert open_to_all.open
    assert not open_to_all.has_token("")
    assert not open_to_all.has_session(open_to_all.session)


def test_the_token_comes_from_option_file_or_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    monkeypatch.delenv("STEADYPOSE_TOKEN", raising=False)
    assert find_token(None, None) is None
    assert find_token(None, file) == "from-file"
    monkeypatch.setenv("STEADYPOSE_TOKEN", "from-environment")
    assert find_token(None, None) == "from-environment"
    assert find_token(None, file) == "from-file"
    assert find_token("given", file) == "given"


@pytest.mark.parametrize("token", ["", "two words", "t\u00f6ken", "line\nbreak"])
def test_what_no_header_can_carry_is_no_token(token: str) -> None:
    with pytest.raises(ConfigError, match="--token: expected a token"):
        find_token(token, None)


def test_a_token_file_that_is_missing_empty_or_huge(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none: cannot be read"):
        find_token(None, tmp_path / "none")
    file = tmp_path / "token"
    for text, message in (("", "expected a token"), ("x" * 5000, "larger than a token")):
        file.write_text(text)
        with pytest.raises(ConfigError, match=message):
            find_token(None, file)
