"""How far exports in other precisions, and torch, are from the refiner on real crops."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.networks import PADDING, SIZE, Joints, RefinerFile
from steadypose.benchmarks.refiner.resampling import Interval
from steadypose.engines.crops import cut
from steadypose.engines.refiner.joining import settle
from steadypose.engines.refiner.refine import GIVEN_WEIGHT, KEEP_BELOW

_PEOPLE = 48
_AT_ONCE = 8
_TORCH, _PRECISION = Target("change", "<=", 0.05), Target("change", "<=", 0.5)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Crops:
    """Crops of real people and what the first base finds in them, crop pixels.

    Attributes:
        images: ``(N, H, W, 3)`` uint8 BGR.
        pose: ``(N, 19, 3)``.
    """

    images: NDArray[np.uint8]
    pose: Joints

    def run(self, refiner: RefinerFile) -> Joints:
        """What an export makes of them, without a prior."""
        nothing = np.zeros_like(self.pose)
        found = []
        for part in self.parts():
            feeds: dict[str, NDArray[Any]] = {
                "image": self.images[part],
                "pose": self.pose[part],
                "prior": nothing[part],
            }
            found.append(refiner.engine.infer(feeds)["keypoints"])
        return np.concatenate(found)

    def settled(self, found: Joints) -> Joints:
        """What ``PoseRefiner`` makes of what a network found."""
        return settle(self.pose, found, SIZE[0], given_weight=GIVEN_WEIGHT, keep_below=KEEP_BELOW)

    def parts(self) -> list[slice]:
        """A batch at a time."""
        return [slice(i, i + _AT_ONCE) for i in range(0, len(self.images), _AT_ONCE)]


def measure(context: Context) -> list[Figure]:
    """Each further export against the FP32 one: the networks alone, and what ``PoseRefiner`` gives.

    Where torch is installed also torch in FP32, and torch with every convolution in FP16, whose
    results are rounded to halves: processors compute FP16 files in FP32.
    """
    threads = context.settings.threads
    crops = _crops(context)
    files = [context.bench.refiner]
    files += [RefinerFile(model, threads) for model in context.settings.compare]
    found = {_name(file): crops.run(file) for file in files}
    single = [file for file in files if file.precision == "fp32"]
    reference = _name((single or files)[0])
    others = [(n, joints, _PRECISION) for n, joints in found.items() if n != reference]
    if find_spec("torch") and context.bench.refiner.variant != "unknown":
        full, half = _torch(context.bench.refiner.path, crops)
        others += [("torch", full, _TORCH), ("torch in FP16", half, _PRECISION)]
    figures = []
    for name, joints, target in others:
        for how, shown in (("", _as_found), (", settled with the estimator's", crops.settled)):
            names = f"{name} against {reference}{how}"
            figures.append(_figure(names, shown(joints), shown(found[reference]), target))
    return figures


def _as_found(joints: Joints) -> Joints:
    return joints


def _name(file: RefinerFile) -> str:
    return f"{file.path.name} ({file.precision})"


def _crops(context: Context) -> _Crops:
    images, poses = [], []
    for people in context.data.sets:
        some = people.some(_PEOPLE, "parity")
        crops = cut(list(context.bench.images(some.rows)), some.rows.boxes, SIZE, PADDING)
        pose = context.bench.estimate(context.bench.bases[0], some.rows)
        places = np.where(pose[..., 2:] > 0, crops.from_frame(pose[..., :2]), 0)
        images.append(crops.images)
        poses.append(np.concatenate([places, pose[..., 2:]], 2).astype(np.float32))
    return _Crops(images=np.concatenate(images), pose=np.concatenate(poses))


def _torch(path: Path, crops: _Crops) -> list[Joints]:
    """What torch makes of them in FP32 and in FP16, with the weights of the export."""
    import torch

    from steadypose.engines.refiner.export import halved
    from steadypose.engines.refiner.exported import read_exported

    model = read_exported(path).eval()
    found = []
    with torch.inference_mode():
        for each in (model, halved(model)):
            parts = []
            for part in crops.parts():
                pose = torch.from_numpy(crops.pose[part])
                joints = each(torch.from_numpy(crops.images[part]), pose, torch.zeros_like(pose))
                parts.append(joints.float().numpy())
            found.append(np.concatenate(parts))
    return found


def _figure(name: str, here: Joints, there: Joints, target: Target) -> Figure:
    way = here[..., :2].astype(np.float64) - there[..., :2]
    away = np.hypot(way[..., 0], way[..., 1])
    p50, p99, most = (float(np.percentile(away, q)) for q in (50, 99, 100))
    return Figure(
        section="parity",
        metric="distance px of the crop, p99 [p50, largest]",
        data=name,
        change=Interval(p99, p50, most),
        n=int(away.size),
        target=target,
        more={"largest_score_difference": float(np.abs(here[..., 2] - there[..., 2]).max())},
    )
