"""Formats: what is read, what is written, what is refused and in which words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.convert import renumbered
from steadypose.benchmarks.posetrack.formats import read_clips, read_results, write_clip
from steadypose.benchmarks.posetrack.formats.posetrack17 import clip_of, image_ids
from steadypose.benchmarks.posetrack.formats.posetrack18 import clips_of
from steadypose.benchmarks.posetrack.formats.write import (
    as_posetrack17,
    as_posetrack18,
    as_results,
)
from steadypose.errors import InputError
from steadypose.skeletons import COCO17, POSETRACK15, POSETRACK17
from tests.benchmarks.posetrack.made_up import crowd
from tests.benchmarks.posetrack.trees import truth_clip

PATH = Path("v.json")


def same(one: Clip, other: Clip, *, boxes: bool = True) -> None:
    np.testing.assert_array_equal(one.images.ids, other.images.ids)
    np.testing.assert_array_equal(one.images.labelled, other.images.labelled)
    assert one.images.files == other.images.files
    for mine, theirs in zip(one.images.regions, other.images.regions, strict=True):
        assert len(mine) == len(theirs)
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
    names = ["image", "track_ids", "points", "scores", "visible", "heads", "person_scores"]
    for name in [*names, "boxes"] if boxes else names:
        mine, theirs = getattr(one.persons, name), getattr(other.persons, name)
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, err_msg=name)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_round_trips(seed):
    clip = truth_clip(np.random.default_rng(seed))
    there = clip.persons.there
    persons = replace(
        clip.persons,
        scores=np.where(there, clip.persons.scores, np.nan),
        visible=np.where(there, clip.persons.visible, np.nan),
    )
    scored = persons.there.any(1)
    clip = replace(clip, persons=persons[scored])
    (new,) = clips_of(json.loads(json.dumps(as_posetrack18(clip))), PATH)
    same(clip, new)
    old = clip_of(json.loads(json.dumps(as_posetrack17(clip))), PATH)
    same(clip, old, boxes=False)
    (through,) = clips_of(json.loads(json.dumps(as_posetrack18(old))), PATH)
    same(clip, through, boxes=False)


def test_results_go_back_to_their_images(tmp_path):
    clip = crowd(3, 2)
    write_clip(clip, tmp_path / "r.json", "coco")
    (found,) = read_results(tmp_path / "r.json", [clip], POSETRACK17)
    np.testing.assert_allclose(found.persons.points, clip.persons.points, rtol=1e-6)
    np.testing.assert_array_equal(found.persons.track_ids, clip.persons.track_ids)
    np.testing.assert_array_equal(found.persons.image, clip.persons.image)


def test_results_in_coco_joints_are_mapped(tmp_path):
    clip = crowd(1, 1)
    joints = np.random.default_rng(0).uniform(10, 90, (17, 3)).round(1)
    record = {
        "image_id": int(clip.images.ids[0]),
        "category_id": 1,
        "keypoints": joints.ravel().tolist(),
        "score": 0.5,
    }
    (tmp_path / "r.json").write_text(json.dumps([record]))
    (found,) = read_results(tmp_path / "r.json", [clip], COCO17)
    elbow = found.persons.points[0, POSETRACK15.index("left_elbow")]
    np.testing.assert_allclose(elbow, joints[COCO17.index("left_elbow"), :2], rtol=1e-6)
    assert np.isfinite(found.persons.points[0, POSETRACK15.index("head_bottom")]).all()


def test_joints_are_taken_by_name_and_ears_left_out():
    content = as_posetrack18(crowd(1, 1))
    names = content["categories"][0]["keypoints"]
    order = np.random.default_rng(1).permutation(17)
    content["categories"] = [{"id": 1, "name": "person", "keypoints": [names[i] for i in order]}]
    person = content["annotations"][0]
    table = np.array(person["keypoints"]).reshape(17, 3)[order]
    person |= {"keypoints": table.ravel().tolist(), "scores": None}
    (clip,) = clips_of(content, PATH)
    np.testing.assert_array_equal(clip.persons.points, crowd(1, 1).persons.points)


def test_missing_joints_and_joints_outside_the_picture():
    content = as_posetrack18(crowd(1, 1))
    keypoints = content["annotations"][0]["keypoints"]
    nose, neck, top = (3 * POSETRACK17.index(n) for n in ("nose", "head_bottom", "head_top"))
    keypoints[nose : nose + 3] = [0, 0, 0]
    keypoints[neck : neck + 3] = [-3.5, 0, 1]
    keypoints[top : top + 3] = [0, 0, 1]
    (clip,) = clips_of(content, PATH)
    points = dict(zip(POSETRACK15.keypoints, clip.persons.points[0], strict=True))
    assert np.isnan(points["nose"]).all()
    assert points["head_bottom"].tolist() == [-3.5, 0]
    assert points["head_top"].tolist() == [0, 0]


def test_image_ids_beyond_32_bit_are_kept():
    content = as_posetrack18(crowd(1, 1))
    content["images"][0]["id"] = content["annotations"][0]["image_id"] = 2**40
    assert clips_of(content, PATH)[0].images.ids[0] == 2**40


def test_image_ids_of_2017_files_are_those_of_2018(data_dir):
    assert image_ids(("images/bonn/000001_bonn/00000007.jpg",))[0] == 20000010007
    assert image_ids(("a.jpg", "b.jpg")).tolist() == [1, 2]
    pack = data_dir / "poseval_pack/pairs"
    old, new = (read_clips(pack / f / "900001_bonn_test.json")[0] for f in ("gt17", "gt18"))
    assert old.images.ids.tolist() == new.images.ids.tolist()


def test_a_file_of_several_videos_gives_a_clip_each(data_dir):
    file = data_dir / "mmpose_samples/posetrack18/annotations/test_posetrack18_val.json"
    clips = read_clips(file)
    names = ["003418_mpii_test", "009473_mpii_test", "012834_mpii_test"]
    assert sorted(clip.name for clip in clips) == names
    assert sum(len(clip.persons) for clip in clips) == 14


def test_ids_are_numbered_from_1():
    clip = crowd(2, 3)
    ids = np.array([77, 5, 9, 5, 77, -1])
    new = renumbered(replace(clip, persons=replace(clip.persons, track_ids=ids)))
    assert new.persons.track_ids.tolist() == [1, 2, 3, 2, 1, -1]


def edit(**changes):
    def change(content):
        for place, value in changes.items():
            kind, field = place.split("__")
            content[kind][0][field] = value

    return change


def drop(kind, field):
    return lambda content: content[kind][0].pop(field)


IMAGE = "v.json: image 10000010000"
BROKEN_18 = {
    "no images": (lambda c: c.update(images=[]), "v.json: 'images': there are none"),
    "images no list": (lambda c: c.update(images=3), "v.json: 'images': expected a list"),
    "no categories": (lambda c: c.pop("categories"), "v.json: 'categories': expected a list"),
    "no joints": (drop("categories", "keypoints"), "v.json: 'categories': none has 'keypoints'"),
    "joint missing": (
        edit(categories__keypoints=list(COCO17.keypoints)),
        "v.json: category 1: 'keypoints': PoseTrack's head_bottom, head_top not among them",
    ),
    "no image id": (drop("images", "id"), "v.json: image ?: 'id' is missing"),
    "image id text": (edit(images__id="a"), "v.json: image a: 'id': expected a whole number"),
    "no file name": (drop("images", "file_name"), f"{IMAGE}: 'file_name': expected a text"),
    "regions": (edit(images__ignore_regions_x=[[1, 2, 3]]), f"{IMAGE}: 'ignore_regions_x'"),
    "unknown category": (
        edit(annotations__category_id=7),
        f"{IMAGE}: annotation 1: 'category_id' 7: unknown category",
    ),
    "unknown image": (edit(annotations__image_id=5), "image 5: annotation 1: 'image_id': no such"),
    "few keypoints": (
        edit(annotations__keypoints=[1, 2, 3]),
        f"{IMAGE}: annotation 1: 'keypoints': expected 51 finite numbers, got 3",
    ),
    "keypoints not finite": (
        edit(annotations__keypoints=[float("nan")] * 51),
        f"{IMAGE}: annotation 1: 'keypoints': expected 51 finite numbers",
    ),
    "keypoints text": (edit(annotations__keypoints="abc"), "'keypoints': expected 51 numbers"),
    "no keypoints": (drop("annotations", "keypoints"), "annotation 1: 'keypoints' is missing"),
    "scores": (edit(annotations__scores=[1]), "annotation 1: 'scores': expected 17 finite"),
    "head box": (edit(annotations__bbox_head=[1, 2]), "'bbox_head': expected 4 finite"),
    "track id": (edit(annotations__track_id=-3), "'track_id': expected a whole number from 0"),
    "track id half": (edit(annotations__track_id=1.5), "'track_id': expected a whole number"),
    "nframes": (edit(images__nframes="x"), f"{IMAGE}: 'nframes': expected a whole number"),
}


@pytest.mark.parametrize("name", list(BROKEN_18))
def test_broken_2018_files_are_named(name):
    change, words = BROKEN_18[name]
    content = json.loads(json.dumps(as_posetrack18(crowd(2, 2))))
    change(content)
    with pytest.raises(InputError) as caught:
        clips_of(content, PATH)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def change_17(path, value):
    def change(content):
        place = content["annolist"][0]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


FIRST = "v.json: image images/val/000001_mpii_test/000000.jpg"
BROKEN_17 = {
    "empty": (lambda c: c.update(annolist=[]), "v.json: 'annolist': holds no image"),
    "image": (change_17(["image"], []), "v.json: image number 1: 'image': expected a list of one"),
    "name": (change_17(["image", 0, "name"], 3), "'image': 'name': expected a text"),
    "rects": (change_17(["annorect"], 1), f"{FIRST}: 'annorect': expected a list"),
    "labelled": (change_17(["is_labeled"], 1), f"{FIRST}: 'is_labeled': expected a list of one"),
    "regions": (change_17(["ignore_regions"], [{}]), f"{FIRST}: 'ignore_regions'"),
    "track": (
        change_17(["annorect", 0, "track_id"], ["x"]),
        f"{FIRST}: annorect number 1: 'track_id': expected a whole number",
    ),
    "head": (change_17(["annorect", 0, "x1"], ["x"]), "annorect number 1: 'x1': expected a number"),
    "point": (
        change_17(["annorect", 0, "annopoints"], [{"point": [{"id": [1]}]}]),
        f"{FIRST}: annorect number 1: 'annopoints': a point needs",
    ),
    "x": (
        change_17(["annorect", 1, "annopoints", 0, "point", 4, "x"], ["left"]),
        f"{FIRST}: annorect number 2: 'annopoints': expected numbers",
    ),
}


@pytest.mark.parametrize("name", list(BROKEN_17))
def test_broken_2017_files_are_named(name):
    change, words = BROKEN_17[name]
    content = json.loads(json.dumps(as_posetrack17(crowd(2, 2))))
    change(content)
    with pytest.raises(InputError) as caught:
        clip_of(content, PATH)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("{}", "neither 'annolist' (PoseTrack 2017) nor 'images' (2018)"),
        ("[]", "a list, as COCO results are"),
        ("3", "neither 'annolist'"),
    ],
)
def test_what_is_no_posetrack_file(tmp_path, text, words):
    (tmp_path / "v.json").write_text(text)
    with pytest.raises(InputError) as caught:
        read_clips(tmp_path / "v.json")
    assert words in str(caught.value)
    assert str(tmp_path / "v.json") in str(caught.value)


def test_an_id_twice_in_an_image(tmp_path):
    clip = crowd(2, 2)
    twice = replace(clip, persons=replace(clip.persons, track_ids=np.full(4, 8)))
    write_clip(twice, tmp_path / "v.json", "posetrack18")
    with pytest.raises(InputError, match=r"image 10000010000 .*: 'track_id' 8 occurs twice"):
        read_clips(tmp_path / "v.json")


def test_results_of_unknown_images(tmp_path):
    records = as_results(crowd(1, 1))
    records[0]["image_id"] = 4
    (tmp_path / "r.json").write_text(json.dumps(records))
    with pytest.raises(InputError, match="result 0: 'image_id' 4: no such image"):
        read_results(tmp_path / "r.json", [crowd(1, 1)], POSETRACK17)


@pytest.mark.parametrize("form", ["posetrack17", "posetrack18", "coco"])
def test_a_clip_without_people_is_written_and_read(tmp_path, form):
    clip = crowd(2, 0)
    write_clip(clip, tmp_path / "v.json", form)
    path = tmp_path / "v.json"
    (found,) = read_results(path, [clip], POSETRACK17) if form == "coco" else read_clips(path)
    assert len(found.persons) == 0
    assert len(found.images) == 2
