"""One worker: networks that are loaded once, and tasks done one after another."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from steadypose.configs import Config
from steadypose.errors import InputError, SourceError
from steadypose.stream.batch.fingerprint import content_sha256, quick_stamp
from steadypose.stream.batch.ledger import HIDDEN
from steadypose.stream.batch.limits import limit_memory, reason_of
from steadypose.stream.batch.parts import PartWriter
from steadypose.stream.batch.places import Place, at_hand, open_place
from steadypose.stream.batch.splitting import JoinedRun, plan_spans
from steadypose.stream.batch.videos import (
    DONE,
    FAILED,
    INTERRUPTED,
    SPLIT,
    Result,
    Task,
    Video,
)
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.interrupt import stop_on_signal
from steadypose.stream.pipeline import Pipeline, Run
from steadypose.stream.recording import Recorded, write_results
from steadypose.stream.records import Source
from steadypose.stream.shared_batches import Filling, SharedBatches
from steadypose.stream.sources import VideoSource, open_source
from steadypose.stream.sources.span import Span, read_key_frames

Tell = Callable[[int, int], None]
"""Takes the frames that are done of a task and those that it promises, 0 where not known."""
_TELL_S = 0.25


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What holds for all tasks of a batch.

    Attributes:
        config: The settings, with the threads of one worker.
        output: Folder or URL of the results.
        key: Of the settings, kept in every summary; see ``settings_key``.
        decoder_threads: Threads that decode.
        max_frames: Frames of each video, or None for all.
        split_s: Length in seconds of the parts of a long video; 0 to split none.
        overlap_s: How long two parts see the same frames.
        memory: Bytes of memory a worker may use, or None.
        share: Tasks that a worker does at once, whose people share batches.
    """

    config: Config
    output: str
    key: str
    decoder_threads: int = 1
    max_frames: int | None = None
    split_s: float = 0.0
    overlap_s: float = 0.0
    memory: int | None = None
    share: int = 1


class Worker:
    """Does tasks; never raises for what is wrong with a video.

    The limit of memory that the orders may set holds for the whole process from now on. To be
    closed, or used as a context manager.

    Args:
        orders: What holds for all tasks.
        room: Networks that are loaded already; else they are loaded here.

    Raises:
        SteadyposeError: The networks cannot be loaded, or the output cannot be opened.
    """

    def __init__(self, orders: Orders, room: EngineRoom | None = None) -> None:
        self._orders = orders
        self._place: Place = open_place(orders.output)
        self._pipeline = Pipeline(orders.config, room)
        self._pipeline.room.tracker()
        self._batches = SharedBatches(self._pipeline.room) if orders.share > 1 else None
        # Only now: a library that is loaded without enough memory may wait for it for ever.
        if orders.memory:
            limit_memory(orders.memory)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the networks, when all tasks are over."""
        if self._batches is not None:
            self._batches.close()

    def do(self, task: Task, tell: Tell) -> Result:
        """Do a task and say what became of it. Safe from as many threads as ``Orders.share``."""
        started = time.perf_counter()
        video = task.video
        local = video.source
        try:
            if video.problem:
                raise InputError(f"{video.shown}: {video.problem}")
            with at_hand(video.source) as local:
                result = self._do(task, local, _Teller(tell))
        # Nothing that a video can do to a library may end the worker.
        except Exception as error:
            result = Result(outcome=FAILED, reason=reason_of(error, self._orders.memory))
        elapsed = time.perf_counter() - started
        reason = result.reason.replace(local, video.shown)
        return replace(result, reason=reason, elapsed_s=result.elapsed_s or elapsed)

    def _do(self, task: Task, local: str, teller: _Teller) -> Result:
        if task.joins:
            return self._join(task, local, teller)
        if task.part is not None:
            return self._track_part(task, task.spans[task.part], local, teller)
        notes = self._notes(task.video, local)
        spans = self._spans(local)
        if spans:
            return Result(outcome=SPLIT, spans=spans, sha256=notes["sha256"])
        return self._track(task.video, local, notes, teller)

    def _track(self, video: Video, local: str, notes: dict[str, Any], teller: _Teller) -> Result:
        source = open_source(
            local,
            max_frames=self._orders.max_frames,
            decoder_threads=self._orders.decoder_threads,
        )
        teller.frames = source.info.frames or 0
        with self._running(source) as (run, filling), self._writing(video) as folder:

            def last_words() -> dict[str, Any]:
                return {"batch": notes | ({"sharing": asdict(filling)} if filling else {})}

            recorded = write_results(run, folder, video.stem, watcher=teller, notes=last_words)
        return replace(self._result(recorded, notes["sha256"]), filling=filling)

    @contextlib.contextmanager
    def _running(self, source: Source) -> Iterator[tuple[Run, Filling | None]]:
        """A run over a source, in company where the worker does several tasks at once."""
        with contextlib.closing(source):
            if self._batches is None:
                yield self._pipeline.run(source), None
                return
            with self._batches.guest() as guest:
                yield self._pipeline.run(source, guest.take), guest.filling

    def _spans(self, local: str) -> tuple[Span, ...]:
        if not self._orders.split_s or self._orders.max_frames or not Path(local).is_file():
            return ()
        keys = read_key_frames(Path(local))
        return plan_spans(keys, self._orders.split_s, self._orders.overlap_s) if keys else ()

    def _track_part(self, task: Task, span: Span, local: str, teller: _Teller) -> Result:
        """Track one part, unless an earlier batch has; its results wait for the others'."""
        name = self._part_name(task, task.part or 0)
        if self._place.sizes([name])[0] is not None:
            return Result(outcome=DONE)
        started, writer, error = time.perf_counter(), PartWriter(self._pipeline.room.skeleton), ""
        source = VideoSource(Path(local), decoder_threads=self._orders.decoder_threads, span=span)
        teller.frames = source.info.frames or 0
        with self._running(source) as (run, _), stop_on_signal(run.stop) as asked:
            try:
                for result in run:
                    writer.add(result)
                    teller.update(len(result.poses))
            except SourceError as failure:
                error = str(failure)
        if asked.is_set():
            return Result(outcome=INTERRUPTED)
        elapsed = time.perf_counter() - started
        facts = {"warnings": source.warnings, "error": error, "elapsed_s": elapsed}
        folder, _, file = name.rpartition("/")
        with self._place.writing(folder) as made:
            writer.save(made / file, source.info, facts)
        return Result(outcome=DONE, elapsed_s=elapsed)

    def _join(self, task: Task, local: str, teller: _Teller) -> Result:
        """Write the results of a split video from those of its parts."""
        video = task.video
        ours = self._notes(video, local) | {"parts": len(task.spans)}
        if ours["sha256"] != task.sha256:
            raise InputError(f"{video.shown}: it changed while it was tracked; run the batch again")
        names = [self._part_name(task, number) for number in range(len(task.spans))]
        with contextlib.ExitStack() as opened:
            files = [opened.enter_context(self._place.reading(name)) for name in names]
            needs = self._orders.config.output
            pictures = None
            if needs.save_video or needs.crops or needs.blur != "off":
                pictures = VideoSource(Path(local), decoder_threads=self._orders.decoder_threads)
                opened.callback(pictures.close)
            run = JoinedRun(files, task.spans, self._pipeline.room, pictures)

            def last_words() -> dict[str, Any]:
                speed = {
                    "elapsed_s": round(run.work_s, 3),
                    "fps": round(run.frames / run.work_s, 2),
                }
                return {"batch": ours, **speed}

            with self._writing(video) as folder:
                recorded = write_results(run, folder, video.stem, watcher=teller, notes=last_words)
        result = self._result(recorded, task.sha256)
        if result.outcome == DONE:
            self._place.remove(_parts_of(video))
        return replace(result, elapsed_s=run.work_s)

    @contextlib.contextmanager
    def _writing(self, video: Video) -> Iterator[Path]:
        """The folder for a video's results, in which nothing says any more that it is done."""
        self._place.remove(video.summary)
        with self._place.writing(video.folder) as folder:
            yield folder

    def _notes(self, video: Video, local: str) -> dict[str, Any]:
        """By what the results are known again: the stamp is taken first, lest it be too new."""
        stamp = quick_stamp(video.source)
        return {"settings": self._orders.key, "sha256": content_sha256(local), "stamp": stamp}

    def _part_name(self, task: Task, part: int) -> str:
        folder = f"{task.sha256[:16]}-{self._orders.key[:16]}"
        return f"{_parts_of(task.video)}/{folder}/{part + 1:04d}-of-{len(task.spans):04d}.npz"

    def _result(self, recorded: Recorded, sha256: str) -> Result:
        report, error = recorded.report, recorded.error
        return Result(
            outcome=recorded.outcome,
            reason=reason_of(error, self._orders.memory) if error else "",
            frames=report["frames"],
            people=report["tracks"],
            warnings=tuple(report["warnings"]),
            sha256=sha256,
        )


def _parts_of(video: Video) -> str:
    """The folder for parts of a video, of whatever content and settings."""
    return f"{HIDDEN}/parts/{hashlib.sha256(video.name.encode()).hexdigest()[:16]}"


class _Teller:
    """Passes on how many frames are done, a few times a second."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._done = 0
        self._told_s = 0.0
        self.frames = 0

    def update(self, people: int) -> None:  # noqa: ARG002
        """One more frame is done."""
        self._done += 1
        now = time.monotonic()
        if now - self._told_s >= _TELL_S:
            self._told_s = now
            self._tell(self._done, self.frames)
