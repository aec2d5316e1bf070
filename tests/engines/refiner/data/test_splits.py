"""Nothing of the test pictures, nor anything like them, is trained on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from steadypose.engines.refiner.data.near_duplicates import (
    LISTED,
    find_pairs,
    groups_of,
    listed_pairs,
    read_pairs,
)
from steadypose.engines.refiner.data.records import Picture, Source
from steadypose.engines.refiner.data.splits import assign_splits
from steadypose.errors import InputError
from tests.engines.refiner.data.made_up import person

LSP_TEST = ["15", "17", "18", "20", "23", "25", "27", "31"]
COCO_VAL = ["18", "30", "37", "51", "59", "6", "65", "66", "73", "75", "76", "79"]


def pictures_of(source: Source, count: int, groups: int) -> list[Picture]:
    someone = person()
    return [
        Picture(
            path=Path(f"{i}.jpg"),
            key=str(i),
            persons=(someone,),
            source=source,
            group=f"g{i % groups}",
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("source", ["coco", "lspet", "posetrack"])
def test_no_group_lies_on_two_sides(source: Source) -> None:
    splits: dict[str, set[str]] = {}
    for picture in assign_splits(pictures_of(source, 900, 300)):
        splits.setdefault(picture.group, set()).add(picture.split)
    assert all(len(sides) == 1 for sides in splits.values())


def test_shares() -> None:
    splits = [p.split for p in assign_splits(pictures_of("lspet", 4000, 4000))]
    assert splits.count("test") / 4000 == pytest.approx(0.2, abs=0.02)
    assert splits.count("val") / 4000 == pytest.approx(0.04, abs=0.01)
    splits = [p.split for p in assign_splits(pictures_of("coco", 100, 100))]
    assert (splits.count("test"), splits.count("val")) == (40, 12)
    assert "test" not in [p.split for p in assign_splits(pictures_of("posetrack", 900, 300))]


def test_the_splits_are_the_same_everywhere_and_in_any_order() -> None:
    coco = {p.key: p.split for p in assign_splits(pictures_of("coco", 80, 80))}
    again = {p.key: p.split for p in assign_splits(pictures_of("coco", 80, 80)[::-1])}
    assert coco == again
    lsp = [p.key for p in assign_splits(pictures_of("lspet", 40, 40)) if p.split == "test"]
    # Written down once: what they are must never depend on machine or version.
    assert lsp == LSP_TEST
    assert sorted(k for k, s in coco.items() if s == "val") == COCO_VAL


def test_more_pictures_of_lsp_do_not_change_the_splits_of_the_others() -> None:
    few = assign_splits(pictures_of("lspet", 100, 1000))
    many = assign_splits(pictures_of("lspet", 200, 1000))
    assert [p.split for p in few] == [p.split for p in many[:100]]


def test_what_hangs_together_is_one_group() -> None:
    groups = groups_of([("b", "c"), ("x", "y"), ("d", "c"), ("a", "d")])
    assert groups == {"a": "a", "b": "a", "c": "a", "d": "a", "x": "x", "y": "x"}


def test_near_duplicates_and_mirror_images_are_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = cv2.resize(rng.integers(0, 255, (8, 8, 3)).astype(np.uint8), (160, 160))
    other = cv2.resize(rng.integers(0, 255, (8, 8, 3)).astype(np.uint8), (160, 160))
    brighter = cv2.convertScaleAbs(base[4:, 3:], alpha=0.8, beta=20)
    for name, image in [("a", base), ("b", brighter), ("c", base[:, ::-1]), ("d", other)]:
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), image)
    pairs = find_pairs(sorted(tmp_path.glob("*.jpg")))
    assert set(groups_of(pairs)) == {"a", "b", "c"}
    assert len(set(groups_of(pairs).values())) == 1


def test_a_folder_adds_its_own_pairs_to_the_list(tmp_path: Path) -> None:
    (tmp_path / "neardup_pairs.txt").write_text("# found by hand\nim1.jpg im2.jpg\nim3,im4 0.9\n")
    added = listed_pairs(tmp_path)[len(read_pairs(LISTED)) :]
    assert added == [("im1", "im2"), ("im3", "im4")]
    (tmp_path / "neardup_pairs.txt").write_text("im1\n")
    with pytest.raises(InputError, match="line 1: expected two names"):
        listed_pairs(tmp_path)
