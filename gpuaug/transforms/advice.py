"""Warnings about probable mistakes and needless slowness: each kind once in a process.

>>> import gpuaug
>>> images = torch.full((2, 3, 8, 8), 200.0)
>>> gpuaug.ColorJitter(0.1)(images).max()  # clamped: the warning says why, the first time
tensor(1.)

The checks cost little: they read a sample of at most 4096 values of floating images on the CPU. They read no
value of images on a GPU, which would wait for the device, and none while a graph is traced. Values are
checked where a transform computes with them; transforms that only move or average pixels take any values.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from types import FrameType

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from gpuaug import tracing
from gpuaug.images.levels import COLORS
from gpuaug.images.packed import Images, Packed
from gpuaug.recipe.layout import Stage
from gpuaug.transforms.step import Step

# Time of a CPU core for 64 images of 32 and of 96 pixels a side: crop, flip and Normalize alone, and with
# blur, color and noise between them. The kernel took 0.16 to 1.8 ms.
FLOATS_SLOWER = "30 to 70"
_SLACK = 0.1  # what an interpolation may overshoot
_FEW, _SIDE = 4, 16  # images of a batch, and pixels of a side, in a sample

_said: set[str] = set()


def on_images(images: Images, leaves: Iterable[Step]) -> None:
    """Warn of floating images that are slow for no gain, or out of range for the ``leaves`` of a chain."""
    if isinstance(images, Packed) or not images.is_floating_point() or _is_hidden(images):
        return
    if not images.requires_grad:
        _say(
            "floats",
            "floating images take the differentiable path, which on a CPU takes "
            f"{FLOATS_SLOWER} times as long as the kernel: give uint8 where no gradient is needed; Normalize "
            "makes floats of it",
        )
    if images.device.type == "cpu" and images.numel() and _computes(leaves):
        sample = _sample(images)
        _check_range(float(sample.min()), float(sample.max()))


def on_clips(images: Tensor) -> None:
    """Warn of clips that seem to be ``(N, C, T, H, W)``, as networks take them."""
    if images.dim() == 5 and images.shape[1] == COLORS and images.shape[2] > COLORS + 1:
        _say(
            "clips",
            f"clips are (N, T, C, H, W): {tuple(images.shape)} are clips of {images.shape[1]} frames of "
            f"{images.shape[2]} channels. If they are (N, C, T, H, W), give images.transpose(1, 2)",
        )


def on_statistics(mean: Tensor, std: Tensor) -> None:
    """Warn of a mean and std that do not suit images in [0, 1]."""
    for name, value in (("mean", mean), ("std", std)):
        if value.device.type == "cpu" and float(value.abs().max()) > 1:
            _say(
                "statistics",
                f"Normalize: {name} {value.tolist()} does not suit images in [0, 1], as bytes are counted: "
                "divide mean and std by 255. Keep them only for floating images of another scale",
            )


def _computes(leaves: Iterable[Step]) -> bool:
    """Whether a leaf computes new values, as all do except geometry, blurs and distortions."""
    return any(leaf.transform.stage != Stage.GEOMETRY and not leaf.transform.averages for leaf in leaves)


def _is_hidden(images: Tensor) -> bool:
    """Whether values cannot be read, or reading them would become part of a graph."""
    scripted = torch.jit.is_tracing()  # type: ignore[attr-defined]  # public, but not in its __all__
    return tracing.traced() or scripted or isinstance(images, FakeTensor)


def _sample(images: Tensor) -> Tensor:
    steps = (-(-size // most) for size, most in zip(images.shape, (_FEW, 4, _SIDE, _SIDE), strict=True))
    return images.detach()[tuple(slice(None, None, step) for step in steps)]


def _check_range(low: float, high: float) -> None:
    """Warn of values out of range; NaN, which compares false, gives no warning."""
    if not (low < -_SLACK or high > 1 + _SLACK):
        return
    found = f"floating images are expected in [0, 1], but these reach from {low:.4g} to {high:.4g}: "
    if low < -10 or high > 255 + _SLACK:
        _say(
            "scale",
            f"{found}values of another scale, such as Hounsfield units? Map the window that matters to "
            "[0, 1]: ((images - low) / (high - low)).clamp(0, 1)",
        )
    elif low < -_SLACK:
        _say(
            "normalized",
            f"{found}normalised already? Leave out that normalisation; Normalize is a chain's last transform",
        )
    elif high > 2:
        _say("levels", f"{found}levels from 0 to 255? Give them as uint8, or divide by 255")
    else:
        _say("bright", f"{found}they will be clamped. Scale or clamp them to [0, 1]")


def _say(kind: str, message: str) -> None:
    if kind not in _said:
        _said.add(kind)
        warnings.warn(message, UserWarning, stacklevel=_above_gpuaug())


def _above_gpuaug() -> int:
    """The stack level of the caller outside gpuaug and PyTorch, for ``warnings.warn`` in ``_say``."""
    level = 1
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("gpuaug", "torch"):
        level, frame = level + 1, frame.f_back
    return level
