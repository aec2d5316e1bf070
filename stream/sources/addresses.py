"""What a user may name as a live source, and how it is shown without its secrets."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from steadypose.errors import InputError

SCHEMES = (*("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "rtp", "srt", "tcp", "tls"),)
"""Network protocols that are opened; a build of FFmpeg may lack some of them."""
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_WEBCAM = re.compile(r"webcam:(?P<name>.+)", re.DOTALL)
# What cameras call a user name, a password or a token, as "key=value" anywhere behind the host.
_SECRET = re.compile(
    r"(?P<key>(?:^|[/?&;_])[\w.-]*?(?:user|usr|login|account|pass|pwd|psw|secret|token|key|auth|sig"
    r"|sid|session)[\w.-]*?=)[^&;/#]*",
    re.IGNORECASE,
)
# FFmpeg's names of camera inputs, by platform.
_DEVICE_FORMATS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a live source is.

    Attributes:
        url: What FFmpeg opens; may hold credentials and is never shown.
        shown: The same without them.
        stem: What output files are called after.
        device: FFmpeg's name of the input for local cameras, else ``""``.
    """

    url: str = field(repr=False)
    shown: str
    stem: str
    device: str = ""

    @property
    def scheme(self) -> str:
        """The protocol in small letters; ``""`` for a local camera."""
        return "" if self.device else self.url.partition("://")[0].lower()

    @property
    def is_playlist(self) -> bool:
        """True for the address of an HLS playlist."""
        path = self.url.partition("?")[0].lower()
        return self.scheme in ("http", "https") and path.endswith((".m3u8", ".m3u"))


def is_live(spec: str) -> bool:
    """True for a camera's number, name or device and for URLs."""
    path = Path(spec)
    if path.is_char_device():
        return True
    if _URL.match(spec) or _WEBCAM.match(spec):
        return True
    return spec.isdecimal() and not path.exists()


def parse_address(spec: str, platform: str = sys.platform) -> Address:
    """The address of a live source.

    Args:
        spec: ``0``, ``webcam:0``, ``webcam:NAME``, ``/dev/video0`` or a URL.
        platform: ``sys.platform``; decides how a local camera is opened.

    Raises:
        InputError: A protocol that is not for live sources, or a URL without a host.
    """
    match = _URL.match(spec)
    if match is None:
        return _camera(spec, platform)
    scheme, rest = match["scheme"].lower(), match["rest"]
    shown = masked(spec)
    if scheme not in SCHEMES:
        raise InputError(f"{shown}: unknown protocol '{scheme}'; choose {', '.join(SCHEMES)}")
    if not _split(shown.partition("://")[2])[0].strip(":"):
        raise InputError(f"{shown}: names no host")
    if re.search(r"[\x00-\x20\x7f]", spec):
        raise InputError(f"{shown}: holds a blank or control character; write it as %20 and so on")
    return Address(url=f"{scheme}://{rest}", shown=shown, stem=_stem(shown))


def masked(text: str) -> str:
    """A URL without the user name and password and with ``***`` for secrets in its path or query.

    What is no URL is given back as it is.
    """
    match = _URL.match(text)
    if match is None:
        return text
    host, tail = _split(match["rest"])
    if "@" in tail and not re.fullmatch(r"[^:]*(:\d+)?|\[.*\](:\d+)?", host):
        # What looks like a host with an odd port is a password with a slash in it.
        host, tail = _split(match["rest"].rpartition("@")[2])
    tail = _SECRET.sub(r"\g<key>***", tail)
    return f"{match['scheme']}://{host.rpartition('@')[2]}{tail}"


def _split(rest: str) -> tuple[str, str]:
    """Host and what comes behind it."""
    end = re.search(r"[/?#]", rest)
    return (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])


def _camera(spec: str, platform: str) -> Address:
    match = _WEBCAM.match(spec)
    name = match["name"] if match else spec
    device = _DEVICE_FORMATS.get("linux" if platform.startswith("linux") else platform)
    if device is None:
        raise InputError(f"{spec}: local cameras are not supported on {platform}")
    url = name
    if device == "v4l2" and name.isdecimal():
        url = f"/dev/video{name}"
    elif device == "dshow":
        url = f"video={name}"
    stem = f"camera{name}" if name.isdecimal() else _stem(Path(name).name)
    return Address(url=url, shown=spec, stem=stem, device=device)


def _stem(shown: str) -> str:
    """A file name of letters, digits, dot, dash and underscore from an address."""
    text = shown.partition("://")[2] or shown
    return re.sub(r"[^A-Za-z0-9.-]+", "_", text.replace("***", "")).strip("_.")[:80] or "live"
