"""Base estimators' results are made once, and only taken over where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steadypose.engines.refiner.data.cache import Cache
from steadypose.engines.refiner.data.estimates import Pass, jittered, run_passes
from steadypose.engines.refiner.data.records import Picture
from steadypose.errors import InputError
from tests.engines.refiner.data.made_up import person, picture


class Finder:
    """Finds the brightest blue, green and red pixel of a picture as left eye, right eye, nose."""

    def __init__(self) -> None:
        self.seen = 0
        self.stop_after = 10**6

    def __call__(
        self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[NDArray[np.float32]]
    ) -> list[NDArray[np.floating]]:
        found = []
        for image, many in zip(images, boxes, strict=True):
            if self.seen >= self.stop_after:
                raise KeyboardInterrupt
            self.seen += 1
            joints = np.zeros((len(many), 17, 3))
            for row, channel in ((1, 0), (2, 1), (0, 2)):
                y, x = np.unravel_index(image[..., channel].argmax(), image.shape[:2])
                joints[:, row] = (x, y, 0.8)
            # What is in the mirror image is the other eye.
            if image[0, 0].max() > 0:
                joints[:, [1, 2]] = joints[:, [2, 1]]
            joints[:, 5, :2] = many[:, :2]
            joints[:, 5, 2] = 1
            found.append(joints)
        return found


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    made = []
    for number in range(40):
        people = (person(), person((150, 20))) if number % 3 == 0 else (person((5, 5)),)
        new = picture(tmp_path, f"{number:03d}", *people, dots=False)
        image = np.zeros((240, 320, 3), np.uint8)
        image[30, 100 + number], image[31, 80] = (255, 0, 0), (0, 255, 0)
        image[40, 90] = (0, 0, 255)
        image[0, -1] = 9  # upper right: upper left in the mirror image
        cv2.imwrite(str(new.path), image)
        made.append(new)
    return made


def test_results_come_back_to_their_people(tmp_path: Path, pictures: list[Picture]) -> None:
    passes = [
        Pass(name="thunder", estimate=Finder(), model="m"),
        Pass(name="thunder mirrored", estimate=Finder(), model="m", mirrored=True),
        Pass(name="thunder box 1", estimate=Finder(), model="m", jitter=1),
    ]
    run_passes(pictures, passes, tmp_path / "e.npz")
    known = Cache.load(tmp_path / "e.npz").attach(pictures[::-1][:7])
    for new in known:
        for someone in new.persons:
            found = someone.estimates
            assert set(found) == {"thunder", "thunder box 1", "teacher"}
            assert np.allclose(found["thunder"][1], (100 + int(new.key), 30, 0.8))
            # The mirrored pass agrees on every joint, so the mean is the same.
            assert np.allclose(found["teacher"][:3], found["thunder"][:3])
            assert np.allclose(found["thunder"][5, :2], someone.box[:2])
            assert not np.allclose(found["thunder box 1"][5, :2], someone.box[:2])
            assert not found["thunder"][17:].any(), "no head top, no neck"


def test_a_stopped_run_goes_on_and_a_finished_one_rests(
    tmp_path: Path, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steadypose.engines.refiner.data.estimates._SAVE_EVERY_S", 0.0)
    finder, path = Finder(), tmp_path / "e.npz"
    passes = [Pass(name="a", estimate=finder, model="m")]
    finder.stop_after = 20
    with pytest.raises(KeyboardInterrupt):
        run_passes(pictures, passes, path)
    with pytest.raises(InputError, match="unfinished: a"):
        Cache.load(path).attach(pictures)
    finder.seen, finder.stop_after = 0, 10**6
    run_passes(pictures, passes, path)
    assert finder.seen == 40 - 16, "the pictures done before the stop are not done again"
    run_passes(pictures, passes, path)
    assert finder.seen == 40 - 16
    once = Cache.load(path).results["a"]
    run_passes(pictures, [replace(passes[0], model="another")], path)
    assert finder.seen == 40 - 16 + 40, "another model's results are not taken over"
    assert np.array_equal(once, Cache.load(path).results["a"])


def test_a_pass_never_begun_is_unfinished(
    tmp_path: Path, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steadypose.engines.refiner.data.estimates._SAVE_EVERY_S", 0.0)
    second = Finder()
    second.stop_after = 0
    passes = [
        Pass(name="a", estimate=Finder(), model="m"),
        Pass(name="b", estimate=second, model="m"),
    ]
    with pytest.raises(KeyboardInterrupt):
        run_passes(pictures, passes, tmp_path / "e.npz")
    assert Cache.load(tmp_path / "e.npz").unfinished == ["b"]


def test_results_of_other_people_or_boxes_are_refused(
    tmp_path: Path, pictures: list[Picture]
) -> None:
    path = tmp_path / "e.npz"
    passes = [Pass(name="a", estimate=Finder(), model="m")]
    run_passes(pictures[:5], passes, path)
    with pytest.raises(InputError, match="other people or boxes"):
        run_passes(pictures[:6], passes, path)
    with pytest.raises(InputError, match="no estimates for coco/005#0"):
        Cache.load(path).attach(pictures[:6])
    moved = replace(pictures[0], persons=(person((31, 20)), person((150, 20))))
    with pytest.raises(InputError, match="no estimates for coco/000#0 and its box"):
        Cache.load(path).attach([moved])
    path.write_bytes(b"no archive")
    with pytest.raises(InputError, match="not a file of estimates"):
        Cache.load(path)


def test_moved_boxes_are_the_same_each_time_and_stay_near() -> None:
    boxes = np.array([[10, 20, 110, 220]], np.float32)
    moved = jittered(boxes, 1, "coco/7")
    assert np.array_equal(moved, jittered(boxes, 1, "coco/7"))
    assert not np.array_equal(moved, jittered(boxes, 2, "coco/7"))
    assert np.array_equal(boxes, jittered(boxes, 0, "coco/7"))
    assert np.abs(moved - boxes).max() < 0.2 * 200
