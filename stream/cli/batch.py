"""``steadypose batch``: a shelf of videos, resumable, on this machine or a cluster."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadypose.errors import ConfigError, InputError
from steadypose.stream.cli.options import positive
from steadypose.stream.cli.track import add_settings, make_folder, settings_of
from steadypose.stream.complaints import EXIT_DONE, EXIT_INTERRUPTED, complain

if TYPE_CHECKING:
    from steadypose.configs import Config
    from steadypose.stream.batch.crew import Crew
    from steadypose.stream.batch.manifest import Manifest
    from steadypose.stream.batch.places import Place
    from steadypose.stream.batch.videos import Result, Video
    from steadypose.stream.batch.worker import Orders

EXIT_SOME_FAILED = 3
_MEMORY_OF_A_WORKER = 900 * 2**20
_SHARE_ON_GPU = 4


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "batch",
        help="track many videos, resumably, in parallel",
        description="Track every video of each PATH and write the results to DIR, in the same "
        "tree. What is finished is skipped, so that the same command goes on where it was stopped.",
        epilog="Exit codes: 0 all done, 2 usage or bad input, 3 some videos failed, 130 "
        "interrupted. Every setting below may also stand in a YAML file given to --config.",
    )
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="video, folder, glob, URL, or @FILE with one of them a line (@-: standard input)",
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder or URL of the results"
    )
    _add_course(parser)
    _add_cluster(parser)
    add_settings(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress, no table")
    parser.set_defaults(run=run, parser=parser)


def _add_course(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-j", "--jobs", type=positive, metavar="N", help="workers [one a core, as memory allows]"
    )
    parser.add_argument(
        "--share",
        type=positive,
        metavar="N",
        help="videos that a worker does at once, whose people share batches [1; on a GPU 4]",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and end")
    parser.add_argument("--fail-fast", action="store_true", help="end at the first that fails")
    parser.add_argument(
        "--retry-failed",
        action="store_true",
        help="only videos that failed, or were interrupted, in the last batch",
    )
    parser.add_argument(
        "--retries",
        type=int,
        default=1,
        metavar="N",
        help="how often to try again when a worker was lost [default %(default)s]",
    )
    parser.add_argument("--max-memory", metavar="M", help="memory of a worker, e.g. 2G (Linux)")
    parser.add_argument(
        "--rehash", action="store_true", help="read finished videos again to see if they changed"
    )
    parser.add_argument(
        "--split",
        type=float,
        default=0.0,
        metavar="S",
        help="split videos into parts of about S seconds that are tracked in parallel",
    )


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("cluster")
    group.add_argument(
        "--ray", metavar="A", help="run on Ray: auto, local, or the address of a cluster"
    )
    group.add_argument(
        "--ray-cpus", type=positive, metavar="N", help="cores of a worker [default 1]"
    )
    group.add_argument(
        "--ray-gpus", type=float, metavar="N", help="GPUs of a worker [1 with --device cuda]"
    )


def run(options: argparse.Namespace) -> int:
    """Plan, leave out what is done, run the rest, tell what became of it."""
    _check(options)
    config = settings_of(options)
    # These bring the video and network libraries along, which --help need not wait for.
    from steadypose.stream.batch.lock import sole_use
    from steadypose.stream.batch.manifest import plan_table
    from steadypose.stream.batch.places import is_url, open_place

    if options.dry_run:
        print("\n".join(plan_table(_states(options, config, open_place(options.output))[1])))
        return EXIT_DONE
    if not is_url(options.output):
        make_folder(Path(options.output).expanduser())
    place = open_place(options.output)
    with sole_use(place):
        return _do(options, config, place)


def _do(options: argparse.Namespace, config: Config, place: Place) -> int:
    from steadypose.stream.batch.manifest import Manifest
    from steadypose.stream.batch.videos import SKIPPED

    key, states = _states(options, config, place)
    if options.retry_failed and not states:
        print(f"{options.output}: no video failed in the last batch")
        return EXIT_DONE
    todo = [video for video, state in states if state.outcome != SKIPPED]
    facts = {"settings": {"name": config.name, "sha256": key}}
    manifest = Manifest(place, states, facts)
    if todo:
        stopped = _run_batch(_crew(options, config, key, len(todo)), place, manifest, todo, options)
    else:
        stopped = False
        manifest.save(ended=True)
    return _conclude(manifest.results(), stopped=stopped, quiet=options.quiet)


def _states(
    options: argparse.Namespace, config: Config, place: Place
) -> tuple[str, list[tuple[Video, Result]]]:
    """The settings' key, and what is known of every video before the batch."""
    from steadypose.stream.batch.fingerprint import settings_key
    from steadypose.stream.batch.ledger import Ledger
    from steadypose.stream.batch.manifest import failed_before
    from steadypose.stream.batch.planning import plan
    from steadypose.stream.batch.videos import SKIPPED

    videos = plan(options.paths, options.output)
    failed = failed_before(place) if options.retry_failed else {}
    if options.retry_failed:
        videos = [video for video in videos if video.name in failed]
    overlap = _overlap_s(config) if options.split else 0.0
    key = settings_key(config, max_frames=options.max_frames, split=[options.split, overlap])
    states = Ledger(place=place, key=key, rehash=options.rehash).survey(videos)
    # Until it is tried again a video has failed, so that a retry that is stopped can be resumed.
    return key, [
        (video, state if state.outcome == SKIPPED else failed.get(video.name, state))
        for video, state in zip(videos, states, strict=True)
    ]


def _run_batch(
    crew: Crew,
    place: Place,
    manifest: Manifest,
    todo: Sequence[Video],
    options: argparse.Namespace,
) -> bool:
    """Do the videos; True when a signal ended it."""
    from steadypose.stream.batch.progress import BatchProgress
    from steadypose.stream.batch.run import Batch, Policy
    from steadypose.stream.interrupt import stop_on_signal

    for video in todo:
        place.sweep(video.name)
    progress = BatchProgress(todo, quiet=options.quiet)
    policy = Policy(retries=options.retries, fail_fast=options.fail_fast)
    batch = Batch(crew, manifest, place, progress, policy)
    with stop_on_signal(batch.stop) as asked:
        try:
            batch.run(todo)
        finally:
            progress.close()
    return asked.is_set()


def _crew(options: argparse.Namespace, config: Config, key: str, videos: int) -> Crew:
    from steadypose.stream.batch.limits import decoder_share, parse_memory, share_of_threads
    from steadypose.stream.batch.processes import ProcessCrew
    from steadypose.stream.batch.worker import Orders

    memory = parse_memory(options.max_memory) if options.max_memory else None

    def orders(threads: int, share: int) -> Orders:
        own = config.runtime.threads or threads
        return Orders(
            config=replace(config, runtime=replace(config.runtime, threads=own)),
            output=options.output,
            key=key,
            decoder_threads=decoder_share(own, share),
            max_frames=options.max_frames,
            split_s=options.split,
            overlap_s=_overlap_s(config) if options.split else 0.0,
            memory=memory,
            share=share,
        )

    if options.ray:
        from steadypose.stream.batch.ray_crew import RayCrew

        cpus = options.ray_cpus or 1
        gpus = options.ray_gpus
        if gpus is None:
            gpus = 1.0 if config.runtime.device.startswith("cuda") else 0.0
        share = options.share or (_SHARE_ON_GPU if gpus and memory is None else 1)
        crew = orders(cpus, share)
        return RayCrew(crew, options.ray, cpus=cpus, gpus=gpus, jobs=options.jobs)
    on_gpu = _runs_on_gpu(config)
    jobs = options.jobs or (1 if on_gpu else _default_jobs())
    share = options.share or (_SHARE_ON_GPU if on_gpu and memory is None else 1)
    if not options.split:
        jobs = min(jobs, videos)
        share = min(share, -(-videos // jobs))
    return ProcessCrew(orders(share_of_threads(jobs), share), jobs)


def _runs_on_gpu(config: Config) -> bool:
    from steadypose.engines.runtimes.signs import nvidia_at_hand

    device = config.runtime.device
    # An installed TensorRT alone is no sign of a card.
    return device != "cpu" and (device != "auto" or "NVIDIA" in nvidia_at_hand())


def _default_jobs() -> int:
    """One worker a core, and no more than memory is free for."""
    from steadypose.stream.batch.limits import available_memory, cores

    free = available_memory()
    return max(1, min(cores(), free // _MEMORY_OF_A_WORKER if free else cores()))


def _overlap_s(config: Config) -> float:
    """Long enough that whoever is known before a seam was seen in the overlap."""
    from steadypose.configs import build
    from steadypose.trackers import TrackerSettings

    return build(TrackerSettings, config.tracker, "tracker").lost_s + 1.0


def _check(options: argparse.Namespace) -> None:
    if options.split and options.split < 1:
        raise ConfigError(f"--split: expected 1 second or more, got {options.split:g}")
    if options.split and options.max_frames:
        raise ConfigError("--split and --max-frames cannot be used together")
    if options.retries < 0:
        raise ConfigError(f"--retries: expected 0 or more, got {options.retries}")
    if options.max_memory and (options.share or 1) > 1:
        raise ConfigError(
            "--max-memory and --share cannot be used together: a video that takes too much would "
            "take it from those beside it"
        )
    if options.ray is None and (options.ray_cpus or options.ray_gpus is not None):
        raise InputError("--ray-cpus and --ray-gpus need --ray")


def _conclude(results: Sequence[tuple[Video, Result]], *, stopped: bool, quiet: bool) -> int:
    from steadypose.stream.batch.manifest import table
    from steadypose.stream.batch.videos import FAILED, PENDING

    failed = [(video, result) for video, result in results if result.outcome == FAILED]
    if quiet:
        for video, result in failed:
            complain(f"{video.name}: {result.reason}", EXIT_SOME_FAILED)
    else:
        print("\n".join(table(results)))
    if stopped:
        left = sum(result.outcome in (PENDING, "interrupted") for _, result in results)
        return complain(f"interrupted; {left} videos are left", EXIT_INTERRUPTED)
    return EXIT_SOME_FAILED if failed else EXIT_DONE
