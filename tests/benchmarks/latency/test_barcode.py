from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.benchmarks.latency import barcode


@given(st.integers(0, 2**32 - 1), st.floats(0, 1e9))
def test_what_is_drawn_is_read(number: int, sent_s: float) -> None:
    image = np.full((240, 320, 3), 77, np.uint8)
    barcode.draw(image, number, sent_s)
    stamp = barcode.read(image)
    assert stamp is not None
    assert stamp.number == number
    assert stamp.sent_s == pytest.approx(sent_s, abs=1e-6)
    assert (image[barcode.HEIGHT_PX :] == 77).all()


def test_it_survives_a_lossy_codec() -> None:
    image = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    barcode.draw(image, 12345, 6.789)
    _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 30))
    stamp = barcode.read(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8))
    assert stamp == barcode.Stamp(number=12345, sent_s=6.789)


def test_damage_and_pictures_without_are_known_as_such() -> None:
    image = np.full((240, 320, 3), 77, np.uint8)
    assert barcode.read(image) is None
    assert barcode.read(image[:16]) is None
    barcode.draw(image, 1, 2.0)
    image[8:16, 64:80] = 255 - image[8:16, 64:80]
    assert barcode.read(image) is None
