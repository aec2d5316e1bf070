"""Whether networks run on a GPU: what ``auto``, ``cuda`` and ``cuda:N`` mean on this machine.

Nothing of TensorRT, pycuda or torch is imported, and no driver loaded, unless something points to
an NVIDIA GPU.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from steadypose.engines.runtimes.base import Engine, Shapes
from steadypose.engines.runtimes.signs import nvidia_at_hand
from steadypose.errors import EngineError, ModelError, OutputError

if TYPE_CHECKING:
    from steadypose.engines.tensorrt.device import Gpu
    from steadypose.engines.tensorrt.flavours import Flavour
    from steadypose.engines.tensorrt.memory import DeviceMemory

_LOG = logging.getLogger(__name__)
_guard = threading.Lock()
_found: dict[str, Accelerator | None] = {}


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """A GPU and all that is needed to run networks on it.

    Attributes:
        gpu: The device.
        flavour: The TensorRT.
        memory: Its memory, by pycuda or torch.
        insisted: Whether the user asked for it by name, and so wants no processor in its place.
    """

    gpu: Gpu
    flavour: Flavour
    memory: DeviceMemory
    insisted: bool

    def load(self, path: Path, precision: str, shapes: Shapes) -> Engine | None:
        """A network's engine, built where there is none yet.

        Returns:
            None where the GPU cannot take the network and was not insisted on; a line in the log
            says why.

        Raises:
            EngineError, ModelError, OutputError: The GPU was insisted on and cannot take the
                network, or its engine cannot be kept.
        """
        from steadypose.engines.runtimes.tensorrt import load_on_gpu

        try:
            return load_on_gpu(path, precision, shapes, self)
        except (EngineError, ModelError, OutputError) as error:
            if self.insisted:
                raise
            _LOG.warning("%s runs on the processor, not on %s: %s", path.stem, self.gpu.name, error)
            return None


def find_accelerator(device: str) -> Accelerator | None:
    """The GPU that ``device`` means on this machine; looked for once a process.

    Args:
        device: ``"cpu"`` takes none. ``"auto"`` takes the first GPU, if there is all that it
            needs: a driver, TensorRT, and pycuda or torch with CUDA. If not, and something points
            to an NVIDIA GPU (its driver, a card, an installed TensorRT), one line in the log says
            why not. ``"cuda"`` (the first) and ``"cuda:N"`` insist.

    Raises:
        EngineError: A GPU is insisted on and cannot be used; one line that says why not.
    """
    if device == "cpu":
        return None
    with _guard:
        if device not in _found:
            _found[device] = _search(device)
        return _found[device]


def _search(device: str) -> Accelerator | None:
    if device != "auto":
        return _open(device)
    if not nvidia_at_hand():
        return None
    try:
        return _open(device)
    except EngineError as error:
        _LOG.warning("networks run on the processor: %s", error)
        return None


def _open(device: str) -> Accelerator:
    """What is needed, in the order in which it is to be installed. Raises EngineError."""
    from steadypose.engines.tensorrt.device import find_gpu
    from steadypose.engines.tensorrt.flavours import find_flavour
    from steadypose.engines.tensorrt.memory import open_memory

    gpu = find_gpu(device)
    flavour = find_flavour()
    if not flavour.runs_on(gpu.capability):
        raise EngineError(
            f"{flavour} has no kernels for {gpu}; install TensorRT in its place: "
            "pip install 'steadypose[tensorrt]'"
        )
    memory = open_memory(gpu)
    return Accelerator(gpu=gpu, flavour=flavour, memory=memory, insisted=device != "auto")
