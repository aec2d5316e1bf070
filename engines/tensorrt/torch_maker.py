"""``PixelMaker`` by torch, where the kernels cannot be compiled.

Not through ``grid_sample``: it takes places as shares of the frame in -1..1, which in float32 moves
pixels of a large frame by up to 1e-4 of a pixel, and so some values by a grey level. Here the
neighbours are gathered and mixed in the kernels' own order, and the bytes are the kernels'.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from steadypose.engines.crops import Cuts
from steadypose.engines.detectors.base import Fit
from steadypose.engines.pixels import Planes
from steadypose.engines.tensorrt.crops import AREA_HALVES_UP, CUT, LINEAR, TAP, FitPlan
from steadypose.engines.tensorrt.memory import Stream
from steadypose.errors import EngineError

_FIRST_FLOAT = 4  # where step_x lies in a record, in floats
_RECORD_FLOATS = CUT.itemsize // 4


class TorchMaker:
    """See ``PixelMaker``.

    Args:
        device: Torch's name for the GPU. ``"cpu"`` takes addresses of the host, for tests.

    Raises:
        EngineError: Torch cannot use the GPU.
    """

    def __init__(self, device: str) -> None:
        import torch

        self._torch: Any = torch
        self._device = torch.device(device)
        self.name = f"torch {torch.__version__}"
        if self._device.type == "cuda" and not torch.cuda.is_available():
            raise EngineError(f"torch {torch.__version__} cannot use {device}")

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
        torch, (height, width) = self._torch, cuts.size
        with self._on(stream):
            crops = self._bytes(target, cuts.shape)
            numbers = self._bytes(records, (len(frames), CUT.itemsize)).view(torch.float32)
            places = numbers[:, _FIRST_FLOAT:_RECORD_FLOATS]
            columns, rows = (self._count(n) for n in (width, height))
            for crop, frame, address, place in zip(crops, cuts.frames, frames, places, strict=True):
                step_x, first_x, step_y, first_y = place
                x = (step_x.double() * columns.double() + first_x.double()).float()
                y = step_y * rows + first_y
                made = self._sampled(self._bytes(address, frame.shape), x, y)
                crop.copy_(made.flip(1) if mirror else made)

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
        torch, (height, width) = self._torch, fit.resized
        with self._on(stream):
            canvas = self._bytes(target, fit.shape[1:])
            picture = self._bytes(frame, fit.frame.shape)
            x_taps = self._taps(tables[0], tables[1], plan.x_starts)
            y_taps = self._taps(tables[2], tables[3], plan.y_starts)
            if plan.way == LINEAR:
                values = _fixed(picture.int(), x_taps, y_taps)
            else:
                values = _weighted(picture.float(), x_taps, y_taps) * plan.scale
                halves_up = plan.way == AREA_HALVES_UP
                values = torch.floor(values + 0.5) if halves_up else torch.round(values)
            canvas.fill_(fit.pad)
            canvas[:height, :width] = values.clamp(0, 255).to(torch.uint8)

    def planes(
        self, planes: Planes, shape: Sequence[int], images: int, target: int, stream: Stream
    ) -> None:
        """See ``PixelMaker``."""
        torch, (n, height, width, _) = self._torch, shape
        with self._on(stream):
            values = self._bytes(images, shape)
            if planes.rgb:
                values = values.flip(3)
            made = self._bytes(target, (n, 3, height, width * 4)).view(torch.float32)
            for i in range(3):
                # Filled there: one from the host would be a copy, and a number divides otherwise.
                mean, spread = (
                    torch.full((), each[i], dtype=torch.float32, device=self._device)
                    for each in (planes.mean, planes.spread)
                )
                made[:, i] = (values[..., i].float() - mean) / spread

    def close(self) -> None:
        """See ``PixelMaker``."""

    def _sampled(self, frame: Any, x: Any, y: Any) -> Any:
        """``(H, W, 3)`` uint8 at columns ``x`` and rows ``y`` of a frame, black beyond it."""
        left, x_share, in_x = self._neighbours(x, frame.shape[1])
        top, y_share, in_y = self._neighbours(y, frame.shape[0])
        four = frame[top[:, None, :, None], left[None, :, None, :]].float()
        four = four * (in_y[:, None, :, None] & in_x[None, :, None, :])[..., None]
        across = _between(four[..., 0, :], four[..., 1, :], x_share[None, :, None, None])
        value = _between(across[:, :, 0], across[:, :, 1], y_share[:, None, None])
        return self._torch.round(value).clamp(0, 255).to(self._torch.uint8)

    def _neighbours(self, place: Any, count: int) -> tuple[Any, Any, Any]:
        """Both neighbours ``(n, 2)``, the second's share ``(n,)``, which lie within 0..count."""
        torch = self._torch
        floor = torch.floor(place)
        # Clamped as floats, for what lies beyond the range of integers.
        first = floor.clamp(-2, count + 1).long()
        both = torch.stack([first, first + 1], 1)
        return both.clamp(0, count - 1), place - floor, (both >= 0) & (both < count)

    def _taps(self, starts: int, taps: int, on_host: Any) -> tuple[Any, Any]:
        """Indices ``(n, taps)`` and weights ``(n, taps)``, 0 where there are fewer taps."""
        torch, n, total = self._torch, len(on_host) - 1, int(on_host[-1])
        begins = self._bytes(starts, ((n + 1) * 4,)).view(torch.int32).long()
        table = self._bytes(taps, (total, TAP.itemsize))
        at = table[:, :4].contiguous().view(torch.int32)[:, 0].long()
        weight = table[:, 4:].contiguous().view(torch.float32)[:, 0]
        most = int((on_host[1:] - on_host[:-1]).max())
        rows = begins[:-1, None] + self._count(most).long()
        there = rows < begins[1:, None]
        rows = rows.clamp(max=total - 1)
        return at[rows], weight[rows] * there

    def _count(self, n: int) -> Any:
        return self._torch.arange(n, dtype=self._torch.float32, device=self._device)

    def _bytes(self, address: int, shape: Sequence[int]) -> Any:
        """Memory as a tensor of uint8, without a copy."""
        if self._device.type == "cpu":
            count = 1
            for side in shape:
                count *= side
            held = (ctypes.c_uint8 * count).from_address(address)
            return self._torch.frombuffer(held, dtype=self._torch.uint8).view(*shape)
        interface = {
            "shape": tuple(shape),
            "typestr": "|u1",
            "data": (address, False),
            "version": 3,
        }
        holder = SimpleNamespace(__cuda_array_interface__=interface)
        return self._torch.as_tensor(holder, device=self._device)

    @contextmanager
    def _on(self, stream: Stream) -> Iterator[None]:
        if self._device.type == "cpu":
            yield
            return
        cuda = self._torch.cuda
        with cuda.stream(cuda.ExternalStream(stream.handle, device=self._device)):
            yield


def _between(a: Any, b: Any, share: Any) -> Any:
    """``a + share * (b - a)``, rounded once to float32, as a fused multiply-add is."""
    return (share.double() * (b - a).double() + a.double()).float()


def _weighted(picture: Any, x_taps: tuple[Any, Any], y_taps: tuple[Any, Any]) -> Any:
    """Sums over the taps, one product and one sum at a time in the kernel's order."""
    values = picture
    for dim, (at, weight) in ((1, x_taps), (0, y_taps)):
        shape = [1, 1, 1]
        shape[dim] = -1
        total = 0.0
        for tap in range(at.shape[1]):
            total = total + values.index_select(dim, at[:, tap]) * weight[:, tap].view(shape)
        values = total
    return values


def _fixed(picture: Any, x_taps: tuple[Any, Any], y_taps: tuple[Any, Any]) -> Any:
    (xs, x_weights), (ys, y_weights) = ((at, weight.int()) for at, weight in (x_taps, y_taps))
    across = sum(picture[:, xs[:, i]] * x_weights[:, i].view(1, -1, 1) for i in (0, 1))
    down = sum(((across[ys[:, i]] >> 4) * y_weights[:, i].view(-1, 1, 1)) >> 16 for i in (0, 1))
    return (down + 2) >> 2
