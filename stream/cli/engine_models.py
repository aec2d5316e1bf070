"""Which networks the ``steadypose engine`` commands mean, and pictures to verify them on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadypose.configs import Config, unknown
from steadypose.engines import zoo
from steadypose.engines.runtimes import Shapes
from steadypose.errors import InputError, ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_READ = 600


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A network that an engine is wanted of.

    Attributes:
        name: What it is called.
        given: What it was asked for as: a name, or a path.
        path: Its ``.onnx`` file.
        shapes: What it will be fed, by the settings.
    """

    name: str
    given: str
    path: Path
    shapes: Shapes


def wanted_models(config: Config, names: Sequence[str]) -> list[Wanted]:
    """The networks named, or without names those that the settings use.

    Args:
        config: The settings, which also say what the networks are fed.
        names: Refiners, names of the zoo, or paths of ``.onnx`` files.

    Raises:
        ModelError: A network is unknown, not at hand, or no ONNX.
    """
    from steadypose.engines.detectors.load import FAMILIES

    chosen = list(names)
    if not chosen:
        chosen = [config.detector.model, config.estimator.model]
        chosen += [config.refiner.model] if config.refiner.enabled else []
    spread = [part for name in chosen for part in FAMILIES.get(name, (name,))]
    paths: dict[Path, str] = {}
    for name in spread:
        paths.setdefault(_path(name), name)
    return [
        Wanted(name=path.stem, given=given, path=path, shapes=_shapes(path, config))
        for path, given in paths.items()
    ]


def read_pictures(source: str | None) -> list[NDArray[np.uint8]]:
    """Pictures to compare engines on, spread over what is given.

    Args:
        source: What ``steadypose track`` takes as a source; None for the zoo's sample clip.

    Raises:
        ModelError: The sample clip is not at hand.
        InputError: The source cannot be read, or is empty.
        SourceError: It fails midway.
    """
    from steadypose.engines.tensorrt.samples import MOST_PICTURES, clip_pictures, spread

    if source is None:
        return clip_pictures()
    try:
        from steadypose.stream.sources import open_source
    except ImportError as error:  # engines are also built where there is no video
        raise InputError(f"pictures cannot be read ({error}); run: pip install av") from error
    opened = open_source(source, max_frames=_MOST_READ)
    try:
        return spread((frame.image for frame in opened), MOST_PICTURES, source)
    finally:
        opened.close()


def _path(name: str) -> Path:
    from steadypose.engines.refiner.load import REFINERS, check_refiner, refiner_path

    if name.endswith(".onnx"):
        path = Path(name)
        if not path.is_file():
            raise ModelError(f"{path}: no such file")
        return path
    if name in REFINERS:
        path = refiner_path(name)
        check_refiner(path)
        return path
    networks = [n for n, entry in zoo.CATALOG.items() if entry.kind != "clip"]
    if name not in networks:
        raise ModelError(unknown("model", name, [*REFINERS, *networks]) + " (or an .onnx file)")
    return zoo.locate(name)


def _shapes(path: Path, config: Config) -> Shapes:
    """What the part of the pipeline that uses such a network feeds it."""
    from steadypose.engines.tensorrt.graph import load_network

    graph = load_network(path).graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {value.name for value in graph.input} - weights
    outputs = {value.name for value in graph.output}
    section: Any = None
    if inputs == {"image", "pose", "prior"}:
        section = config.refiner
    elif inputs == {"image", "boxes"} or {"simcc_x", "simcc_y"} <= outputs:
        section = config.estimator
    if section is None:
        return Shapes()  # a detector sees one frame, of the size in its graph
    return Shapes(max_batch=section.max_batch, sizes=section.sizes)
