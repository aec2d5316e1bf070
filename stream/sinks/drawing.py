"""People drawn into a picture: limbs, joints and identities in colours that stay."""

from __future__ import annotations

import colorsys
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.poses import NO_TRACK, Poses

Colour = tuple[int, int, int]
Image = NDArray[np.uint8]

_GOLDEN_ANGLE_DEG = 137.50776405003785
_GREY: Colour = (160, 160, 160)
# Coordinates are handed to OpenCV in eighths of a pixel.
_SHIFT = 3
_FAR_PX = 1 << 20


@lru_cache(maxsize=4096)
def track_colour(track_id: int) -> Colour:
    """BGR colour of an identity: the same on every run, far from those of the ids near by.

    Hues are a golden angle apart, which spreads any number of them evenly over the circle.
    """
    if track_id == NO_TRACK:
        return _GREY
    hue = (track_id * _GOLDEN_ANGLE_DEG) % 360 / 360
    value = (1.0, 0.8)[track_id // 8 % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, value)
    return round(blue * 255), round(green * 255), round(red * 255)


def draw_poses(
    image: Image, poses: Poses, *, draw_score: float = 0.2, labels: bool = True
) -> Image:
    """Draw people into a copy of a picture.

    Limbs are drawn between joints that are both present and sure enough; lines follow the
    person's size. A missing joint is never drawn.

    Args:
        image: ``(H, W, 3)`` uint8 BGR; it is left as it is.
        poses: The people, in pixels of the picture.
        draw_score: Joints with a lower score are not drawn (0..1).
        labels: Write the track id above each person.

    Returns:
        A new picture of the same shape.
    """
    canvas = np.array(image, np.uint8, order="C")
    shown = poses.present & (poses.scores >= draw_score)
    points = np.where(shown[..., None], poses.keypoints, 0)
    points = np.clip(points, -_FAR_PX, _FAR_PX)
    for n in range(len(poses)):
        colour = track_colour(int(poses.track_ids[n]))
        width = line_width(poses.boxes[n])
        _draw_person(canvas, points[n], shown[n], poses.skeleton.edge_indices, colour, width)
    if labels:
        for n in np.flatnonzero(shown.any(1) & (poses.track_ids != NO_TRACK)).tolist():
            _draw_label(canvas, int(poses.track_ids[n]), points[n][shown[n]], poses.boxes[n])
    return canvas


def line_width(box: NDArray[np.floating]) -> int:
    """Width in pixels of the limbs of a person with this box: about a hundredth of its size."""
    size = float(np.nan_to_num(max(box[2] - box[0], box[3] - box[1])))
    return int(np.clip(round(size / 100), 1, 8))


def _draw_person(
    canvas: Image,
    points: NDArray[np.floating],
    shown: NDArray[np.bool_],
    edges: tuple[tuple[int, int], ...],
    colour: Colour,
    width: int,
) -> None:
    # Our 0 is the corner of the picture, OpenCV's the middle of its first pixel.
    places = np.round((points - 0.5) * (1 << _SHIFT)).astype(int).tolist()
    for a, b in edges:
        if shown[a] and shown[b]:
            cv2.line(canvas, places[a], places[b], colour, width, cv2.LINE_AA, _SHIFT)
    radius = (width + 1) << _SHIFT
    for k in np.flatnonzero(shown).tolist():
        cv2.circle(canvas, places[k], radius, colour, -1, cv2.LINE_AA, _SHIFT)


def _draw_label(
    canvas: Image, track_id: int, points: NDArray[np.floating], box: NDArray[np.floating]
) -> None:
    """Write the id above the person's highest joint, on a ground of its colour."""
    text, colour = str(track_id), track_colour(track_id)
    scale = 0.4 + 0.1 * line_width(box)
    thick = 1 if scale < 0.8 else 2
    (wide, high), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    centre, top = float(points[:, 0].mean()), float(points[:, 1].min())
    left = int(np.clip(centre - wide / 2, 0, max(0, canvas.shape[1] - wide)))
    bottom = int(np.clip(top - high, high + 2, canvas.shape[0] - base))
    corner = (left + wide + 2, bottom + base)
    cv2.rectangle(canvas, (left - 2, bottom - high - 2), corner, colour, -1)
    luma = 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]  # ITU-R BT.601
    ink = (255, 255, 255) if luma < 140 else (0, 0, 0)
    place = (left, bottom)
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, thick, cv2.LINE_AA)
