"""Poses to an MQTT broker, a message a frame."""

from __future__ import annotations

import ssl
import threading
from collections import deque
from typing import Any
from urllib.parse import unquote, urlsplit

from steadypose.errors import InputError, OutputError
from steadypose.stream.records import FrameResult
from steadypose.stream.sinks.jsonl import frame_record
from steadypose.stream.sinks.recorder import utc_of
from steadypose.stream.sinks.values import compact_json
from steadypose.stream.sources.addresses import masked

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_MAX_WAITING = 60
"""Messages on their way; more are dropped: a slow broker is not waited for."""
_FIRST_S = 5.0
_EXTRA = "--mqtt needs paho-mqtt; install it with: pip install 'steadypose[mqtt]'"


class MqttSink:
    """Publishes a frame's people as JSON under ``<topic>/poses`` and its life under ``/status``.

    The message is a line of the JSON lines format with the source's name and the date and time of
    capture. Messages are sent once (QoS 0): a pose that comes late is of no use. A broker that is
    lost is connected to again; what falls in between is dropped and counted. ``<topic>/status`` is
    ``online``, and ``offline`` once the run ends or breaks off (retained).

    Args:
        url: ``mqtt://[user:password@]host[:port]/topic`` or ``mqtts://`` for TLS.
        source: The source's name, free of credentials.

    Raises:
        InputError: The URL is wrong, or paho-mqtt is not installed.
        OutputError: The broker cannot be reached or refuses the connection.
    """

    def __init__(self, url: str, source: str) -> None:
        self.paths = ()
        self.dropped = 0
        self._source, self._shown = source, masked(url)
        parts = urlsplit(url)
        self._topic = parts.path.strip("/")
        if parts.scheme not in _PORTS or not parts.hostname or not self._topic:
            raise InputError(f"{self._shown}: expected mqtt://[user:password@]host[:port]/topic")
        if parts.query or "#" in url or any(sign in self._topic for sign in "+\0"):
            raise InputError(f"{self._shown}: a topic holds none of + # ?")
        self._waiting: deque[Any] = deque()
        self._client = self._connect(parts.scheme, parts.hostname, parts.port, parts)

    def write(self, result: FrameResult) -> None:
        """Publish a frame; never waits."""
        while self._waiting and self._waiting[0].is_published():
            self._waiting.popleft()
        if len(self._waiting) >= _MAX_WAITING or not self._client.is_connected():
            self.dropped += 1
            return
        when = utc_of(result.frame.captured_s).isoformat(timespec="milliseconds")
        record = {
            "source": self._source,
            "time": when.replace("+00:00", "Z"),
            "age_s": round(result.age_s, 4),
            **frame_record(result),
        }
        info = self._client.publish(f"{self._topic}/poses", compact_json(record))
        if info.rc:
            self.dropped += 1
        else:
            self._waiting.append(info)

    def close(self, summary: dict[str, Any]) -> None:
        """Say good-bye to the broker."""
        if self.dropped:
            text = f"{self._shown}: {self.dropped} message(s) were not sent"
            summary.setdefault("warnings", []).append(text)
        self.discard()

    def discard(self) -> None:
        """Disconnect."""
        if self._client.is_connected():
            info = self._client.publish(f"{self._topic}/status", "offline", retain=True)
            try:
                info.wait_for_publish(1.0)
            except (RuntimeError, ValueError):
                self.dropped += 1
        self._client.disconnect()
        self._client.loop_stop()

    def _connect(self, scheme: str, host: str, port: int | None, parts: Any) -> Any:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ModuleNotFoundError:
            raise InputError(_EXTRA) from None
        client = Client(CallbackAPIVersion.VERSION2)
        client.will_set(f"{self._topic}/status", "offline", retain=True)
        client.reconnect_delay_set(1, 30)
        if parts.username:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        answered = threading.Event()
        refused: list[str] = []

        def connected(*given: Any) -> None:
            reason = given[3]
            if reason.is_failure:
                refused.append(str(reason))
            else:
                client.publish(f"{self._topic}/status", "online", retain=True)
            answered.set()

        client.on_connect = connected
        client.connect_timeout = _FIRST_S
        try:
            client.connect(host, port or _PORTS[scheme])
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise OutputError(f"{self._shown}: the broker cannot be reached: {why}") from None
        client.loop_start()
        if not answered.wait(_FIRST_S) or refused:
            client.disconnect()
            client.loop_stop()
            why = refused[0] if refused else "no answer"
            raise OutputError(f"{self._shown}: the broker does not let us in: {why}")
        return client
