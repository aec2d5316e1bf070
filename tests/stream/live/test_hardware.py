from __future__ import annotations

from collections.abc import Callable

import pytest
from av.codec.hwaccel import hwdevices_available

from steadypose.benchmarks.latency.camera import Camera
from steadypose.benchmarks.latency.feeds import HttpFeed
from steadypose.configs import LiveConfig
from steadypose.stream.sources.hardware import choose_device
from tests.stream.live.conftest import Viewer, until


def test_the_processor_decodes_unless_told_otherwise() -> None:
    assert choose_device("none") == ("", "")


def test_what_the_build_lacks_is_said() -> None:
    missing = next(n for n in ("d3d11va", "videotoolbox") if n not in hwdevices_available())
    device, said = choose_device(missing)
    assert device == ""
    assert said == (
        f"no hardware decoding ({missing}: this build of FFmpeg lacks it); the processor decodes"
    )


@pytest.mark.usefixtures("camera")
def test_pictures_come_whatever_the_machine_has(
    http: HttpFeed, camera: Camera, view: Callable[..., Viewer]
) -> None:
    device, said = choose_device("auto")
    viewer = view(http.url("live.ts"), LiveConfig(hwaccel="auto"))
    until(lambda: len(viewer.seen) > 3, 20)
    shot = viewer.source.status.snapshot()
    if device:
        assert shot.decoder in (device, "cpu")
    else:
        assert shot.decoder == "cpu"
        assert any(said in line for line in viewer.source.warnings)
