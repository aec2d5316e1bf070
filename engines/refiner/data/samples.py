"""Batches to train and to validate on, each made from its number alone.

Any process makes the same batch of the same number, which is what lets several make them ahead
and a stopped training go on exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.crops import Size
from steadypose.engines.refiner.data.absence import empty_box, ghost, unsure, without_truth
from steadypose.engines.refiner.data.covering import (
    CoverSettings,
    paste_person,
    paste_view,
    put_block,
)
from steadypose.engines.refiner.data.inputs import (
    InputSettings,
    draw_pose,
    draw_prior,
    estimate_names,
    missing_to_zero,
)
from steadypose.engines.refiner.data.people import Entry, People
from steadypose.engines.refiner.data.photometry import PhotometrySettings, change_pixels
from steadypose.engines.refiner.data.records import Batch, Picture
from steadypose.engines.refiner.data.scene import Scene, scene_of
from steadypose.engines.refiner.data.splits import unit_hash
from steadypose.engines.refiner.data.store import PictureStore
from steadypose.engines.refiner.data.views import View, ViewSettings, draw_view, plain_view
from steadypose.engines.refiner.priors import PriorMixture
from steadypose.errors import ConfigError

_VIEWS = 3


@dataclass(frozen=True, kw_only=True)
class SampleSettings:
    """How training samples are made.

    Attributes:
        view: Where the crop looks.
        photometry: Changes of pixels.
        cover: Pasted people and blocks.
        inputs: Input poses and priors.
        absent: Share of samples in which nobody is there.
        source_weights: How often each data set is drawn from; COCO's people, few in the small
            sets at hand, more often than their number says.
    """

    view: ViewSettings = field(default_factory=ViewSettings)
    photometry: PhotometrySettings = field(default_factory=PhotometrySettings)
    cover: CoverSettings = field(default_factory=CoverSettings)
    inputs: InputSettings = field(default_factory=InputSettings)
    absent: float = 0.04
    source_weights: Mapping[str, float] = field(
        default_factory=lambda: {"coco": 0.35, "lspet": 0.65, "mpii": 0.65, "posetrack": 0.65}
    )

    def __post_init__(self) -> None:
        if not 0 <= self.absent < 1:
            raise ConfigError(f"absent: expected a share of 0 to below 1, got {self.absent}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One sample; see ``Batch`` for the fields, here without their first axis."""

    scene: Scene
    pose: NDArray[np.float32]
    prior: NDArray[np.float32]
    present: bool


class TrainingBatches:
    """Training batches by number; picklable, for workers.

    Args:
        pictures: Those of the training split, labels fused, estimates attached.
        seed: Of all chance.
        batch_size: People in a batch.
        sizes: Crop sizes; each batch has one of them.
        settings: How samples are made.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        *,
        seed: int,
        batch_size: int,
        sizes: Sequence[Size] = ((256, 192),),
        settings: SampleSettings | None = None,
    ) -> None:
        self.settings = settings or SampleSettings()
        self.people = People(pictures, self.settings.source_weights)
        self.seed, self.batch_size, self.sizes = seed, batch_size, tuple(sizes)
        self._store = PictureStore()

    def __call__(self, number: int) -> Batch:
        """Batch ``number``. Raises InputError if a picture cannot be read."""
        rng = np.random.default_rng([self.seed, number])
        size = self.sizes[int(rng.integers(len(self.sizes)))]
        return stack([self.sample(child, size) for child in rng.spawn(self.batch_size)])

    def sample(self, rng: np.random.Generator, size: Size) -> Sample:
        """One random sample. Advances the generator."""
        entry = self.people.draw(rng)
        if rng.random() < self.settings.absent:
            sample = self._absent(rng, entry, size)
            if sample is not None:
                return sample
        scene = self._crowded(rng, entry, self._scene(rng, entry, size))
        scene = replace(scene, image=change_pixels(rng, self.settings.photometry, scene.image))
        inputs = self.settings.inputs
        pose = draw_pose(rng, inputs, scene)
        mixture = inputs.prior if pose.any() else inputs.prior.always()
        prior = draw_prior(rng, mixture, scene, self.people.draw_stranger(rng))
        return Sample(scene=scene, pose=pose, prior=prior, present=True)

    def _scene(self, rng: np.random.Generator, entry: Entry, size: Size) -> Scene:
        """A random view that shows a labelled joint, or the plain one."""
        person = entry.person
        for _ in range(_VIEWS):
            view = draw_view(rng, self.settings.view, person.box, size)
            if (view.inside(view.points(person.keypoints)) & _weighted(view, entry)).any():
                return self._see(entry, view)
        return self._see(entry, plain_view(person.box, size))

    def _see(self, entry: Entry, view: View) -> Scene:
        image = self._store.read(entry.picture.path)
        return scene_of(entry.picture, entry.person, image, view)

    def _crowded(self, rng: np.random.Generator, entry: Entry, scene: Scene) -> Scene:
        settings = self.settings.cover
        if rng.random() < settings.paste:
            guest = self.people.draw_guest(rng, entry)
            behind = bool(rng.random() < settings.behind)
            if guest is not None:
                size = (scene.image.shape[0], scene.image.shape[1])
                view = paste_view(rng, scene, guest.person, size)
                image = self._store.read(guest.picture.path)
                scene = paste_person(
                    scene, guest.person, image, view, behind=behind, most=settings.most
                )
        if rng.random() < settings.block:
            scene = put_block(rng, scene, settings.most)
        return scene

    def _absent(self, rng: np.random.Generator, entry: Entry, size: Size) -> Sample | None:
        image = self._store.read(entry.picture.path)
        box = empty_box(rng, entry.picture, (image.shape[1], image.shape[0]))
        if box is None:
            return None
        nobody = ghost(self.people.draw(rng).person, box)
        view = draw_view(rng, self.settings.view, box, size)
        scene = without_truth(scene_of(entry.picture, nobody, image, view))
        scene = replace(scene, image=change_pixels(rng, self.settings.photometry, scene.image))
        pose = unsure(rng, draw_pose(rng, self.settings.inputs, scene))
        mixture = self.settings.inputs.prior
        prior = draw_prior(
            rng, mixture if pose.any() else mixture.always(), scene, self.people.draw_stranger(rng)
        )
        return Sample(scene=scene, pose=pose, prior=prior, present=False)


class ValidationBatches:
    """Validation batches by number, as the refiner meets people in use.

    Crops are plain, poses are what base estimators found, every 25th sample has nobody in it. The
    people come in a fixed mixed order; once all were shown they come again, with other estimates
    and priors.

    Args:
        pictures: Those of the validation split, with their own labels, estimates attached.
        batch_size: People in a batch.
        size: Crop size.
        prior: Kinds of priors.
        seed: Of the priors and of the absent people.
    """

    ABSENT_EVERY = 25

    def __init__(
        self,
        pictures: Sequence[Picture],
        *,
        batch_size: int,
        size: Size = (256, 192),
        prior: PriorMixture | None = None,
        seed: int = 0,
    ) -> None:
        self.people = People(pictures, SampleSettings().source_weights)
        self.people.entries.sort(key=_mixed)
        self.batch_size, self.size, self.seed = batch_size, size, seed
        self.prior = prior or PriorMixture()
        self._store = PictureStore()

    def __call__(self, number: int) -> Batch:
        """Batch ``number``. Raises InputError if a picture cannot be read."""
        first = number * self.batch_size
        return stack([self.sample(first + i) for i in range(self.batch_size)])

    def sample(self, number: int) -> Sample:
        """Sample ``number``."""
        turn, row = divmod(number, len(self.people))
        entry = self.people.entries[row]
        rng = np.random.default_rng([self.seed, number])
        image = self._store.read(entry.picture.path)
        size_wh = (image.shape[1], image.shape[0])
        box = None
        if number % self.ABSENT_EVERY == self.ABSENT_EVERY - 1:
            box = empty_box(rng, entry.picture, size_wh)
        person = entry.person if box is None else ghost(self.people.draw(rng).person, box)
        scene = scene_of(entry.picture, person, image, plain_view(person.box, self.size))
        names = estimate_names(scene)
        pose = np.zeros((len(scene.weight), 3), np.float32)
        if names:
            pose = missing_to_zero(scene.estimates[names[(turn + row) % len(names)]])
        prior = draw_prior(rng, self.prior, scene, self.people.draw_stranger(rng))
        if box is None:
            return Sample(scene=scene, pose=pose, prior=prior, present=True)
        pose = unsure(rng, pose)
        return Sample(scene=without_truth(scene), pose=pose, prior=prior, present=False)


def stack(samples: Sequence[Sample]) -> Batch:
    """A batch of samples of one crop size."""
    columns: dict[str, list[Any]] = {
        "image": [s.scene.image for s in samples],
        "pose": [s.pose for s in samples],
        "prior": [s.prior for s in samples],
        "target": [s.scene.target for s in samples],
        "weight": [s.scene.weight for s in samples],
        "present": [s.present for s in samples],
        "unit": [np.float32(s.scene.head) for s in samples],
        "labelled": [s.scene.labelled for s in samples],
        "area": [np.float32(s.scene.area) for s in samples],
    }
    return Batch(**{f.name: np.stack(columns[f.name]) for f in fields(Batch)})


def _weighted(view: View, entry: Entry) -> NDArray[np.bool_]:
    return view.per_joint(entry.person.weight) > 0


def _mixed(entry: Entry) -> float:
    box = " ".join(f"{value:.1f}" for value in entry.person.box)
    return unit_hash("validation order", f"{entry.picture.source}/{entry.picture.key} {box}")
