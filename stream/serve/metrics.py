"""Prometheus metrics, in a registry of their own."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from steadypose._version import __version__
from steadypose.stream.cameras import STATES, CameraGroup, CameraState
from steadypose.stream.records import FrameResult
from steadypose.stream.serve.hub import Hub

_AGE_BUCKETS = (0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10)
_STAGE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2)
_COUNTERS = (
    ("frames_decoded", "Frames that a camera gave", "decoded"),
    ("frames_dropped", "Frames replaced by a newer one before the networks saw them", "dropped"),
    ("frames_tracked", "Frames with a result", "tracked"),
    ("reconnects", "Times that a camera came back by itself", "reconnects"),
)
_GAUGES = (
    ("camera_epoch", "Connections of a camera, restarts included, from 0", "epoch"),
    ("people", "People in the newest result", "people"),
)


class Metrics:
    """What ``/metrics`` says.

    Args:
        group: The cameras.
        hub: Their viewers.
    """

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, group: CameraGroup, hub: Hub) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Now(group, hub))
        ProcessCollector(registry=self._registry)
        self._ages = self._histogram(
            "frame_age_seconds", "From the decoded picture to its result", ["camera"], _AGE_BUCKETS
        )
        self._viewer_ages = self._histogram(
            "viewer_age_seconds",
            "From the decoded picture to a viewer's word that it was painted",
            ["camera"],
            _AGE_BUCKETS,
        )
        self._stages = self._histogram(
            "stage_seconds",
            "What a frame spent in a stage, with those of its batch",
            ["camera", "stage"],
            _STAGE_BUCKETS,
        )

    def add(self, camera: str, result: FrameResult) -> None:
        """Take a result; called on the networks' thread."""
        self._ages.labels(camera).observe(result.age_s)
        for stage, seconds in result.stage_s.items():
            self._stages.labels(camera, stage).observe(seconds)

    def seen(self, camera: str, age_s: float) -> None:
        """Take the age at which a viewer saw a picture."""
        self._viewer_ages.labels(camera).observe(age_s)

    def text(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self._registry)

    def _histogram(
        self, name: str, text: str, labels: list[str], buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(
            f"steadypose_{name}", text, labels, buckets=buckets, registry=self._registry
        )


class _Now(Collector):
    """What the group and the hub count anyway, read when it is asked for."""

    def __init__(self, group: CameraGroup, hub: Hub) -> None:
        self._group, self._hub = group, hub

    def collect(self) -> Iterable[Metric]:
        """All of it."""
        states = self._group.states()
        yield InfoMetricFamily("steadypose_build", "The version", {"version": __version__})
        for name, text, field in _COUNTERS:
            counter = CounterMetricFamily(f"steadypose_{name}", text, labels=["camera"])
            for state in states:
                counter.add_metric([state.name], getattr(state, field))
            yield counter
        for name, text, field in _GAUGES:
            gauge = GaugeMetricFamily(f"steadypose_{name}", text, labels=["camera"])
            for state in states:
                gauge.add_metric([state.name], getattr(state, field))
            yield gauge
        yield _states(states)
        yield self._recent_ages(states)
        yield from self._whole()

    def _recent_ages(self, states: list[CameraState]) -> Metric:
        recent = GaugeMetricFamily(
            "steadypose_frame_age_recent_seconds",
            "Frame age over the last 30 s",
            labels=["camera", "statistic"],
        )
        for state in states:
            for statistic, milliseconds in state.age_ms.items():
                recent.add_metric([state.name, statistic], milliseconds / 1e3)
        return recent

    def _whole(self) -> Iterable[Metric]:
        batches, frames = self._group.batches
        yield CounterMetricFamily("steadypose_batches", "Batches of frames", value=batches)
        yield CounterMetricFamily("steadypose_batch_frames", "Frames in batches", value=frames)
        yield GaugeMetricFamily(
            "steadypose_engine_up",
            "1 while the networks' thread works",
            value=float(self._group.alive),
        )
        clients = GaugeMetricFamily("steadypose_clients", "Open WebSockets", labels=["kind"])
        for kind, pictures in (("view", True), ("poses", False)):
            count = sum(c.pictures is pictures for c in list(self._hub.clients))
            clients.add_metric([kind], count)
        yield clients
        yield CounterMetricFamily(
            "steadypose_clients_dropped",
            "Clients dropped for taking nothing",
            value=self._hub.dropped,
        )


def _states(states: list[CameraState]) -> Metric:
    gauge = GaugeMetricFamily(
        "steadypose_camera_state", "1 for the state that a camera is in", labels=["camera", "state"]
    )
    for state in states:
        for name in STATES:
            gauge.add_metric([state.name, name], float(state.state == name))
    return gauge
