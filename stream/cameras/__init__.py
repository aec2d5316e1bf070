"""Several live sources that share one engine room."""

from steadypose.stream.cameras.camera import Camera, CameraState
from steadypose.stream.cameras.group import CameraGroup

__all__ = ["Camera", "CameraGroup", "CameraState"]
