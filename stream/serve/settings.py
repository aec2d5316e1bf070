"""What can be set of the server, and the limits that cannot."""

from __future__ import annotations

from dataclasses import dataclass, field

from steadypose.configs import check_range

MAX_CONNECTIONS = 128
"""Open TCP connections; a further one is closed at once."""
MAX_CLIENTS = 48
"""Open WebSockets; a further one gets 503."""
MAX_MESSAGE_BYTES = 1024
"""Size of what a client may send over a WebSocket: it only says which pictures it has seen."""
MAX_BODY_BYTES = 4096
"""Size of a request's body."""
MESSAGES_PER_S = 200.0
"""Messages that a client may send, with as many saved up; a faster one is closed."""
REQUESTS_PER_S = 100.0
"""Requests from one address, with twice as many saved up; a further one gets 429."""
WRONG_TOKENS = 10
"""From one address, forgotten at ten a minute; then even the right one gets 429."""
SLOW_S = 5.0
"""A client that takes nothing for so long is dropped."""
IDLE_S = 15
"""A connection without a request is closed after so many seconds."""
IN_FLIGHT = 2
"""Pictures of one camera on their way to a viewer who has not yet painted them."""


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """Where and how to serve.

    Attributes:
        host: Address to listen at.
        port: TCP port; 0 takes a free one.
        token: What every request must bring, or None.
        names: Further host names under which the server is reached, as behind a proxy.
        view_width: Pictures on the page are no wider (pixels).
        view_quality: JPEG quality of the page's pictures (1 to 100).

    Raises:
        ConfigError: A value is out of range.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = field(default=None, repr=False)
    names: tuple[str, ...] = ()
    view_width: int = 960
    view_quality: int = 80

    def __post_init__(self) -> None:
        check_range("--port", self.port, 0, 65_535)
        check_range("--view-width", self.view_width, 64, 7680)
        check_range("--view-quality", self.view_quality, 1, 100)
