"""Several live sources that share one engine room."""

from steadypose.stream.cameras.camera import STATES, Camera, CameraState
from steadypose.stream.cameras.group import CameraGroup

__all__ = ["STATES", "Camera", "CameraGroup", "CameraState"]
