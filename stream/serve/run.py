"""Serve cameras from start to stop: the networks' thread, the web server, the signals."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence

from steadypose.configs import LiveConfig
from steadypose.errors import SteadyposeError
from steadypose.stream.cameras import CameraGroup
from steadypose.stream.cameras.group import STOP_S
from steadypose.stream.complaints import EXIT_DONE, EXIT_INTERRUPTED, complain
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.interrupt import stop_on_signal
from steadypose.stream.records import FrameResult, Source
from steadypose.stream.serve.access import SHORT_TOKEN
from steadypose.stream.serve.hub import Hub
from steadypose.stream.serve.metrics import Metrics
from steadypose.stream.serve.server import Server
from steadypose.stream.serve.settings import ServeSettings
from steadypose.stream.sources import Camera as Listed
from steadypose.stream.sources import is_live, open_source
from steadypose.stream.sources.playback import Playback

Openers = dict[str, Callable[[], Source]]
_NAME_LENGTH = 40


def serve(
    room: EngineRoom,
    sources: Mapping[str, Callable[[], Source]],
    settings: ServeSettings,
    *,
    wait_s: float,
    most: int,
    quiet: bool = False,
) -> int:
    """Serve until SIGINT or SIGTERM, or until the networks fail.

    Args:
        room: The networks and settings.
        sources: By short name, what opens each camera.
        settings: Where and how to serve.
        wait_s: See ``Intake``.
        most: See ``Intake``.
        quiet: Print nothing but errors.

    Returns:
        The exit code: 3 where the networks failed, 130 when stopped by a signal.

    Raises:
        InputError: A source cannot be opened, or the address not be listened at.
    """
    hub = Hub(list(sources), settings)

    def on_result(camera: str, result: FrameResult) -> None:
        metrics.add(camera, result)
        hub.publish(camera, result)

    group = CameraGroup(room, sources, on_result, wait_s=wait_s, most=most)
    metrics = Metrics(group, hub)
    server = Server(group, hub, metrics, settings)
    code = EXIT_DONE
    with stop_on_signal(group.stop) as asked:
        try:
            server.start()
            group.start()
            if not quiet:
                print(_greeting(settings, server.port, len(sources)), flush=True)
            group.wait()
        except SteadyposeError as error:
            code = complain(str(error), error.exit_code)
        finally:
            _close(group, server)
    for camera in group.cameras.values():
        for warning in camera.warnings:
            complain(f"warning: {warning}", code)
    if not quiet:
        print("\n".join(_closing_lines(group)), flush=True)
    return complain("interrupted", EXIT_INTERRUPTED) if asked.is_set() else code


def camera_openers(specs: Sequence[str | Listed], live: LiveConfig | None = None) -> Openers:
    """By short name, what opens each source; recordings are played over and over.

    Every source is opened once at once, so that what is wrong is said before anything starts.

    Args:
        specs: Sources, as ``expand_sources`` gives them.
        live: How cameras and network streams are read.

    Raises:
        InputError: One cannot be opened; the others are closed again.
    """
    openers: Openers = {}
    opened: list[Source] = []
    try:
        for spec in specs:
            again = _opener(spec, live)
            opened.append(again())
            name = _distinct(short_name(opened[-1].info.stem), openers)
            openers[name] = _first_this(opened[-1], again)
    except SteadyposeError:
        for source in opened:
            source.close()
        raise
    return openers


def short_name(text: str) -> str:
    """A name fit for an address: letters, digits, hyphens and underscores."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:_NAME_LENGTH] or "camera"


def _opener(spec: str | Listed, live: LiveConfig | None) -> Callable[[], Source]:
    if not isinstance(spec, str) or is_live(spec):
        return lambda: open_source(spec, live=live)
    return lambda: Playback(lambda: open_source(spec))


def _first_this(first: Source, then: Callable[[], Source]) -> Callable[[], Source]:
    waiting = [first]
    return lambda: waiting.pop() if waiting else then()


def _distinct(name: str, taken: Openers) -> str:
    known = {other.casefold() for other in taken}
    names = (name if n == 1 else f"{name}-{n}" for n in range(1, len(known) + 2))
    return next(one for one in names if one.casefold() not in known)


def _greeting(settings: ServeSettings, port: int, cameras: int) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    what = "1 camera" if cameras == 1 else f"{cameras} cameras"
    lines = [f"serving {what} at http://{host}:{port}/ (Ctrl-C stops)"]
    if settings.token is not None:
        lines.append("open it once with ?token=TOKEN; the browser then remembers")
        if len(settings.token) < SHORT_TOKEN:
            lines.append(f"warning: a token of less than {SHORT_TOKEN} characters can be guessed")
    return "\n".join(lines)


def _close(group: CameraGroup, server: Server) -> None:
    deadline = time.monotonic() + STOP_S
    group.stop()
    in_time = server.close()
    hanging = group.close(max(0.1, deadline - time.monotonic()))
    if hanging:
        complain(f"warning: left behind, as they hang: {', '.join(hanging)}", 0)
    if not in_time:
        complain("warning: the web server did not close in time", 0)


def _closing_lines(group: CameraGroup) -> list[str]:
    lines = []
    for state in group.states():
        ages = group.cameras[state.name].all_ages.milliseconds()
        age = " / ".join(f"{name} {ages[name]:.0f}" for name in ("p50", "p95", "p99", "max"))
        lines.append(
            f"{state.title}: {state.tracked} of {state.decoded} frames tracked, "
            f"{state.dropped} dropped, {state.reconnects} reconnects, frame age {age} ms"
        )
    return lines
