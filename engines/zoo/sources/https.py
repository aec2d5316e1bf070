"""Files over HTTPS, through the proxies that the environment names."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from steadypose._version import __version__
from steadypose.engines.zoo.cache import Report
from steadypose.errors import ModelError

TIMEOUT_S = 60.0
"""Silence of the server after which a download is given up."""

_BLOCK_BYTES = 1 << 20
_REPORT_BYTES = 16 << 20


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but never to another scheme."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage | Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        _require_https(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def download(url: str, target: Path, max_bytes: int, report: Report) -> Path:
    """Download ``url`` to the file ``target``.

    Raises:
        ModelError: The address is not ``https:``, the server cannot be reached, answers with an
            error, stops midway, or sends more than ``max_bytes``.
    """
    _require_https(url)
    request = urllib.request.Request(url, headers={"User-Agent": f"steadypose/{__version__}"})  # noqa: S310
    opener = urllib.request.build_opener(_HttpsOnly)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            _save(answer, target, max_bytes, report)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        reason = getattr(error, "reason", None) or error
        raise ModelError(f"{url}: {reason}") from error
    return target


def _save(answer: http.client.HTTPResponse, target: Path, max_bytes: int, report: Report) -> None:
    announced = int(answer.headers.get("Content-Length") or 0)
    done = reported = 0
    with target.open("wb") as file:
        while block := _read(answer):
            done += len(block)
            if done > max_bytes:
                raise ModelError(f"{answer.url}: refused, larger than {max_bytes} bytes")
            file.write(block)
            if done - reported >= _REPORT_BYTES:
                reported = done
                report(f"{target.name}: {_mebibytes(done)} of {_mebibytes(announced)}")
    if done < announced:
        raise ModelError(f"{answer.url}: cut off after {done} of {announced} bytes")


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(_BLOCK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        # Told apart here from an error of the disk, which is an OSError as well.
        raise ModelError(f"{answer.url}: cut off ({error})") from error


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.0f} MiB" if count else "unknown size"


def _require_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise ModelError(f"{url}: refused, only https: addresses are fetched")
