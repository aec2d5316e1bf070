"""Who is compared with Steadypose."""

from __future__ import annotations

from steadypose.benchmarks.peers.systems import Program, System, Yolo

_NETWORKS = {"detector": "picodet-s-416", "estimator": "movenet-thunder"}

PEERS: tuple[System, ...] = (
    Program(
        name="MediaPipe Pose",
        environment="mediapipe",
        licence="Apache-2.0",
        module="blazepose",
        several=False,
    ),
    Program(
        name="MediaPipe Tasks",
        environment="mediapipe-tasks",
        licence="Apache-2.0",
        module="blazepose",
        names=False,
        files={"bundle": "pose.task"},
    ),
    Yolo(name="YOLO11n-pose 640, torch", weights="yolo11n-pose.pt"),
    Yolo(name="YOLO11n-pose 640, ONNX Runtime", weights="yolo11n-pose.onnx"),
    Yolo(name="YOLO11n-pose 448, ONNX Runtime", weights="yolo11n-pose.onnx", size=448),
    Yolo(name="YOLO11n-pose 320, ONNX Runtime", weights="yolo11n-pose.onnx", size=320),
    Program(
        name="own loop + norfair",
        environment="norfair",
        licence="BSD-3",
        module="plain_loop",
        options={"tracker": "norfair"},
        models=_NETWORKS,
    ),
    Program(
        name="own loop + ByteTrack",
        environment="trackers",
        licence="Apache-2.0",
        module="plain_loop",
        options={"tracker": "ByteTrackTracker"},
        models=_NETWORKS,
    ),
)
"""In the order of the tables."""
