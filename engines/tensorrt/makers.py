"""What makes pictures on a GPU, from frames that lie there: our kernels, or else torch."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Protocol

from steadypose.engines.crops import Cuts
from steadypose.engines.detectors.base import Fit
from steadypose.engines.pixels import Planes
from steadypose.engines.tensorrt.crops import FitPlan
from steadypose.engines.tensorrt.kernels import BLOCK, Kernels, kernel_code
from steadypose.engines.tensorrt.memory import DeviceMemory, Stream
from steadypose.errors import EngineError

_LOG = logging.getLogger("steadypose.tensorrt")


class PixelMaker(Protocol):
    """Puts the making of pictures on a stream. Addresses are of the device.

    Used while the GPU is active (``DeviceMemory.active``), from several threads.

    Attributes:
        name: What does it.
    """

    name: str

    def cut(
        self,
        cuts: Cuts,
        frames: Sequence[int],
        records: int,
        target: int,
        stream: Stream,
        *,
        mirror: bool,
    ) -> None:
        """Make crops ``(N, H, W, 3)`` uint8.

        Args:
            cuts: What is cut.
            frames: Where each crop's frame lies.
            records: Where ``cut_records(cuts, frames)`` lie.
            target: Where to.
            stream: When.
            mirror: Left and right change sides.
        """
        ...

    def fit(
        self,
        fit: Fit,
        plan: FitPlan,
        frame: int,
        tables: Sequence[int],
        target: int,
        stream: Stream,
    ) -> None:
        """Make a fitted frame ``(H, W, 3)`` uint8.

        Args:
            fit: What becomes of the frame.
            plan: ``fit_plan(fit)``.
            frame: Where the frame lies.
            tables: Where ``plan.tables`` lie.
            target: Where to.
            stream: When.
        """
        ...

    def planes(
        self, planes: Planes, shape: Sequence[int], images: int, target: int, stream: Stream
    ) -> None:
        """Make floats ``(N, 3, H, W)`` of the bytes of ``shape`` (N, H, W, 3) at ``images``."""
        ...

    def close(self) -> None:
        """Give back what it holds of the GPU; nothing of it may still run."""
        ...


class KernelMaker:
    """``PixelMaker`` by our own CUDA kernels."""

    name = "CUDA kernels"

    def __init__(self, kernels: Kernels) -> None:
        self._kernels = kernels

    def cut(
        self,
        cuts: Cuts,
        frames: Sequence[int],
        records: int,
        target: int,
        stream: Stream,
        *,
        mirror: bool,
    ) -> None:
        """See ``PixelMaker``."""
        height, width = cuts.size
        arguments = (
            ctypes.c_void_p(records),
            ctypes.c_void_p(target),
            ctypes.c_int(height),
            ctypes.c_int(width),
            ctypes.c_int(mirror),
        )
        self._launch("cut", height * width, len(frames), arguments, stream)

    def fit(
        self,
        fit: Fit,
        plan: FitPlan,
        frame: int,
        tables: Sequence[int],
        target: int,
        stream: Stream,
    ) -> None:
        """See ``PixelMaker``."""
        height, width = fit.size
        arguments = (
            ctypes.c_void_p(frame),
            ctypes.c_int(fit.frame.shape[1]),
            ctypes.c_void_p(target),
            *map(ctypes.c_int, (height, width, *fit.resized)),
            *map(ctypes.c_void_p, tables),
            ctypes.c_float(plan.scale),
            ctypes.c_int(plan.way),
            ctypes.c_int(fit.pad),
        )
        self._launch("fit", height * width, 1, arguments, stream)

    def planes(
        self, planes: Planes, shape: Sequence[int], images: int, target: int, stream: Stream
    ) -> None:
        """See ``PixelMaker``."""
        pixels = shape[1] * shape[2]
        arguments = (
            ctypes.c_void_p(images),
            ctypes.c_void_p(target),
            ctypes.c_int(pixels),
            ctypes.c_int(planes.rgb),
            *map(ctypes.c_float, (*planes.mean, *planes.spread)),
        )
        self._launch("planes", pixels, shape[0], arguments, stream)

    def close(self) -> None:
        """See ``PixelMaker``."""
        self._kernels.close()

    def _launch(
        self, name: str, pixels: int, pictures: int, arguments: Sequence[Any], stream: Stream
    ) -> None:
        self._kernels.launch(name, (-(-pixels // BLOCK), pictures), arguments, stream)


def open_maker(memory: DeviceMemory) -> PixelMaker | None:
    """What makes pictures on a GPU; None, with one line in the log, where nothing can.

    Pictures are then made on the host, with the same result.

    Raises:
        GpuError: The GPU is lost.
    """
    try:
        code = kernel_code(memory.gpu.architecture)
        with memory.active():
            return KernelMaker(Kernels(code))
    except EngineError as error:
        if memory.lost is not None:
            raise
        reason = str(error)
    if find_spec("torch"):
        from steadypose.engines.tensorrt.torch_maker import TorchMaker

        try:
            maker = TorchMaker(f"cuda:{memory.gpu.index}")
        except EngineError as error:
            reason += f"; {error}"
        else:
            _LOG.warning("pictures are made on %s by torch: %s", memory.gpu, reason)
            return maker
    _LOG.warning("pictures are made on the CPU instead of %s: %s", memory.gpu, reason)
    return None
