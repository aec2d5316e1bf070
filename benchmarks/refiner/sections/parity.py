"""How far exports in other precisions, and torch, are from the refiner on real crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.networks import PADDING, SIZE, Joints, RefinerFile, to_crop
from steadypose.benchmarks.refiner.resampling import Interval
from steadypose.engines.crops import cut

_PEOPLE = 48
_AT_ONCE = 8
_TORCH_PX, _PRECISION_PX = 0.05, 0.5

_Inputs = tuple[NDArray[np.uint8], Joints]


def measure(context: Context) -> list[Figure]:
    """A figure for each export to compare with, and for torch where the run's folder is known."""
    compare = [RefinerFile(path, context.settings.threads) for path in context.settings.compare]
    folder = context.settings.run_folder
    if not compare and folder is None:
        return []
    inputs = _inputs(context)
    refiner = context.bench.refiner
    here = _run(refiner, inputs)
    files = {refiner.path.name: here} | {other.path.name: _run(other, inputs) for other in compare}
    found = [
        _figure(f"{_name(refiner)} against {_name(other)}", here, files[other.path.name], kind="")
        for other in compare
    ]
    if folder is not None:
        found += _against_torch(folder, [refiner, *compare], files, inputs)
    return found


def _name(refiner: RefinerFile) -> str:
    return f"{refiner.record.get('precision', 'export')} ({refiner.path.name})"


def _inputs(context: Context) -> _Inputs:
    """Crops of real people and what the first base finds in them, crop pixels."""
    images, poses = [], []
    for people in context.data.sets:
        some = people.some(_PEOPLE, "parity")
        crops = cut(list(context.bench.images(some.rows)), some.rows.boxes, SIZE, PADDING)
        images.append(crops.images)
        poses.append(to_crop(crops, context.bench.estimate(context.bench.bases[0], some.rows)))
    return np.concatenate(images), np.concatenate(poses)


def _run(refiner: RefinerFile, inputs: _Inputs) -> Joints:
    images, pose = inputs
    parts = range(0, len(images), _AT_ONCE)
    return np.concatenate(
        [refiner.on_crops(images[i : i + _AT_ONCE], pose[i : i + _AT_ONCE]) for i in parts]
    )


def _against_torch(
    folder: Path, refiners: list[RefinerFile], files: dict[str, Joints], inputs: _Inputs
) -> list[Figure]:
    """Torch's own result against the FP32 export, which should be the same but for rounding."""
    single = [r for r in refiners if r.record.get("precision") == "fp32"]
    if not single:
        return []
    import torch

    from steadypose.engines.refiner.training.finish import load_best

    model = load_best(folder)[0].eval()
    images, pose = inputs
    parts = []
    with torch.inference_mode():
        for i in range(0, len(images), _AT_ONCE):
            some = torch.from_numpy(pose[i : i + _AT_ONCE])
            seen = torch.from_numpy(images[i : i + _AT_ONCE])
            parts.append(model(seen, some, torch.zeros_like(some)).numpy())
    found = np.concatenate(parts)
    return [
        _figure(f"torch against {_name(r)}", files[r.path.name], found, kind="torch")
        for r in single
    ]


def _figure(name: str, here: Joints, there: Joints, kind: str) -> Figure:
    away = np.hypot(*(here[..., :2].astype(np.float64) - there[..., :2]).transpose(2, 0, 1))
    p50, p99, most = (float(np.percentile(away, q)) for q in (50, 99, 100))
    return Figure(
        section="parity",
        metric=f"distance px of the crop, p99 (p50 to largest): {name}",
        data="real crops",
        change=Interval(p99, p50, most),
        n=int(away.size),
        target=Target("change", "<=", _TORCH_PX if kind else _PRECISION_PX),
        more={"largest_score_difference": float(np.abs(here[..., 2] - there[..., 2]).max())},
    )
