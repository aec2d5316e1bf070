"""Who may do what: the token, the names under which the server answers, the origin of a page."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from steadypose.errors import ConfigError

TOKEN_VARIABLE = "STEADYPOSE_TOKEN"  # noqa: S105 - the variable's name
SHORT_TOKEN = 16
"""A token of fewer characters can be guessed; the user is told."""
COOKIE = "steadypose"
_MAX_TOKEN_BYTES = 4096

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Server": "steadypose",
}
"""Sent with every response."""


def find_token(given: str | None, file: Path | None) -> str | None:
    """The token from the option, else the file, else the environment; None where there is none.

    Raises:
        ConfigError: The file cannot be read, or the token holds what no header can carry.
    """
    where, token = "--token", given
    if token is None and file is not None:
        where = str(file)
        try:
            if file.stat().st_size > _MAX_TOKEN_BYTES:
                raise ConfigError(f"{file}: larger than a token can be ({_MAX_TOKEN_BYTES} bytes)")
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: cannot be read: {error}") from error
    elif token is None and TOKEN_VARIABLE in os.environ:
        where, token = TOKEN_VARIABLE, os.environ[TOKEN_VARIABLE].strip()
    if token is not None and not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ConfigError(f"{where}: expected a token of letters, digits and signs without spaces")
    return token


def is_loopback(host: str) -> bool:
    """Whether an address to listen at can be reached from this machine only."""
    if host == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def check_host(host: str, token: str | None) -> None:
    """Refuse to let other machines in without a token.

    Raises:
        ConfigError: The host is not loopback and there is no token.
    """
    if token is None and not is_loopback(host):
        raise ConfigError(
            f"--host {host} lets other machines in: set a token with --token-file FILE, the "
            f"variable {TOKEN_VARIABLE}, or --token"
        )


class Access:
    """Judges requests by their headers.

    Args:
        token: What they must bring, or None where all may pass.
        names: Host names that are ours, next to ``localhost``, this machine's and all addresses.
    """

    def __init__(self, token: str | None, names: Iterable[str] = ()) -> None:
        self._token = token
        machine = socket.gethostname().lower()
        ours = {"localhost", machine, f"{machine.partition('.')[0]}.local"}
        self._names = ours | {name.lower() for name in names}
        key = (token or "").encode()
        # Kept by browsers in place of the token, and good for as long as the token is.
        self.session = hmac.new(key, b"steadypose session", hashlib.sha256).hexdigest()

    @property
    def open(self) -> bool:
        """Whether no token is asked for."""
        return self._token is None

    def names_us(self, host: str | None) -> bool:
        """Whether a Host header names this server.

        Against DNS rebinding: a page of another site can make its own name lead here, but it
        cannot make the browser send one of our names, or an address, in its place.
        """
        name = _host_name(host or "")
        return name is not None and (name in self._names or _address(name) is not None)

    def is_own_page(self, origin: str | None, host: str | None, fetch_site: str | None) -> bool:
        """Whether a request that changes or streams something comes from our page or no page.

        Browsers send ``Origin`` with every WebSocket and POST; other programs need not.
        """
        if fetch_site not in (None, "same-origin", "none"):
            return False
        if origin is None:
            return True
        try:
            page = urlsplit(origin)
        except ValueError:
            return False
        return page.scheme in ("http", "https") and page.netloc.lower() == (host or "").lower()

    def has_token(self, given: str | None) -> bool:
        """Whether this is the token; takes as long for a wrong one as for the right one."""
        return self._token is not None and _same(given or "", self._token)

    def has_session(self, cookie: str | None) -> bool:
        """Whether this is the cookie that was set for the token."""
        return self._token is not None and _same(cookie or "", self.session)


def _same(given: str, right: str) -> bool:
    digests = (hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (given, right))
    return hmac.compare_digest(*digests)


def _host_name(host: str) -> str | None:
    """The name or address of a Host header, without port and brackets; None where it is none."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?", host)
    return None if match is None else match[1].strip("[]").lower()


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
