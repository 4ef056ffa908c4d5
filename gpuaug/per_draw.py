"""Parameters of the batched functions: one number for all draws, or a tensor with one entry for each."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.tracing import traced
from gpuaug.travel.to_device import carried

PerDraw = Tensor | float | int | bool


def carried_to(value: Tensor, device: torch.device) -> Tensor:
    """A tensor on the device."""
    if value.device.type != "cpu" or traced():
        return value.to(device, non_blocking=True)
    return carried(value, device)


def per_draw(name: str, value: PerDraw, images: Tensor, width: int | None = None) -> Tensor:
    """A parameter as a tensor with one entry (or one row of ``width``) for each image.

    It is on the host or the images' device.
    """
    shape = (images.shape[0],) if width is None else (images.shape[0], width)
    if isinstance(value, (bool, int, float)) and width is None:
        dtype = torch.float32 if isinstance(value, float) else None  # whatever torch's default dtype is
        return torch.full(shape, value, dtype=dtype, device="cpu")
    if not isinstance(value, Tensor):
        number = " or a number" if width is None else ""
        raise TypeError(f"{name} must be a tensor {shape}{number}, got {type(value).__name__}")
    if tuple(value.shape) != shape:
        raise ValueError(f"{name} must have shape {shape}, one entry per image, got {tuple(value.shape)}")
    if value.device not in (torch.device("cpu"), images.device):
        raise RuntimeError(
            f"{name} must be on the host or the images' device, got {value.device} and {images.device}"
        )
    return value


def on_one_device(*values: Tensor) -> list[Tensor]:
    """Values of the draws on one device: if any is on the images' device, all go there, without waiting."""
    device = next((v.device for v in values if v.device.type != "cpu"), torch.device("cpu"))
    return [carried_to(value, device) for value in values]


def is_checkable(value: Tensor) -> bool:
    """Whether values can be read without waiting for a device, or breaking a trace."""
    return value.device.type == "cpu" and not torch.compiler.is_compiling()


def check_range(
    name: str, value: Tensor, low: float, high: float, allowed: str, open_ends: bool = False
) -> None:
    """Raises a ValueError for the first value outside [low, high], or (low, high) with ``open_ends``."""
    if not is_checkable(value):
        return
    good = (value > low) & (value < high) if open_ends else (value >= low) & (value <= high)
    for n in (~good).nonzero().flatten()[:1].tolist():  # NaN compares false, so it is caught
        raise ValueError(f"{name} must be {allowed}, got {value[n].item()} for draw {n}")
