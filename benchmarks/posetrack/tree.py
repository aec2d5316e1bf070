"""A PoseTrack tree on disk: where annotations and pictures are, and whether they fit together.

Pictures are in ``ROOT/images/<split>/<video>/``, annotations in ``ROOT/annotations/<split>/``
(PoseTrack 2017 and 2018) or ``ROOT/posetrack_data/<split>/`` (PoseTrack21), a file for each video.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.formats.read import clip_files, read_clips
from steadypose.configs import unknown
from steadypose.errors import InputError

_ANNOTATIONS = ("annotations", "posetrack_data")


@dataclass(frozen=True)
class Sequence:
    """One video of a tree.

    Attributes:
        clip: Its annotations.
        pictures: The file of each image.
    """

    clip: Clip
    pictures: tuple[Path, ...]


@dataclass(frozen=True)
class Tree:
    """The sequences of one split.

    Attributes:
        root: Folder that the pictures' ``file_name`` start from.
        files: The annotation files, by name.
    """

    root: Path
    files: tuple[Path, ...]

    @property
    def names(self) -> list[str]:
        """What the sequences are called."""
        return [file.stem for file in self.files]

    @classmethod
    def find(cls, root: Path, split: str, only: tuple[str, ...] = ()) -> Tree:
        """Find a split's annotation files.

        Args:
            root: The tree.
            split: ``val``, ``train`` ...
            only: Take these sequences alone.

        Raises:
            InputError: There is no such split, or no such sequence.
        """
        folders = [root / name / split for name in _ANNOTATIONS]
        there = [folder for folder in folders if folder.is_dir()]
        if not there:
            known = sorted({p.name for f in folders for p in f.parent.glob("*") if p.is_dir()})
            hint = f"; it has {', '.join(known)}" if known else ""
            tried = " or ".join(str(folder) for folder in folders)
            raise InputError(f"{root}: no split '{split}' (looked for {tried}){hint}")
        files = {file.stem: file for file in clip_files(there[0])}
        for name in only:
            if name not in files:
                raise InputError(f"{there[0]}: " + unknown("sequence", name, list(files)))
        return cls(root, tuple(file for n, file in files.items() if not only or n in only))

    def read(self, file: Path) -> Sequence:
        """Read and check one sequence.

        Raises:
            InputError: A field cannot be used, ``nframes`` is wrong, or a picture is missing.
        """
        clips = read_clips(file)
        if len(clips) > 1:
            raise InputError(f"{file}: holds {len(clips)} videos; a tree has one file for each")
        clip = clips[0]
        for row, promised in enumerate(clip.images.promised.tolist()):
            if promised not in (-1, len(clip.images)):
                raise InputError(
                    f"{clip.where(row)}: 'nframes' is {promised}, but {len(clip.images)} images "
                    "are listed"
                )
        return Sequence(clip, tuple(self._picture(clip, i) for i in range(len(clip.images))))

    def _picture(self, clip: Clip, row: int) -> Path:
        """The picture of an image; PoseTrack 2017 leaves ``images`` out of its names."""
        name = clip.images.files[row]
        for path in (self.root / name, self.root / "images" / name):
            if path.is_file():
                return path
        raise InputError(f"{clip.where(row)}: 'file_name': no picture {self.root / name}")
