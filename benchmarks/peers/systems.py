"""The kinds of systems compared: their commands, and where they leave what they found."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steadypose.benchmarks.peers.media import clip_rate, clip_size, picture_size
from steadypose.benchmarks.peers.seen import Seen, read_labels, read_program, read_steadypose
from steadypose.configs import load_config
from steadypose.engines import zoo
from steadypose.engines.detectors.load import FAMILIES
from steadypose.errors import InputError

_PROGRAM = Path(__file__).parent / "programs" / "program.py"
_FIRST = """
import sys
from steadypose import Pipeline, load_config
config = load_config(sys.argv[2], {"runtime": {"threads": int(sys.argv[3])}})
for result in Pipeline(config).run(sys.argv[1]):
    print("frame 1", flush=True)
    break
"""
Command = list[str]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a system is to work on.

    Attributes:
        home: Folder of its environment.
        source: A video, or a folder of pictures.
        out: An empty folder for what it writes.
        threads: Cores and threads that it may use.
    """

    home: Path
    source: Path
    out: Path
    threads: int

    def program(self, name: str) -> str:
        """A program of the environment. Raises InputError where it is not there."""
        path = self.home / "bin" / name
        if not path.exists():
            raise InputError(f"{path}: not there; make it with benchmarks/peers/make_peers.sh")
        return str(path)


@dataclass(frozen=True, kw_only=True)
class System(ABC):
    """One that finds people in videos.

    Attributes:
        name: What it is called in tables and by ``--only``.
        environment: Folder of its environment below that of all.
        licence: Of its code and networks.
        several: Whether it finds more than one person.
        names: Whether it gives ids.
        env: Variables it is run with.
    """

    name: str
    environment: str
    licence: str
    several: bool = True
    names: bool = True
    env: Mapping[str, str] = field(default_factory=dict)

    @abstractmethod
    def networks(self, home: Path) -> list[Path]:
        """Files of networks that it needs beside what is installed in ``home``."""

    @abstractmethod
    def track(self, job: Job) -> Command:
        """The command that finds the people of all frames of a video, with ids."""

    @abstractmethod
    def tracked(self, job: Job) -> dict[str, Seen]:
        """What it wrote, by frame number, from 0; frames without people may be missing."""

    @abstractmethod
    def find(self, job: Job) -> Command:
        """The command that finds the people of pictures."""

    @abstractmethod
    def found(self, job: Job) -> dict[str, Seen]:
        """What it wrote, by name of the picture."""

    def first(self, job: Job) -> Command | None:  # noqa: ARG002
        """The command that tells when the first frame is done, where ``track`` does not."""
        return None

    def frame_ms(self, job: Job) -> float | None:  # noqa: ARG002
        """Milliseconds a frame that it wrote down itself, where ``track`` does not tell."""
        return None


@dataclass(frozen=True, kw_only=True)
class Steadypose(System):
    """The command ``steadypose track`` with a preset, installed like the others.

    Without the refiner, which was trained on most of the pictures that AP is measured on.
    """

    preset: str

    @classmethod
    def of(cls, preset: str) -> Steadypose:
        """With the name of a preset, or of a file."""
        name = f"Steadypose {Path(preset).stem}"
        return cls(name=name, environment="steadypose", licence="Apache-2.0", preset=preset)

    def networks(self, home: Path) -> list[Path]:  # noqa: ARG002
        """Those of the preset, from the catalogue."""
        config = load_config(self.preset)
        detectors = FAMILIES.get(config.detector.model, (config.detector.model,))
        return [zoo.locate(name) for name in (*detectors, config.estimator.model)]

    def track(self, job: Job) -> Command:
        """The command, writing the JSON lines alone."""
        command = [job.program("steadypose"), "track", str(job.source), "-o", str(job.out)]
        command += ["--config", self.preset, "--runtime.threads", str(job.threads)]
        return [*command, "--refiner", "off", "--format", "jsonl", "--quiet"]

    def tracked(self, job: Job) -> dict[str, Seen]:
        """Read the JSON lines."""
        return read_steadypose(_only(job.out, "*.jsonl"))

    def find(self, job: Job) -> Command:
        """``stills``, as installed there."""
        command = [job.program("python"), "-m", "steadypose.benchmarks.peers.stills"]
        target = str(job.out / "found.jsonl")
        return [*command, str(job.source), target, self.preset, str(job.threads)]

    def found(self, job: Job) -> dict[str, Seen]:
        """Read what ``stills`` wrote."""
        return read_program(job.out / "found.jsonl")

    def first(self, job: Job) -> Command:
        """The same through the Python API, up to its first result."""
        command = [job.program("python"), "-c", _FIRST, str(job.source), self.preset]
        return [*command, str(job.threads)]

    def frame_ms(self, job: Job) -> float | None:
        """From the summary: first decoded frame to the last one written."""
        summary = json.loads(_only(job.out, "*.summary.json").read_text(encoding="utf-8"))
        return 1000 / float(summary["fps"])


@dataclass(frozen=True, kw_only=True)
class Program(System):
    """A library, driven by a module of ``programs/`` in its own environment.

    Attributes:
        module: Name of the module.
        options: Its options.
        models: Networks of Steadypose's catalogue that it is given, by option.
        files: Files of its environment's folder ``models`` that it is given, by option.
    """

    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def networks(self, home: Path) -> list[Path]:
        """Those that it is given."""
        return list(self._given(home).values())

    def track(self, job: Job) -> Command:
        """The program over a clip."""
        return self._command(job, "clip", {"fps": clip_rate(job.source)})

    def tracked(self, job: Job) -> dict[str, Seen]:
        """Read what it wrote."""
        return read_program(job.out / "found.jsonl")

    def find(self, job: Job) -> Command:
        """The program over pictures."""
        return self._command(job, "pictures", {})

    def found(self, job: Job) -> dict[str, Seen]:
        """Read what it wrote."""
        return self.tracked(job)

    def _command(self, job: Job, kind: str, more: Mapping[str, Any]) -> Command:
        given = {option: str(path) for option, path in self._given(job.home).items()}
        options = {**self.options, **given, "threads": job.threads, **more}
        script = [job.program("python"), "-E", "-s", str(_PROGRAM), self.module, kind]
        return [*script, str(job.source), str(job.out / "found.jsonl"), json.dumps(options)]

    def _given(self, home: Path) -> dict[str, Path]:
        models = {option: zoo.locate(model) for option, model in self.models.items()}
        return {**models, **{o: home / "models" / name for o, name in self.files.items()}}


@dataclass(frozen=True, kw_only=True)
class Yolo(System):
    """The command ``yolo`` of Ultralytics, with the tracker that it takes by default.

    Attributes:
        weights: File in the environment's folder ``models``.
        size: Longer side that pictures are brought to, px.
    """

    weights: str
    size: int = 640
    environment: str = "ultralytics"
    licence: str = "AGPL-3.0"
    env: Mapping[str, str] = field(
        default_factory=lambda: {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
    )

    def networks(self, home: Path) -> list[Path]:
        """The weights."""
        return [home / "models" / self.weights]

    def track(self, job: Job) -> Command:
        """``yolo track``, writing label files."""
        return self._command(job, "track")

    def tracked(self, job: Job) -> dict[str, Seen]:
        """Read the labels; frames are counted from 1 in the names of their files."""
        size, prefix = clip_size(job.source), f"{job.source.stem}_"
        return {
            str(int(path.stem.removeprefix(prefix)) - 1): read_labels(_text(path), size)
            for path in self._labels(job).glob("*.txt")
        }

    def find(self, job: Job) -> Command:
        """``yolo predict``, down to the low scores that AP asks for."""
        return [*self._command(job, "predict"), "conf=0.01"]

    def found(self, job: Job) -> dict[str, Seen]:
        """Read the labels."""
        people = {}
        for picture in job.source.iterdir():
            path = self._labels(job) / f"{picture.stem}.txt"
            if path.exists():
                people[picture.name] = read_labels(_text(path), picture_size(picture))
        return people

    def _labels(self, job: Job) -> Path:
        return job.out / "run" / "labels"

    def _command(self, job: Job, what: str) -> Command:
        model = job.home / "models" / self.weights
        settings = {"task": "pose", "device": "cpu", "imgsz": self.size, "exist_ok": True}
        written = {"save": False, "save_txt": True, "save_conf": True, "verbose": True}
        files = {"model": model, "source": job.source, "project": job.out, "name": "run"}
        told = [f"{key}={value}" for key, value in {**files, **settings, **written}.items()]
        return [job.program("yolo"), what, *told]


def _only(folder: Path, pattern: str) -> Path:
    paths = sorted(folder.glob(pattern))
    if len(paths) != 1:
        raise InputError(f"{folder}: expected one {pattern}, found {len(paths)}")
    return paths[0]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
