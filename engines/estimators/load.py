"""An estimator from a name in the zoo or a file of one's own."""

from __future__ import annotations

from pathlib import Path

from steadypose.engines import zoo
from steadypose.engines.crops import CropPolicy
from steadypose.engines.estimators.base import Estimator, PoseNetwork
from steadypose.engines.estimators.movenet import MoveNet
from steadypose.engines.estimators.simcc import SimccNetwork
from steadypose.engines.runtimes import RuntimeOptions, Shapes, load_engine
from steadypose.errors import ModelError


def load_estimator(
    model: str,
    options: RuntimeOptions | None = None,
    *,
    policy: CropPolicy | None = None,
    max_batch: int = 8,
) -> Estimator:
    """Load an estimator.

    Args:
        model: A name in the zoo, or the path of an ``.onnx`` file.
        options: How to run it.
        policy: Which crop size a person gets; networks of one fixed size ignore its sizes.
        max_batch: No more crops than this go through the network at once.

    Raises:
        ModelError: The model is not at hand, or its inputs and outputs are of no known family.
        EngineError: The run time refuses it.
    """
    path = Path(model) if model.endswith(".onnx") else zoo.locate(model)
    wanted = policy or CropPolicy()
    shapes = Shapes(max_batch=max_batch, sizes=wanted.sizes)
    engine = load_engine(path, options, shapes=shapes)
    network: PoseNetwork
    if {"simcc_x", "simcc_y"} <= set(engine.outputs):
        network = SimccNetwork(engine)
    elif set(engine.inputs) == {"image", "boxes"} and "keypoints" in engine.outputs:
        network = MoveNet(engine)
    else:
        raise ModelError(
            f"{path}: outputs {', '.join(engine.outputs)} are of no estimator known here "
            "(MoveNet of the zoo, RTMPose with SimCC outputs)"
        )
    return Estimator(network, wanted, max_batch=max_batch)
