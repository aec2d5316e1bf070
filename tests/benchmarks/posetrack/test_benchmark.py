"""``steadypose posetrack`` over small trees."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from steadypose.benchmarks.posetrack import benchmark, variants
from steadypose.benchmarks.posetrack.clip import Clip, Persons
from steadypose.benchmarks.posetrack.formats import read_clips, write_clip
from steadypose.benchmarks.posetrack.plots import identities
from steadypose.errors import InputError
from steadypose.stream.cli.main import main
from tests.benchmarks.posetrack.made_up import heads, images
from tests.stream.stand_ins import scene, stand_in_room, walk

FRAMES = 6
ALL = ("base", "refined", "refined+prior")


@pytest.fixture
def stand_ins(monkeypatch):
    """Networks that find rectangles; counts how often they were loaded."""
    loaded = []

    def load(config):
        loaded.append(config)
        return stand_in_room(config)

    monkeypatch.setattr(variants.EngineRoom, "load", load)
    return loaded


@pytest.fixture
def tree(tmp_path, stand_ins):
    """Two sequences to report and one to train on, whose truth is what the pipeline finds."""
    root = tmp_path / "tree"
    for split, numbers in (("val", (1, 2)), ("train", (3,))):
        for n in numbers:
            draw(root, split, f"00000{n}_mpii_test", people=1 + n % 2)
    first = tmp_path / "first"
    assert main(run_arguments(root, first, "--variants", "base", "--train-sequences", "1")) == 0
    for path in first.glob("base/*.json"):
        split = "train" if "000003" in path.name else "val"
        annotate(path, root / "annotations" / split / path.name)
    return root


def run_arguments(root: Path, out: Path, *more: str) -> list[str]:
    return ["posetrack", str(root), "-o", str(out), "--device", "cpu", *more]


def draw(root: Path, split: str, name: str, people: int) -> None:
    """Pictures of people who walk, and annotations of nobody."""
    folder = root / "images" / split / name
    folder.mkdir(parents=True)
    for i, boxes in enumerate(walk(FRAMES, people)):
        cv2.imwrite(str(folder / f"{i:06d}.png"), scene(boxes))
    files = tuple(f"images/{split}/{name}/{i:06d}.png" for i in range(FRAMES))
    nobody = Clip(
        name=name,
        source=folder,
        images=replace(images(FRAMES, name), files=files),
        persons=Persons.blank([]),
    )
    (root / "annotations" / split).mkdir(parents=True, exist_ok=True)
    write_clip(nobody, root / "annotations" / split / f"{name}.json", "posetrack18")


def annotate(predictions: Path, path: Path) -> None:
    (clip,) = read_clips(predictions)
    persons = replace(clip.persons, heads=heads(clip.persons.points))
    write_clip(replace(clip, persons=persons), path, "posetrack18")


def test_end_to_end(tree, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(run_arguments(tree, out)) == 0
    text = capsys.readouterr().out
    for word in (
        *ALL,
        "AP, operating point for mAP, protocol official",
        "found on 1 training sequence",
        "Total",
        str(out / "report.html"),
    ):
        assert word in text
    report = json.loads((out / "report.json").read_text())
    assert {r["variant"] for r in report["results"]} == set(ALL)
    assert {r["point"]["name"] for r in report["results"]} == {"mAP", "MOTA"}
    base = next(r for r in report["results"] if r["variant"] == "base")
    assert base["total"]["ap"]["AP"][15] == pytest.approx(100)
    assert set(base["sequences"]) == {"000001_mpii_test", "000002_mpii_test"}
    page = (out / "report.html").read_text()
    assert page.count("<svg") == 3
    assert "Ids in 000001_mpii_test" in page
    assert "| base |" in (out / "report.md").read_text()


def test_the_submission_is_what_the_server_takes(tree, tmp_path):
    out = tmp_path / "out"
    assert (
        main(run_arguments(tree, out, "--variants", "base", "--quiet", "--train-sequences", "0"))
        == 0
    )
    with zipfile.ZipFile(out / "submission-base-MOTA.zip") as archive:
        assert archive.namelist() == ["000001_mpii_test.json", "000002_mpii_test.json"]
        content = json.loads(archive.read("000002_mpii_test.json"))
    truth = json.loads((tree / "annotations/val/000002_mpii_test.json").read_text())
    assert [i["id"] for i in content["images"]] == [i["id"] for i in truth["images"]]
    assert [i["file_name"] for i in content["images"]] == [i["file_name"] for i in truth["images"]]
    assert content["categories"][0]["keypoints"] == truth["categories"][0]["keypoints"]
    for person in content["annotations"]:
        assert 0 <= person["track_id"] <= 999
        assert len(person["keypoints"]) == 51
        assert len(person["scores"]) == 17
        x = np.array(person["keypoints"]).reshape(17, 3)
        assert (x[x[:, 2] > 0, :2] > 0).all()


def test_finished_sequences_are_not_done_again(tree, tmp_path, stand_ins, monkeypatch, capsys):
    out = tmp_path / "out"
    quick = ("--quiet", "--train-sequences", "0", "--variants", "base,refined")
    assert main(run_arguments(tree, out, *quick)) == 0
    before = {p: p.stat().st_mtime_ns for p in out.rglob("0*.json")}
    kept = (out / "report.json").read_text()
    (out / "refined" / "000002_mpii_test.json").unlink()
    done = []
    track = benchmark.track
    monkeypatch.setattr(
        benchmark, "track", lambda s, *a, **k: done.append(s.clip.name) or track(s, *a, **k)
    )
    assert main(run_arguments(tree, out, *quick)) == 0
    assert done == ["000002_mpii_test"]
    after = {p: p.stat().st_mtime_ns for p in out.rglob("0*.json")}
    changed = {p.parent.name for p in before if before[p] != after[p]}
    assert changed == {"refined"}
    assert (out / "report.json").read_text() == kept
    assert main(run_arguments(tree, out, *quick, "--fps", "10")) == 2
    assert "results of other settings are in this folder" in capsys.readouterr().err


def test_without_matplotlib_the_report_has_no_plots(tree, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    out = tmp_path / "out"
    options = ("--variants", "base", "--train-sequences", "0")
    assert main(run_arguments(tree, out, *options)) == 0
    assert "pip install 'steadypose[report]'" in capsys.readouterr().err
    assert "<svg" not in (out / "report.html").read_text()


def test_annotated_boxes(tree, tmp_path):
    out = tmp_path / "out"
    options = ("--boxes", "gt", "--variants", "base", "--quiet", "--train-sequences", "0")
    assert main(run_arguments(tree, out, *options)) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["boxes"] == "gt"
    assert report["results"][0]["total"]["box"]["MOTA"] == pytest.approx(100)


def lose_picture(tree):
    (tree / "images/val/000002_mpii_test/000003.png").unlink()


def cut_picture(tree):
    path = tree / "images/val/000002_mpii_test/000003.png"
    path.write_bytes(path.read_bytes()[:60])


def edit_annotations(**fields):
    def harm(tree):
        path = tree / "annotations/val/000002_mpii_test.json"
        content = json.loads(path.read_text())
        for name, value in fields.items():
            kind, field = name.split("__")
            for record in content[kind][:2] if field == "track_id" else content[kind][:1]:
                record[field] = value
                if field == "track_id":
                    record["image_id"] = content[kind][0]["image_id"]
        path.write_text(json.dumps(content))

    return harm


BROKEN = {
    "missing image": (lose_picture, 2, "'file_name': no picture"),
    "cut image": (cut_picture, 3, "000003.png: the picture is cut off"),
    "nframes": (
        edit_annotations(images__nframes=99),
        2,
        "'nframes' is 99, but 6 images are listed",
    ),
    "id twice": (edit_annotations(annotations__track_id=4), 2, "'track_id' 4 occurs twice"),
    "category": (edit_annotations(annotations__category_id=8), 2, "'category_id' 8: unknown"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_broken_tree_is_one_line_and_what_is_done_is_kept(tree, tmp_path, capsys, name):
    harm, code, words = BROKEN[name]
    harm(tree)
    out = tmp_path / "out"
    options = ("--variants", "base", "--train-sequences", "0")
    assert main(run_arguments(tree, out, *options)) == code
    error = capsys.readouterr().err
    assert words in error
    assert "000002_mpii_test" in error
    assert error.count("\n") == 1
    assert [p.name for p in (out / "base").iterdir()] == ["000001_mpii_test.json"]
    assert len(read_clips(out / "base/000001_mpii_test.json")[0].persons)
    if name != "cut image":
        assert main(["posetrack", str(tree), "--check"]) == 2


def test_a_tree_without_annotated_people_gives_a_submission_alone(tmp_path, stand_ins, capsys):
    draw(tmp_path / "tree", "test", "000001_mpii_test", people=2)
    out = tmp_path / "out"
    more = ("--split", "test", "--variants", "base")
    assert main(run_arguments(tmp_path / "tree", out, *more)) == 0
    assert "no annotated people: nothing to evaluate" in capsys.readouterr().out
    assert (out / "submission-base-mAP.zip").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--split", "vall"], "no split 'vall'"),
        (["--sequences", "x"], "unknown sequence 'x'"),
        (["--variants", "refind"], "--variants: expected some of base,refined,refined+prior"),
        (["--fps", "0"], "--fps: expected a number above 0"),
    ],
)
def test_wrong_options(tree, tmp_path, capsys, more, words):
    assert main(run_arguments(tree, tmp_path / "out", *more)) == 2
    assert words in capsys.readouterr().err


def test_posetrack17_and_21_trees(tree, tmp_path, capsys):
    """Pictures named without ``images/``, annotations in ``posetrack_data``."""
    (tree / "annotations").rename(tree / "posetrack_data")
    for path in (tree / "posetrack_data").rglob("*.json"):
        (clip,) = read_clips(path)
        files = tuple(f.removeprefix("images/") for f in clip.images.files)
        new = replace(clip, images=replace(clip.images, files=files))
        write_clip(new, path, "posetrack17")
    assert main(["posetrack", str(tree), "--check"]) == 0
    assert "000001_mpii_test: 6 images, 6 labelled" in capsys.readouterr().out


def test_timelines_show_who_had_which_id(tree):
    (truth,) = read_clips(tree / "annotations/val/000001_mpii_test.json")
    ids = truth.persons.track_ids.copy()
    first = truth.persons.track_ids == truth.persons.track_ids[0]
    ids[first & (truth.persons.image >= 3)] = 40
    keep = ~(first & (truth.persons.image == 2))
    found = replace(truth, persons=replace(truth.persons, track_ids=ids)[keep])
    people, table = identities(truth, found)
    row = people.index(int(truth.persons.track_ids[0]))
    assert table[row].tolist() == [people[row]] * 2 + [0, 40, 40, 40]


def test_the_five_frames_of_posetrack18(data_dir, tmp_path, stand_ins):
    """The public clip; with stand-ins for networks, as models need not be at hand."""
    name = "000001_mpiinew_test"
    folder = tmp_path / "tree/images/val" / name
    folder.mkdir(parents=True)
    for picture in sorted((data_dir / "mmpose_samples/posetrack18/videos" / name).glob("*.jpg")):
        shutil.copyfile(picture, folder / picture.name)
    files = tuple(f"images/val/{name}/{i:06d}.jpg" for i in range(5))
    nobody = replace(images(5, name), files=files)
    (tmp_path / "tree/annotations/val").mkdir(parents=True)
    write_clip(
        Clip(name=name, source=folder, images=nobody, persons=Persons.blank([])),
        tmp_path / "tree/annotations/val" / f"{name}.json",
        "posetrack18",
    )
    out = tmp_path / "out"
    assert main(run_arguments(tmp_path / "tree", out, "--variants", "base")) == 0
    assert len(read_clips(out / "base" / f"{name}.json")[0].images) == 5


@pytest.mark.skipif(
    not os.environ.get("STEADYPOSE_CACHE"), reason="no models: STEADYPOSE_CACHE is not set"
)
def test_real_networks(data_dir, tmp_path):
    name = "000001_mpiinew_test"
    root = tmp_path / "tree"
    (root / "images/val" / name).mkdir(parents=True)
    for i, picture in enumerate(
        sorted((data_dir / "mmpose_samples/posetrack18/videos" / name).glob("*.jpg"))[:3]
    ):
        shutil.copyfile(picture, root / "images/val" / name / f"{i:06d}.jpg")
    (root / "annotations/val").mkdir(parents=True)
    path = root / "annotations/val" / f"{name}.json"
    nobody = Clip(name=name, source=root, images=images(3, name), persons=Persons.blank([]))
    write_clip(nobody, path, "posetrack18")
    assert main(run_arguments(root, tmp_path / "a")) == 0
    annotate(tmp_path / "a/refined+prior" / f"{name}.json", path)
    assert main(run_arguments(root, tmp_path / "a", "--protocol", "fixed")) == 0
    report = json.loads((tmp_path / "a/report.json").read_text())
    mota = {
        r["variant"]: r["total"]["mota"]["MOTA"][15]
        for r in report["results"]
        if r["point"]["name"] == "mAP"
    }
    assert mota["refined+prior"] == pytest.approx(100)
    assert mota["base"] < 100


def test_ids_beyond_the_servers_limit_are_refused(tree, tmp_path):
    from steadypose.benchmarks.posetrack.submission import write_submission
    from steadypose.errors import OutputError

    (clip,) = read_clips(tree / "annotations/val/000001_mpii_test.json")
    many = replace(clip, persons=replace(clip.persons, track_ids=clip.persons.track_ids + 999))
    with pytest.raises(OutputError, match="the server takes ids up to 999"):
        write_submission([many], tmp_path / "s.zip", None)
    assert not list(tmp_path.glob("s.zip*"))


def test_prior_switch_needs_an_estimate_for_everyone():
    from steadypose.configs import Config, EstimatorConfig, RefinerConfig

    with pytest.raises(InputError, match=r"refiner\.prior"):
        Config(
            estimator=EstimatorConfig(when="new"), refiner=RefinerConfig(enabled=True, prior=False)
        )
