"""What every request must pass, and how refusals look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from steadypose.stream.complaints import complain
from steadypose.stream.serve.access import COOKIE, HEADERS, Access
from steadypose.stream.serve.rates import Buckets
from steadypose.stream.serve.settings import REQUESTS_PER_S, WRONG_TOKENS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FREE = ("/healthz", "/readyz")
"""Paths that are answered without a token; they say no more than yes or no."""
_COOKIE_S = 30 * 24 * 3600


def refuse(status: int, why: str) -> web.Response:
    """A refusal as JSON."""
    return web.json_response({"error": why}, status=status)


class Guard:
    """A middleware: how often, under what name, with what token, from where; then the handler.

    Args:
        access: Judges the headers.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._requests = Buckets(REQUESTS_PER_S, 2 * REQUESTS_PER_S)
        self._failures = Buckets(WRONG_TOKENS / 60, WRONG_TOKENS)

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The middleware."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        try:
            return await handler(request)
        except web.HTTPException as error:
            return refuse(error.status, error.reason)
        except (ConnectionError, TimeoutError):
            raise
        except Exception as error:
            complain(f"{request.method} {request.path}: {type(error).__name__}: {error}", 0)
            return refuse(500, "internal error")

    def _refusal(self, request: web.Request) -> web.StreamResponse | None:
        """Why a request may not pass, or where it must go first; None where it may pass."""
        headers = request.headers
        if not self._requests[request.remote or ""].take():
            return refuse(429, "too many requests")
        if not self._access.names_us(headers.get(hdrs.HOST)):
            return refuse(421, "unknown host name; add it with --allow-host")
        if request.path in FREE:
            return None
        if not self._access.open:
            answer = self._sign_in(request)
            if answer is not None:
                return answer
        streams = headers.get(hdrs.UPGRADE) is not None
        if (streams or request.method not in ("GET", "HEAD")) and not self._access.is_own_page(
            headers.get(hdrs.ORIGIN), headers.get(hdrs.HOST), headers.get("Sec-Fetch-Site")
        ):
            return refuse(403, "only the server's own page may do this")
        return None

    def _sign_in(self, request: web.Request) -> web.StreamResponse | None:
        """None for who is known; for a first visit with ``?token=`` the cookie and the way on."""
        if self._access.has_session(request.cookies.get(COOKIE)):
            return None
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        first = request.query.get("token") if request.path == "/" else None
        if scheme.lower() != "bearer":
            given = first or ""
        if not given:
            return _unknown()
        failures = self._failures[request.remote or ""]
        if failures.left < 1:
            return refuse(429, "too many wrong tokens; try again in a minute")
        if not self._access.has_token(given):
            failures.take()
            return _unknown()
        if first is None:
            return None
        # The token leaves the address bar, the history and what is bookmarked.
        onward = web.Response(status=303, headers={hdrs.LOCATION: "/"})
        onward.set_cookie(
            COOKIE, self._access.session, max_age=_COOKIE_S, httponly=True, samesite="Lax"
        )
        return onward


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """The headers that every response bears."""
    for name, value in HEADERS.items():
        response.headers[name] = value


def _unknown() -> web.Response:
    refusal = refuse(
        401, "a token is needed: open /?token=..., or send 'Authorization: Bearer ...'"
    )
    refusal.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return refusal
