"""Long videos in parts: where they are cut, and what becomes of identities."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.errors import SourceError
from steadypose.poses import Poses
from steadypose.stream.batch.crew import Progressed
from steadypose.stream.batch.parts import PartWriter
from steadypose.stream.batch.progress import BatchProgress
from steadypose.stream.batch.splitting import JoinedRun, plan_spans
from steadypose.stream.batch.videos import Task
from steadypose.stream.records import FrameResult
from steadypose.stream.sources import VideoSource
from steadypose.stream.sources.span import KeyFrames, read_key_frames
from steadypose.trackers.seams import Seam
from tests.cli.conftest import encode
from tests.media import numbers, write_clip
from tests.stream.batch.conftest import Batch
from tests.stream.batch.shelf import HandCrew, events, reasons
from tests.stream.stand_ins import Box, scene, stand_in_room


@pytest.mark.parametrize("options", [{}, {"bf": "2"}, {"bf": "3", "x264-params": "open-gop=1"}])
def test_the_parts_hold_every_frame_under_its_own_index(
    tmp_path: Path, options: dict[str, str]
) -> None:
    path = write_clip(tmp_path / "c.mp4", frames=60, options={"g": "10", **options})
    keys = read_key_frames(path)
    assert keys is not None
    assert keys.seconds == pytest.approx(59 / 25)
    spans = plan_spans(keys, 0.8, 0.3)
    assert len(spans) == 3
    seen = []
    for number, span in enumerate(spans):
        frames = list(VideoSource(path, span=span))
        assert [frame.index for frame in frames] == numbers(frames)
        seam = 0 if number == 0 else spans[number - 1].stop or 0
        assert sum((frame.pts or 0) < seam for frame in frames) >= (7 if number else 0)
        seen += [frame.index for frame in frames if (frame.pts or 0) >= seam]
    assert seen == list(range(60))


@given(
    keys=st.lists(st.integers(0, 1000), min_size=1, unique=True),
    part=st.floats(1, 300),
    overlap=st.floats(0, 100),
)
def test_spans_overlap_enough_and_leave_no_gap(
    keys: list[int], part: float, overlap: float
) -> None:
    places = tuple((key, key) for key in sorted({0, *keys}))
    spans = plan_spans(
        KeyFrames(time_base=Fraction(1), stamps=tuple(range(1001)), places=places), part, overlap
    )
    starts = [span.first for span in spans]
    stops = [span.stop for span in spans]
    assert len(spans) != 1
    assert starts == sorted(set(starts))
    if spans:
        assert (starts[0], stops[-1]) == (0, None)
    for stop, start in zip(stops[:-1], starts[1:], strict=True):
        assert stop is not None
        assert stop - start >= overlap
        assert (stop, stop) in places
        assert (start, start) in places


def test_a_file_whose_times_cannot_be_trusted_is_not_split(tmp_path: Path) -> None:
    path = encode(tmp_path / "c.avi", [scene([])] * 20)
    assert read_key_frames(path) is None


def people(ids: list[int], shift: float = 0.0) -> Poses:
    figure = np.random.default_rng(1).uniform(0, 40, (17, 2))
    points = [figure + np.array([60.0 * row + shift, 20.0]) for row in range(len(ids))]
    return Poses.create(np.array(points).reshape(-1, 17, 2), track_ids=ids)


def test_the_same_people_are_linked_whatever_they_are_called() -> None:
    seam = Seam()
    for t in range(5):
        seam.add(people([7, 3, 9], t), people([1, 2, 4], t + 0.5), t / 25)
    assert seam.links({1, 2, 4}) == {1: 7, 2: 3, 4: 9}
    assert seam.links({2}) == {2: 3}
    assert seam.links(()) == {}


def test_who_has_ended_before_the_seam_does_not_take_an_id() -> None:
    seam = Seam()
    for t in range(9):
        seam.add(people([5], t), people([1 if t < 7 else 2], t), t / 25)
    assert seam.links({1, 2}) == {1: 5}
    assert seam.links({2}) == {2: 5}


def test_nobody_in_an_overlap() -> None:
    seam = Seam()
    seam.add(people([]), people([1]), 0.0)
    seam.add(people([1]), people([]), 0.04)
    assert seam.links({1}) == {}


def crossing(frames: int) -> list[list[Box]]:
    """Two people, of whom one leaves and another comes late."""
    return [
        [
            (10 + t / 4, 20, 40 + t / 4, 100),
            *([(90.0, 20, 120.0, 100)] if t < frames * 0.6 else []),
            *([(150.0, 20, 180.0, 100)] if t > frames * 0.8 else []),
        ]
        for t in range(frames)
    ]


@pytest.fixture(scope="module")
def crossing_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crossing") / "c.mp4"
    return encode(path, [scene(boxes) for boxes in crossing(250)])


@pytest.mark.parametrize("extra", [(), ("--save-video", "--crops")], ids=["poses", "pictures"])
def test_a_split_video_has_the_people_of_the_whole(
    batch: Batch, crossing_clip: Path, tmp_path: Path, crews: list[HandCrew], extra: tuple[str, ...]
) -> None:
    path = shutil.copy(crossing_clip, tmp_path / "c.mp4")
    settings = ("--tracker.lost_s", "0.4", "--detect-every", "4", "--format", "jsonl,csv", *extra)
    for name, options in (("one", ()), ("parts", ("--split", "2"))):
        assert batch(path, "-o", tmp_path / name, *settings, *options)[0] == 0
    assert len(crews[1].done) == 1 + 5 + 1
    one, parts = (
        [json.loads(line) for line in (tmp_path / name / "c.jsonl").read_text().splitlines()]
        for name in ("one", "parts")
    )
    assert [row["index"] for row in parts] == list(range(250))
    assert [[p["track_id"] for p in r["persons"]] for r in parts] == [
        [p["track_id"] for p in r["persons"]] for r in one
    ]
    summary = json.loads((tmp_path / "parts" / "c.summary.json").read_text())
    assert (summary["batch"]["parts"], summary["tracks"]) == (5, 3)
    assert not list((tmp_path / "parts" / ".steadypose" / "parts").iterdir())
    if extra:
        names = {p.name for p in (tmp_path / "parts" / "c.crops").iterdir()}
        assert names == {"person0001", "person0002", "person0003"}
        assert sum(1 for _ in VideoSource(tmp_path / "parts" / "c.mp4")) == 250


def test_parts_that_are_done_are_not_done_again(
    batch: Batch,
    crossing_clip: Path,
    tmp_path: Path,
    crews: list[HandCrew],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = shutil.copy(crossing_clip, tmp_path / "c.mp4")
    command = (path, "-o", tmp_path / "out", "--split", "2", "--tracker.lost_s", "0.4")
    give = HandCrew.give

    def give_until_killed(self: HandCrew, slot: int, task: object) -> None:
        if len(self.done) == 3:
            raise KeyboardInterrupt
        give(self, slot, task)  # type: ignore[arg-type]

    monkeypatch.setattr(HandCrew, "give", give_until_killed)
    assert batch(*command)[0] == 130
    monkeypatch.setattr(HandCrew, "give", give)
    tracked: list[str] = []
    monkeypatch.setattr(
        "steadypose.stream.batch.worker.VideoSource",
        lambda *a, **k: tracked.append("part") or VideoSource(*a, **k),
    )
    assert batch(*command)[0] == 0
    assert len(tracked) == 3
    assert [e["event"] for e in events(tmp_path / "out")].count("done") == 1


@pytest.mark.parametrize("pictures", [False, True], ids=["poses", "pictures"])
def test_a_part_without_frames_leaves_a_gap(tmp_path: Path, pictures: bool) -> None:
    """As one that lies where a file is damaged."""
    path = write_clip(tmp_path / "c.mp4", frames=60, options={"g": "10"})
    keys = read_key_frames(path)
    assert keys is not None
    spans = plan_spans(keys, 0.8, 0.3)
    room, files = stand_in_room(), [tmp_path / f"{number}.npz" for number in range(len(spans))]
    for number, (span, file) in enumerate(zip(spans, files, strict=True)):
        source, writer = VideoSource(path, span=span), PartWriter(room.skeleton)
        for frame in source if number != 1 else ():
            writer.add(FrameResult(frame=frame, poses=people([1])))
        facts = {"warnings": [], "error": "" if number != 1 else "damaged", "elapsed_s": 2.0}
        writer.save(file, source.info, facts)
        source.close()
    run = JoinedRun(files, spans, room, VideoSource(path) if pictures else None)
    results: list[FrameResult] = []
    with pytest.raises(SourceError, match="damaged"):
        results.extend(iter(run))
    before, after = (keys.stamps.index(span.stop or 0) for span in spans[:2])
    assert [r.frame.index for r in results] == [*range(before), *range(after, 60)]
    assert {r.poses.track_ids.item() for r in results[:before]} == {1}
    assert {r.poses.track_ids.item() for r in results[before:]} == {2}
    assert (run.frames, run.work_s) == (len(results), 6.0)
    if pictures:
        assert numbers([r.frame for r in results]) == [r.frame.index for r in results]


def test_the_progress_of_a_split_video_is_that_of_all_parts(
    batch: Batch, crossing_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shutil.copy(crossing_clip, tmp_path / "c.mp4")
    seen: list[float] = []
    give = HandCrew.give

    def give_and_tell(self: HandCrew, slot: int, task: Task) -> None:
        give(self, slot, task)
        self._messages.appendleft(Progressed(slot=slot, frames=25, of=50))

    monkeypatch.setattr(HandCrew, "give", give_and_tell)
    monkeypatch.setattr(
        BatchProgress, "frames", lambda self, video, key, done, share: seen.append(share)
    )
    options = ("--split", "2", "--jobs", "1", "--tracker.lost_s", "0.4")
    assert batch(path, "-o", tmp_path / "out", *options)[0] == 0
    assert seen == [0.5, *(pytest.approx((n + 0.5) / 5) for n in range(5))]


def test_copies_of_a_video_do_not_share_their_parts(
    batch: Batch, crossing_clip: Path, tmp_path: Path, crews: list[HandCrew]
) -> None:
    (tmp_path / "in").mkdir()
    path = shutil.copy(crossing_clip, tmp_path / "in/c.mp4")
    shutil.copy(path, path.with_name("d.mp4"))
    options = ("--split", "2", "--jobs", "2", "--tracker.lost_s", "0.4", "--format", "jsonl")
    assert batch(path.parent, "-o", tmp_path / "out", *options)[0] == 0
    assert len(crews[0].done) == 2 * (1 + 5 + 1)
    assert (tmp_path / "out/c.jsonl").read_bytes() == (tmp_path / "out/d.jsonl").read_bytes()


def test_a_video_that_changes_between_its_parts(
    batch: Batch, crossing_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shutil.copy(crossing_clip, tmp_path / "c.mp4")
    give = HandCrew.give

    def give_another(self: HandCrew, slot: int, task: Task) -> None:
        if task.joins:
            encode(path, [scene([])] * 250)
        give(self, slot, task)

    monkeypatch.setattr(HandCrew, "give", give_another)
    out = tmp_path / "out"
    assert batch(path, "-o", out, "--split", "2", "--tracker.lost_s", "0.4")[0] == 3
    assert reasons(out)["c"] == f"{path}: it changed while it was tracked; run the batch again"
