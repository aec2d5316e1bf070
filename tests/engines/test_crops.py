from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.engines.crops import CropPolicy, cut, pixels_per_crop_pixel
from steadypose.errors import ConfigError

SIZES = ((128, 96), (192, 128), (256, 192))


@pytest.mark.parametrize(
    ("height", "zoom", "size"),
    [(40, 1, 0), (128, 1, 0), (191, 1, 0), (192, 1, 1), (256, 1, 2), (900, 1, 2), (128, 2, 2)],
)
def test_a_person_gets_the_largest_size_within_the_zoom(
    height: float, zoom: float, size: int
) -> None:
    policy = CropPolicy(sizes=SIZES, padding=1.0, max_zoom=zoom)
    box = np.array([[10.0, 10, 10 + height / 4, 10 + height]])
    assert policy.choose(box).tolist() == [size]


def test_a_wide_person_is_sized_by_the_width() -> None:
    policy = CropPolicy(sizes=SIZES, padding=1.0, max_zoom=1.0)
    assert policy.choose(np.array([[0.0, 0, 200, 20]])).tolist() == [2]


@given(
    st.floats(-50, 300),
    st.floats(-50, 300),
    st.floats(2, 400),
    st.floats(2, 400),
    st.sampled_from(SIZES),
    st.floats(1, 2),
)
def test_the_way_back_undoes_the_cut(x, y, w, h, size, padding) -> None:  # type: ignore[no-untyped-def]
    image = np.zeros((8, 8, 3), np.uint8)
    crops = cut([image], np.array([[x, y, x + w, y + h]]), size, padding)
    scale = pixels_per_crop_pixel(np.array([[x, y, x + w, y + h]]), size, padding)[0]
    corner = (size[1] / 2 - w / scale / 2, size[0] / 2 - h / scale / 2)
    back = crops.to_frame(np.array([[corner, (size[1] / 2, size[0] / 2)]]))
    assert np.allclose(back[0], [(x, y), (x + w / 2, y + h / 2)], atol=1e-2)
    assert crops.box_sizes[0] == pytest.approx((w / scale, h / scale), rel=1e-5)
    assert (crops.box_sizes[0] * padding <= np.array([size[1], size[0]]) * (1 + 1e-5)).all()


def test_the_picture_lands_where_the_points_say() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    image[100:104, 150:154] = 255
    crops = cut([image], np.array([[100.0, 40, 190, 180]]), (256, 192), 1.15)
    rows, columns = np.nonzero(crops.images[0, :, :, 0] > 128)
    seen = np.array([[[columns.mean(), rows.mean()]]])
    assert np.allclose(crops.to_frame(seen)[0, 0], (151.5, 101.5), atol=0.6)


def test_outside_the_frame_is_black() -> None:
    image = np.full((50, 50, 3), 200, np.uint8)
    crops = cut([image], np.array([[-40.0, -40, 40, 40]]), (128, 96), 1.0)
    assert crops.images[0, 0, 0].tolist() == [0, 0, 0]
    assert crops.images[0, 100, 80].tolist() == [200, 200, 200]


def test_people_of_several_frames_share_a_batch() -> None:
    images = [np.full((64, 64, 3), v, np.uint8) for v in (10, 200)]
    crops = cut(images, np.array([[8.0, 8, 56, 56]] * 2), (128, 96), 1.0)
    assert crops.images[:, 64, 48, 0].tolist() == [10, 200]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": ()}, "sizes"),
        ({"sizes": ((256, 192), (128, 96))}, "smallest first"),
        ({"padding": 0.5}, "padding"),
        ({"max_zoom": 0.0}, "max_zoom"),
    ],
)
def test_bad_policies_are_refused(arguments, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=message):
        CropPolicy(**arguments)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(60, 300, (256, 96)), (130, 300, (256, 128)), (200, 300, (256, 192)), (40, 210, (192, 96))],
    ids=["narrow", "middling", "wide", "small"],
)
def test_the_narrowest_crop_that_shows_a_person_as_large(
    width: float, height: float, size: tuple[int, int]
) -> None:
    sizes = ((192, 96), (192, 128), (256, 96), (256, 128), (256, 192))
    policy = CropPolicy(sizes=sizes, padding=1.0, max_zoom=1.0)
    chosen = policy.choose(np.array([[5.0, 5, 5 + width, 5 + height]]))
    assert sizes[chosen[0]] == size
