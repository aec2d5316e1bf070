"""Test material cut from a few videos, and the command that is measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from steadypose.errors import InputError


def batch_command(
    paths: Sequence[Path], output: Path, options: Sequence[str], *, config: str
) -> list[str]:
    """The command line of a batch."""
    command = [sys.executable, "-m", "steadypose.stream.cli.main", "batch", *map(str, paths)]
    return [*command, "-o", str(output), "--config", config, *options]


def run_batch(paths: Sequence[Path], output: Path, options: Sequence[str], *, config: str) -> None:
    """Run a batch to its end. Raises InputError with what it said when not all was done."""
    command = batch_command(paths, output, options, config=config)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"the batch ended with {done.returncode}: {done.stdout}{done.stderr}")


def cut_clips(videos: Sequence[Path], folder: Path, count: int, frames: int) -> list[Path]:
    """Cut clips by copying packets, each from a key frame on, of ``frames`` and a few more.

    Args:
        videos: Where from, in turn.
        folder: Where to; made where it is missing.
        count: Number of clips.
        frames: Least number of packets; the n-th clip of a video has n more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clips = []
    for number in range(count):
        video = videos[number % len(videos)]
        clip = folder / f"{number:02d}-{video.stem}{video.suffix}"
        _copy_packets(video, clip, number // len(videos), frames + number // len(videos))
        clips.append(clip)
    return clips


def _copy_packets(video: Path, clip: Path, turn: int, count: int) -> None:
    """Copy ``count`` packets from the ``turn``-th key frame, counted round and round."""
    with av.open(str(video)) as source, av.open(str(clip), "w") as target:
        stream: Any = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.size]
        keys = [n for n, packet in enumerate(packets) if packet.is_keyframe]
        start = keys[turn % len(keys)]
        copied = target.add_stream_from_template(stream)
        offset = packets[start].dts or 0
        for packet in packets[start : start + count]:
            packet.stream = copied
            packet.dts = None if packet.dts is None else packet.dts - offset
            packet.pts = None if packet.pts is None else packet.pts - offset
            target.mux(packet)


def long_video(video: Path, target: Path, seconds: float, key_s: float = 2.0) -> Path:
    """Encode a video forwards, backwards, forwards ... until it is long enough.

    Played to and fro, people neither jump nor vanish where it turns.
    """
    with av.open(str(video)) as source:
        stream = source.streams.video[0]
        rate = Fraction(stream.average_rate or 25)
        pictures = [frame.reformat(format="yuv420p") for frame in source.decode(stream)]
    wanted = round(seconds * float(rate))
    with av.open(str(target), "w") as container:
        options = {"preset": "veryfast", "crf": "20", "g": str(round(key_s * float(rate)))}
        made: Any = container.add_stream("libx264", rate=rate, options=options)
        made.width, made.height, made.pix_fmt = pictures[0].width, pictures[0].height, "yuv420p"
        for number in range(wanted):
            turn, place = divmod(number, len(pictures))
            picture = pictures[-1 - place if turn % 2 else place]
            picture.pts, picture.time_base = number, 1 / rate
            container.mux(made.encode(picture))
        container.mux(made.encode(None))
    return target
