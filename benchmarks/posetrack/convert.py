"""What ``steadypose convert`` does."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.formats.read import clip_files, read_clips
from steadypose.benchmarks.posetrack.formats.write import write_clip
from steadypose.errors import InputError, OutputError
from steadypose.poses import NO_TRACK


def run(options: argparse.Namespace) -> int:
    """Check the files, and write each in the other format if there is a folder for it."""
    folder, source = options.output, options.source
    if folder is not None:
        if folder.resolve() in (source.resolve(), source.resolve().parent):
            raise InputError(
                f"{folder}: holds the files that are read; choose another folder with -o"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be made: {error.strerror}") from error
    for file in clip_files(source):
        for clip in read_clips(file):
            print(f"{clip.name}: {len(clip.images)} images, {len(clip.persons)} persons")
            if folder is not None:
                wanted = renumbered(clip) if options.renumber else clip
                write_clip(wanted, folder / f"{clip.name}.json", options.to)
    return 0


def renumbered(clip: Clip) -> Clip:
    """The clip with its track ids numbered from 1, in the order in which they first appear."""
    ids = clip.persons.track_ids
    known, first, place = np.unique(ids, return_index=True, return_inverse=True)
    named = known != NO_TRACK
    new = np.full(len(known), NO_TRACK, np.int64)
    new[np.flatnonzero(named)[np.argsort(first[named])]] = np.arange(1, named.sum() + 1)
    return replace(clip, persons=replace(clip.persons, track_ids=new[place]))
