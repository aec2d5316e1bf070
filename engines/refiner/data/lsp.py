"""Leeds Sports Pose and its extended set: one person a picture, 14 joints."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from steadypose.engines.refiner.data.body import area_of, box_around, head_length, to_refiner
from steadypose.engines.refiner.data.near_duplicates import groups_of, listed_pairs
from steadypose.engines.refiner.data.records import Person, Picture
from steadypose.errors import InputError
from steadypose.skeletons import LSP14

_LEAST_JOINTS = 4


def load_lsp(folder: Path) -> list[Picture]:
    """Load LSP or LSPet from the folder that holds ``images/``, in order of the picture numbers.

    The labels are either the original ``joints.mat`` (LSPet 14 x 3 x N with 1 for visible; LSP
    3 x 14 x N with 1 for occluded) or a ``keypoints.npz`` with ``keypoints`` (N, 14, 3: x, y,
    visible) and, where pictures are left out, ``index`` (N,): their numbers. Occluded joints
    without a place have no label. Pictures that are not in ``images/`` are passed over, as are
    those of fewer than four labelled joints.

    The person's box is the tight box of the joints, enlarged by 8 % of its longer side.

    Raises:
        InputError: A file or a field of it cannot be used.
    """
    numbers, joints = _labels(folder)
    names = [f"im{number:05d}.jpg" for number in numbers]
    if not (folder / "images" / names[0]).is_file():
        short = [f"im{number:04d}.jpg" for number in numbers]  # as LSP itself has them
        names = short if (folder / "images" / short[0]).is_file() else names
    group = groups_of(listed_pairs(folder))
    pictures = []
    for name, labels in zip(names, joints, strict=True):
        path = folder / "images" / name
        if (labels[:, 2] > 0).sum() < _LEAST_JOINTS or not path.is_file():
            continue
        person = _person(labels)
        pictures.append(
            Picture(
                path=path,
                key=path.stem,
                persons=(person,),
                source="lspet",
                group=group.get(path.stem, path.stem),
            )
        )
    if not pictures:
        raise InputError(f"{folder}: 'images' holds none of the {len(names)} labelled pictures")
    return pictures


def _person(labels: NDArray[np.float32]) -> Person:
    rows = to_refiner(labels, LSP14)
    labelled = rows[:, 2] > 0
    box = box_around(rows[:, :2], labelled)
    return Person(
        keypoints=rows[:, :2],
        weight=labelled.astype(np.float32),
        box=box,
        area=area_of(box),
        head_px=head_length(rows[:, :2], labelled, box),
        labelled=labelled,
    )


def _labels(folder: Path) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Numbers of the pictures ``(N,)`` from 1 and labels ``(N, 14, 3)`` x, y, labelled."""
    arrays, original = folder / "keypoints.npz", folder / "joints.mat"
    if arrays.is_file():
        return _from_npz(arrays)
    if original.is_file():
        return _from_mat(original)
    raise InputError(f"{folder}: expected 'keypoints.npz' or 'joints.mat' in it")


def _from_npz(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    try:
        with np.load(path, allow_pickle=False) as content:
            joints = np.asarray(content["keypoints"], np.float32)
            numbers = content["index"] if "index" in content else np.arange(1, len(joints) + 1)
    except KeyError as error:
        raise InputError(f"{path}: 'keypoints' is missing") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if joints.ndim != 3 or joints.shape[1:] != (14, 3) or not np.isfinite(joints).all():
        raise InputError(f"{path}: 'keypoints': expected finite (N, 14, 3), got {joints.shape}")
    if np.shape(numbers) != (len(joints),):
        raise InputError(f"{path}: 'index': expected ({len(joints)},), got {np.shape(numbers)}")
    return np.asarray(numbers, np.int64), joints


def _from_mat(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    try:
        joints = np.asarray(loadmat(str(path))["joints"], np.float32)
    except KeyError as error:
        raise InputError(f"{path}: 'joints' is missing") from error
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if joints.ndim == 3 and joints.shape[:2] == (14, 3):
        labels = joints.transpose(2, 0, 1).copy()
    elif joints.ndim == 3 and joints.shape[:2] == (3, 14):
        labels = joints.transpose(2, 1, 0).copy()
        labels[..., 2] = 1  # LSP gives occluded joints a place and flags them
    else:
        raise InputError(f"{path}: 'joints': expected (14, 3, N) or (3, 14, N), got {joints.shape}")
    labels[~np.isfinite(labels).all(-1)] = 0
    return np.arange(1, len(labels) + 1), labels
