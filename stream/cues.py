"""What the tracker is told of the pictures besides poses: cuts, camera motion, looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steadypose.configs import CuesConfig
from steadypose.frame import Frame
from steadypose.poses import Poses
from steadypose.stream.camera_motion import CameraMotion
from steadypose.stream.looks import looks_of
from steadypose.stream.scene_cuts import SceneCuts


class Cues:
    """The cues of one source, frame by frame; those that are off say nothing and cost nothing.

    Args:
        settings: Which of them are on.
    """

    def __init__(self, settings: CuesConfig) -> None:
        self._looks = settings.appearance
        self._camera = CameraMotion() if settings.camera_motion else None
        self._cuts = SceneCuts() if settings.scene_cuts else None

    def is_cut(self, frame: Frame) -> bool:
        """Whether the frame begins another shot; to be called once for each frame."""
        return self._cuts is not None and self._cuts.is_cut(frame.image)

    def forget(self) -> None:
        """Begin anew, as at a cut or a reconnect."""
        if self._camera:
            self._camera.forget()

    def camera(self, frame: Frame) -> NDArray[np.float64] | None:
        """Affine map ``(2, 3)`` from pixels of the frame before; None for a camera that stands."""
        return None if self._camera is None else self._camera.since_last(frame.image)

    def looks(self, frame: Frame, poses: Poses) -> NDArray[np.float32] | None:
        """Descriptors ``(N, D)`` of the people of the frame."""
        return looks_of(frame.image, poses) if self._looks else None

    def remember(self, frame: Frame, people: NDArray[np.floating]) -> None:
        """Take note of the boxes ``(N, 4)`` of the frame's people: all else is background."""
        if self._camera:
            self._camera.keep(frame.image.shape, people)
