"""Peers as programs: what they are, the settings tried, and how observations are handed over."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.trackers.footage import Footage
from steadypose.errors import InputError

_PROGRAM = Path(__file__).with_name("peer_program.py")

Variant = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A tracker to compare with.

    Attributes:
        name: What it is called in tables.
        environment: Folder of its environment below that of all peers; the package's name.
        tracker: The name that ``peer_program`` knows it by.
        variants: Settings that are tried; the one that is best on the tuning videos counts.
    """

    name: str
    environment: str
    tracker: str
    variants: tuple[Variant, ...]


_LOWER = {"track_activation_threshold": 0.5, "high_conf_det_threshold": 0.4}

PEERS = (
    Peer(
        name="norfair",
        environment="norfair",
        tracker="norfair",
        variants=tuple(
            {
                "min_score": 0.4,
                "joint_score": 0.2,
                "tolerance": tolerance,
                "distance_threshold": threshold,
                "hit_counter_max_s": 1.0,
                "initialization_delay_s": delay,
                "pointwise_hit_counter_max_s": 0.3,
            }
            for tolerance, threshold, delay in ((1.0, 0.9, 0.08), (2.0, 0.8, 0.08), (2.0, 0.8, 0.3))
        ),
    ),
    Peer(
        name="ByteTrack",
        environment="trackers",
        tracker="ByteTrackTracker",
        variants=({}, {**_LOWER, "min_score": 0.1}, {**_LOWER, "lost_track_buffer": 60}),
    ),
    Peer(
        name="OC-SORT",
        environment="trackers",
        tracker="OCSORTTracker",
        variants=(
            {},
            {"high_conf_det_threshold": 0.4, "minimum_consecutive_frames": 2},
            {
                "high_conf_det_threshold": 0.4,
                "minimum_iou_threshold": 0.1,
                "minimum_consecutive_frames": 2,
            },
        ),
    ),
    Peer(
        name="BoT-SORT",
        environment="trackers",
        tracker="BoTSORTTracker",
        variants=tuple(
            {"enable_cmc": False, **more}
            for more in ({}, {**_LOWER, "min_score": 0.1}, {**_LOWER, "lost_track_buffer": 60})
        ),
    ),
    Peer(
        name="SORT (trackers)",
        environment="trackers",
        tracker="SORTTracker",
        variants=(
            {},
            {"min_score": 0.4, "minimum_consecutive_frames": 2},
            {"min_score": 0.4, "minimum_iou_threshold": 0.1, "minimum_consecutive_frames": 2},
        ),
    ),
)
"""Each with its documented settings first; BoT-SORT without its camera motion, as there are no
pictures to be seen."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracked:
    """What a tracker made of some videos.

    Attributes:
        ids: For each video ``(M,)`` the id of each observation; below 0 for none.
        frame_s: For each video ``(F,)`` seconds that each frame took.
    """

    ids: list[NDArray[np.int64]]
    frame_s: list[NDArray[np.float64]]


def peer_python(folder: Path, peer: Peer) -> Path:
    """The interpreter of a peer's environment. Raises InputError where it is not there."""
    python = folder / peer.environment / "bin" / "python"
    if not python.exists():
        raise InputError(f"{python}: not there; make it with benchmarks/trackers/make_peers.sh")
    return python


def peer_versions(folder: Path) -> dict[str, str]:
    """Version of the package in each environment. Raises InputError where one is not there."""
    found = {}
    for peer in PEERS:
        if peer.environment not in found:
            code = f"from importlib.metadata import version; print(version('{peer.environment}'))"
            command = [str(peer_python(folder, peer)), "-I", "-c", code]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            found[peer.environment] = done.stdout.strip() or "not known"
    return found


def run_peer(
    python: Path, peer: Peer, variants: Sequence[Variant], videos: Sequence[Footage]
) -> list[Tracked]:
    """Track videos with each variant of a peer's settings, in the peer's own environment.

    Raises:
        InputError: The peer failed; with the last line it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(source, **_exchange(videos))
        command = [str(python), "-I", str(_PROGRAM), str(source), str(target), peer.tracker]
        done = subprocess.run(
            [*command, json.dumps(list(variants))], capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
            raise InputError(f"{peer.name}: {last}")
        with np.load(target) as arrays:
            ids, seconds = arrays["ids"], arrays["seconds"]
    rows = np.cumsum([len(video.people) for video in videos])[:-1]
    frames = np.cumsum([len(video) for video in videos])[:-1]
    return [
        Tracked(ids=np.split(one.astype(np.int64), rows), frame_s=np.split(spent, frames))
        for one, spent in zip(ids, seconds, strict=True)
    ]


def _exchange(videos: Sequence[Footage]) -> dict[str, Any]:
    counts = np.concatenate([np.diff(video.offsets) for video in videos])
    people = [video.people for video in videos]
    return {
        "starts": np.concatenate([[0], np.cumsum([len(video) for video in videos])]),
        "offsets": np.concatenate([[0], np.cumsum(counts)]),
        "fps": np.array([frame_rate(video) for video in videos]),
        "boxes": np.concatenate([p.boxes for p in people]),
        "box_scores": np.concatenate([p.box_scores for p in people]),
        "keypoints": np.concatenate([p.keypoints for p in people]),
        "scores": np.concatenate([p.scores for p in people]),
        "spreads": people[0].skeleton.sigmas,
    }


def frame_rate(video: Footage) -> float:
    """Frames per second, from the usual step."""
    return 1 / float(np.median(np.diff(video.pts_s))) if len(video) > 1 else 1.0
