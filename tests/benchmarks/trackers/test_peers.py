"""Peers are programs of another environment; here made up, with the interfaces of the real ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks.trackers.footage import Footage
from steadypose.benchmarks.trackers.noise import Noise
from steadypose.benchmarks.trackers.peers import (
    PEERS,
    Peer,
    frame_rate,
    peer_python,
    peer_versions,
    run_peer,
)
from steadypose.benchmarks.trackers.simulation import simulate
from steadypose.errors import InputError
from tests.benchmarks.trackers.made_up import video

MODULES = {
    "supervision": """
class Detections:
    def __init__(self, xyxy, confidence, class_id, data):
        self.xyxy, self.confidence, self.data = xyxy, confidence, data
    def __len__(self):
        return len(self.xyxy)
""",
    "trackers": """
import numpy as np
class ByteTrackTracker:
    "Gives back the sure people in reverse order, numbered by their place from left to right."
    def __init__(self, frame_rate, first=1):
        self.first, self.frame_rate = first, frame_rate
    def update(self, detections):
        kept = np.flatnonzero(detections.confidence > 0.5)[::-1]
        detections.tracker_id = self.first + np.argsort(np.argsort(detections.xyxy[kept, 0]))
        detections.xyxy = detections.xyxy[kept]
        detections.data = {"row": detections.data["row"][kept]}
        return detections
""",
    "norfair": """
class Detection:
    def __init__(self, points, scores, data):
        self.points, self.scores, self.data = points, scores, data
class Track:
    pass
class Tracker:
    "Remembers the nearest track of the frame before."
    def __init__(self, distance, detection_threshold, distance_threshold, **frames):
        assert frames["initialization_delay"] < frames["hit_counter_max"], frames
        self.distance, self.least, self.tracks, self.next = distance, distance_threshold, [], 1
    def update(self, detections):
        for each in detections:
            near = [(self.distance(each, t), t) for t in self.tracks]
            far, track = min(near, key=lambda pair: pair[0], default=(2, None))
            if far > self.least:
                track = Track()
                track.id, self.next = self.next, self.next + 1
                self.tracks.append(track)
            track.last_detection, track.estimate = each, each.points
        return self.tracks
""",
}


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Environments whose Python is this one with the modules above."""
    folder = tmp_path_factory.mktemp("peers")
    modules = folder / "modules"
    modules.mkdir()
    for name, text in MODULES.items():
        (modules / f"{name}.py").write_text(text)
    for environment in ("trackers", "norfair"):
        python = folder / environment / "bin" / "python"
        python.parent.mkdir(parents=True)
        # -I shuts PYTHONPATH out, as it must with the real ones.
        python.write_text(f'#!/bin/sh\nshift\nPYTHONPATH={modules} exec {sys.executable} "$@"\n')
        python.chmod(0o755)
    return folder


def two_videos() -> list[Footage]:
    return [simulate(video(4, 1.0, n).footage, Noise(), 0) for n in ("a", "b")]


def test_ids_come_back_to_the_rows_they_are_of(peers: Path) -> None:
    (peer,) = [p for p in PEERS if p.name == "ByteTrack"]
    videos = two_videos()
    python = peer_python(peers, peer)
    first, second = run_peer(python, peer, [{}, {"first": 11, "min_score": 0.8}], videos)
    for run, start, least in ((first, 1, 0.5), (second, 11, 0.8)):
        for observed, ids, spent in zip(videos, run.ids, run.frame_s, strict=True):
            assert (spent > 0).all()
            assert len(spent) == len(observed)
            assert ((ids >= 0) == (observed.people.box_scores > least)).all()
            for frame in range(len(observed)):
                row = ids[observed.rows(frame)]
                left = observed.people.boxes[observed.rows(frame), 0]
                assert (np.diff(left[row >= 0][np.argsort(row[row >= 0])]) >= 0).all()
                assert sorted(row[row >= 0]) == list(range(start, start + (row >= 0).sum()))


def test_norfair_is_given_joints_and_lengths_in_frames(peers: Path) -> None:
    (peer,) = [p for p in PEERS if p.name == "norfair"]
    videos = two_videos()
    runs = run_peer(peer_python(peers, peer), peer, peer.variants, videos)
    assert len(runs) == 3
    for observed, ids in zip(videos, runs[2].ids, strict=True):
        sure = observed.people.box_scores >= 0.4
        assert (ids[~sure] == -1).all()
        people = observed.people.track_ids
        most = [np.bincount(ids[sure & (people == p)] + 1).max() for p in (1, 2, 3, 4)]
        assert sum(most) > 0.6 * (sure & (people > 0)).sum()


def test_a_peer_that_fails_says_why(peers: Path) -> None:
    peer = Peer(name="X", environment="trackers", tracker="NoSuchTracker", variants=({},))
    with pytest.raises(InputError, match=r"X: .*NoSuchTracker"):
        run_peer(peer_python(peers, peer), peer, [{}], two_videos())


def test_versions_of_the_peers_are_asked_of_them(peers: Path) -> None:
    """Those made up here have none to tell."""
    assert peer_versions(peers) == {"norfair": "not known", "trackers": "not known"}


def test_an_environment_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"make it with benchmarks/trackers/make_peers\.sh"):
        peer_python(tmp_path, PEERS[0])


def test_frame_rates_are_told_as_they_are() -> None:
    assert frame_rate(video(seconds=1.0).footage) == pytest.approx(25)


def test_the_program_needs_nothing_of_ours() -> None:
    root = Path(__file__).resolve().parents[3]
    program = root / "benchmarks" / "trackers" / "peer_program.py"
    assert "steadypose" not in program.read_text().replace("Steadypose", "")


def test_the_script_says_how_it_is_used() -> None:
    script = Path(__file__).resolve().parents[3] / "benchmarks" / "trackers" / "make_peers.sh"
    done = subprocess.run(["bash", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: make_peers.sh DIR" in done.stderr
