"""``steadypose evaluate`` and ``steadypose convert`` as a user runs them."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from steadypose.benchmarks.posetrack.formats import read_clips, write_clip
from steadypose.benchmarks.posetrack.formats.write import as_results
from steadypose.stream.cli.main import main
from tests.benchmarks.posetrack.made_up import crowd
from tests.benchmarks.posetrack.trees import clips, shaken, truth_clip


@pytest.fixture
def files(tmp_path):
    """Two clips of truth and predictions for each of two sets, in the 2018 form."""
    rng = np.random.default_rng(5)
    for kind, first in (("val", 1), ("train", 5)):
        for n in range(first, first + 2):
            truth, found = clips(rng, name=f"00000{n}_mpii_test", frames=6, people=4)
            for side, clip in (("gt", truth), ("pred", found)):
                folder = tmp_path / kind / side
                folder.mkdir(parents=True, exist_ok=True)
                write_clip(clip, folder / f"{clip.name}.json", "posetrack18")
    return tmp_path


def arguments(folder, *more):
    return ["evaluate", "--gt", str(folder / "gt"), "--pred", str(folder / "pred"), *more]


def test_evaluate_prints_and_writes(files, capsys):
    out = files / "scores.json"
    more = ("--metric", "ap,mota,hota,box", "--protocol", "both", "--per-sequence", "--json")
    assert main(arguments(files / "val", *more, str(out))) == 0
    text = capsys.readouterr().out
    for word in (
        "protocol official, 2 sequences",
        "protocol fixed",
        "Total",
        "HOTA (set)",
        "000001_mpii_test",
        "operating point for mAP and MOTA: all joints (not tuned)",
    ):
        assert word in text
    report = json.loads(out.read_text())
    point = report["protocols"]["official"]["points"][0]
    assert set(point["total"]) == {"ap", "mota", "hota", "box"}
    assert len(point["total"]["ap"]["AP"]) == 16
    assert set(point["sequences"]) == {"000001_mpii_test", "000002_mpii_test"}


def test_sequences_are_chosen_and_ordered(files, capsys):
    chosen = "000002_mpii_test,000001_mpii_test"
    assert main(arguments(files / "val", "--sequences", chosen, "--per-sequence")) == 0
    text = capsys.readouterr().out
    assert text.index("000002_mpii_test") < text.index("000001_mpii_test")
    assert main(arguments(files / "val", "--sequences", "000002_mpi_test")) == 2
    assert "did you mean '000002_mpii_test'" in capsys.readouterr().err


def test_all_sequences_come_as_the_folder_lists_them_or_by_name(files, capsys, monkeypatch):
    truths = sorted((files / "val/gt").glob("*.json"))
    monkeypatch.setattr(type(files), "glob", lambda folder, pattern: iter(truths[::-1]))
    for more, expected in (((), [1, 0]), (("--order", "name"), [0, 1])):
        assert main(arguments(files / "val", "--per-sequence", *more)) == 0
        text = capsys.readouterr().out
        places = [text.index(truths[n].stem) for n in expected]
        assert places == sorted(places)


def test_thresholds_come_from_training_sequences(files, capsys):
    train = ["--train-gt", str(files / "train/gt"), "--train-pred", str(files / "train/pred")]
    assert main(arguments(files / "val", *train)) == 0
    text = capsys.readouterr().out
    assert "operating point for mAP: joints of score >= 0 (found on 2 training sequences)" in text
    point = re.search(r"operating point for MOTA: joints of score >= ([\d.]+) \(found on 2", text)
    assert point
    report = files / "scores.json"
    trained = [mota_of(files / "train", report, threshold) for threshold in (point[1], "0.5", "0")]
    assert trained[0] == max(trained)
    same = ["--train-gt", str(files / "val/gt"), "--train-pred", str(files / "val/pred")]
    assert main(arguments(files / "val", *same)) == 2
    error = capsys.readouterr().err
    assert "sequence 000001_mpii_test is among the reported ones" in error
    assert main(arguments(files / "val", *train[:2])) == 2
    assert "give both or neither" in capsys.readouterr().err


def mota_of(folder, report, threshold):
    more = ("--metric", "mota", "--mota-threshold", threshold, "--json", str(report))
    assert main(arguments(folder, *more)) == 0
    points = json.loads(report.read_text())["protocols"]["official"]["points"]
    return points[1]["total"]["mota"]["MOTA"][15]


def test_a_threshold_that_is_given(files, capsys):
    assert main(arguments(files / "val", "--mota-threshold", "0.7")) == 0
    text = capsys.readouterr().out
    assert "operating point for mAP: all joints" in text
    assert "operating point for MOTA: joints of score >= 0.7 (given)" in text


def test_coco_results_and_single_files(tmp_path, capsys):
    truth = crowd(3, 2)
    (tmp_path / "gt").mkdir()
    write_clip(truth, tmp_path / "gt" / "a.json", "posetrack18")
    (tmp_path / "r.json").write_text(json.dumps(as_results(truth)))
    write_clip(truth, tmp_path / "whatever.json", "posetrack17")
    for found in ("r.json", "whatever.json"):
        gt, pred = str(tmp_path / "gt"), str(tmp_path / found)
        assert main(["evaluate", "--gt", gt, "--pred", pred, "--protocol", "fixed"]) == 0
        line = next(li for li in capsys.readouterr().out.splitlines() if li.startswith("MOTA"))
        assert line.split()[-1] == "100.0"


def lose_a_file(folder):
    (folder / "pred/000002_mpii_test.json").unlink()


def lose_an_image(folder):
    path = folder / "pred/000002_mpii_test.json"
    content = json.loads(path.read_text())
    gone = content["images"].pop()["id"]
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] != gone]
    path.write_text(json.dumps(content))


def lose_the_ids(folder):
    path = folder / "pred/000002_mpii_test.json"
    content = json.loads(path.read_text())
    for person in content["annotations"]:
        del person["track_id"]
    path.write_text(json.dumps(content))


def lose_a_head(folder):
    path = folder / "gt/000002_mpii_test.json"
    content = json.loads(path.read_text())
    del content["annotations"][0]["bbox_head"]
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lose_a_file, "000002_mpii_test.json: no such file; it would hold the predictions for"),
        (lose_an_image, "5 images, the ground truth"),
        (lose_the_ids, "a person without 'track_id'; only ap can be evaluated"),
        (lose_a_head, "a person without 'bbox_head'"),
    ],
)
def test_what_does_not_fit_is_one_line(files, capsys, harm, words):
    harm(files / "val")
    out = files / "scores.json"
    assert main(arguments(files / "val", "--json", str(out))) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert not out.exists()


def test_without_ids_ap_alone(files, capsys):
    lose_the_ids(files / "val")
    assert main(arguments(files / "val", "--metric", "ap")) == 0
    assert main(arguments(files / "val", "--metric", "app")) == 2
    assert "unknown metric 'app'" in capsys.readouterr().err


def test_ids_beyond_the_official_limit(tmp_path, capsys):
    truth = crowd(3, 2)
    ids = truth.persons.track_ids + 10_000
    found = replace(truth, persons=replace(truth.persons, track_ids=ids))
    for name, clip in (("gt", truth), ("pred", found)):
        (tmp_path / name).mkdir()
        write_clip(clip, tmp_path / name / "a.json", "posetrack18")
    assert main(arguments(tmp_path)) == 2
    assert "'track_id': the official tools take ids below 10000" in capsys.readouterr().err
    assert main(arguments(tmp_path, "--protocol", "fixed")) == 0


def test_convert_checks_and_writes(tmp_path, capsys):
    clip = shaken(np.random.default_rng(0), truth_clip(np.random.default_rng(0)))
    (tmp_path / "in").mkdir()
    source = tmp_path / "in" / f"{clip.name}.json"
    write_clip(clip, source, "posetrack18")
    assert main(["convert", str(tmp_path / "in")]) == 0
    assert f"{clip.name}: 5 images" in capsys.readouterr().out
    out = tmp_path / "new/old"
    assert main(["convert", str(source), "-o", str(out), "--to", "posetrack17", "--renumber"]) == 0
    (old,) = read_clips(out / source.name)
    np.testing.assert_array_equal(old.persons.points, clip.persons.points)
    assert old.persons.track_ids.min() == 1
    assert main(["convert", str(source), "-o", str(source.parent)]) == 2
    assert "holds the files that are read" in capsys.readouterr().err
    source.write_text("{}")
    assert main(["convert", str(source)]) == 2
    assert main(["convert", str(tmp_path / "nothing")]) == 2
    assert "no such file or folder" in capsys.readouterr().err
