"""A result as clients get it: the poses as a message, the picture as JPEG."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose._version import __version__
from steadypose.skeletons import SKELETONS
from steadypose.stream.cameras import CameraState
from steadypose.stream.records import FrameResult
from steadypose.stream.sinks.drawing import draw_poses
from steadypose.stream.sinks.jsonl import person_records
from steadypose.stream.sinks.values import compact_json, seconds

SCHEMA = "steadypose.live/1"
"""Name and version of all messages; a field may be added, none changes its meaning or goes."""
_SNAPSHOT_QUALITY = 90


class Published:
    """The newest result of a camera, with what is made of it once however many ask for it.

    Args:
        camera: Short name.
        number: Counts the camera's results since the server's start, from 1.
        result: The frame and its people.
    """

    def __init__(self, camera: str, number: int, result: FrameResult) -> None:
        self.camera, self.number, self.result = camera, number, result
        self._lock = threading.Lock()
        self._jpegs: dict[object, bytes] = {}

    @property
    def captured_s(self) -> float:
        """``time.monotonic()`` when the picture was decoded."""
        return self.result.frame.captured_s

    @cached_property
    def message(self) -> dict[str, Any]:
        """The people, as docs/serve.md says."""
        frame = self.result.frame
        return {
            "type": "poses",
            "schema": SCHEMA,
            "camera": self.camera,
            "number": self.number,
            "index": frame.index,
            "epoch": frame.epoch,
            "pts_s": seconds(frame.pts_s),
            "captured_unix_s": seconds(time.time() - time.monotonic() + frame.captured_s),
            "age_ms": round(self.result.age_s * 1e3, 1),
            "width": frame.width,
            "height": frame.height,
            "skeleton": self.result.poses.skeleton.name,
            "detected": self.result.detected,
            "persons": person_records(self.result.poses),
        }

    @cached_property
    def text(self) -> str:
        """The message as JSON."""
        return compact_json(self.message)

    def view(self, width: int, quality: int) -> bytes:
        """Message and picture in one: length of the JSON (4 bytes, big-endian), JSON, JPEG."""
        head = self.text.encode()
        return struct.pack(">I", len(head)) + head + self._jpeg(quality, width=width)

    def snapshot(self, *, overlay: bool) -> bytes:
        """The picture in full size as JPEG, with the people drawn in or as it is."""
        return self._jpeg(_SNAPSHOT_QUALITY, overlay=overlay)

    def _jpeg(self, quality: int, *, width: int | None = None, overlay: bool = False) -> bytes:
        with self._lock:
            key = (quality, width, overlay)
            if key not in self._jpegs:
                image = self.result.frame.image
                if overlay:
                    image = draw_poses(image, self.result.poses)
                self._jpegs[key] = _encoded(image, width, quality)
            return self._jpegs[key]


def hello(titles: Mapping[str, str]) -> str:
    """The first message on every WebSocket: cameras by short name, joints and limbs."""
    cameras = [{"name": name, "title": title} for name, title in titles.items()]
    skeletons = {
        s.name: {"keypoints": list(s.keypoints), "edges": [list(e) for e in s.edge_indices]}
        for s in SKELETONS.values()
    }
    return compact_json(
        {
            "type": "hello",
            "schema": SCHEMA,
            "version": __version__,
            "cameras": cameras,
            "skeletons": skeletons,
        }
    )


def change(state: CameraState) -> str:
    """The message that a camera is in another state than before."""
    return compact_json(
        {
            "type": "camera",
            "schema": SCHEMA,
            "camera": state.name,
            "state": state.state,
            "epoch": state.epoch,
            "error": state.error,
        }
    )


def _encoded(image: NDArray[np.uint8], width: int | None, quality: int) -> bytes:
    if width is not None and image.shape[1] > width:
        size = (width, max(1, round(image.shape[0] * width / image.shape[1])))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(jpeg)
