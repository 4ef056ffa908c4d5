"""What floating images may hold, and what becomes of the rest.

Floating images are expected in [0, 1]. One rule holds for all transforms:

* What moves or averages pixels (geometry, blurs, distortions) takes any value as it is, and clamps nothing.
* What puts values in the place of pixels (salt and pepper, erasing) leaves the other pixels as they are.
* What computes new values from old ones (color, curves, noise, sharpening, histograms, ...) clamps its result
  to [0, 1].
* ``Normalize`` clamps nothing: its result is no level.

Alpha, the fourth of exactly four channels, follows it: what moves or averages pixels takes all channels
alike, all else but ``Normalize`` leaves alpha as it is.

NaN stays NaN, and spreads as far as a filter or a statistic reaches, in its own image alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import Any

import torch
from torch import Tensor

COLORS = 3  # red, green and blue; of four channels the last is alpha
_WHITE = 255


def colored(channels: int) -> int:
    """How many of so many channels are not alpha.

    >>> colored(3), colored(4), colored(5)
    (3, 3, 5)
    """
    return COLORS if channels == COLORS + 1 else channels


def clamped(values: Tensor) -> Tensor:
    """Held to [0, 1]. NaN stays NaN; black and white keep their gradient, which ``torch.clamp`` may drop.

    >>> clamped(torch.tensor([-0.5, 0.25, 1.5, float("nan")]))
    tensor([0.0000, 0.2500, 1.0000,    nan])
    """
    return torch.where(values < 0, 0, torch.where(values > 1, 1, values))


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Where neither autocast nor TF32 makes anything narrower: a result depends on images and settings alone.

    By default PyTorch allows TF32, with 11 bits of precision, where a GPU convolves float32.

    >>> with torch.autocast("cpu", torch.bfloat16), full_precision(torch.device("cpu")):
    ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """
    if device.type not in _AUTOCAST:
        return nullcontext()
    wide = torch.autocast(device.type, enabled=False)
    # A compiler bakes in what it finds: it takes the precision for a setting of the program that it compiles.
    return wide if device.type != "cuda" or torch.compiler.is_compiling() else _without_tf32(wide)


# Asked once: Dynamo of torch 2.11 cannot.
_AUTOCAST = frozenset(
    kind for kind in ("cpu", "cuda", "xpu", "hpu", "mps", "mtia") if torch.amp.is_autocast_available(kind)
)
_lock = threading.Lock()
_before: list[str] = []
_inside = 0


@contextmanager
def _without_tf32(wide: AbstractContextManager[object]) -> Iterator[None]:
    """The setting is the process's: the first thread to enter saves it, the last one to leave restores it."""
    global _inside
    # PyTorch sets cudnn.conv when it is imported, which no type checker sees.
    settings = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)  # type: ignore[attr-defined]
    with _lock:
        if _inside == 0:
            _before[:] = [setting.fp32_precision for setting in settings]
            for setting in settings:
                setting.fp32_precision = "ieee"
        _inside += 1
    try:
        with wide:
            yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for setting, precision in zip(settings, _before, strict=True):
                    setting.fp32_precision = precision


def shares(levels: Tensor) -> Tensor:
    """Floating levels as shares of white, in [0, 1]: rounded the same way on every device.

    A GPU divides by a number as it multiplies by its reciprocal, which is off by a last bit that may decide
    between two levels; by a tensor it divides.

    >>> shares(torch.tensor([0.0, 51.0, 255.0]))
    tensor([0.0000, 0.2000, 1.0000])
    """
    return levels / torch.full((), _WHITE, dtype=levels.dtype, device=levels.device)


def nearest_levels(images: Tensor) -> Tensor:
    """The nearest of 256 levels, as floats without a gradient; NaN, which could be no index, as black.

    >>> nearest_levels(torch.tensor([0.0, 0.5, 1.5, float("nan")]))
    tensor([  0., 128., 255.,   0.])
    """
    return images.detach().mul(_WHITE).round().nan_to_num(0.0).clamp(0, _WHITE)


def in_full(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Of floating images first: computed in float32 at least, whatever autocast says, and rounded once.

    >>> in_full(lambda images: images + 1e-3 - 1e-3)(torch.ones(1, dtype=torch.bfloat16))
    tensor([1.], dtype=torch.bfloat16)
    """

    @wraps(function)
    def wide(images: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        with full_precision(images.device):
            full = images.to(torch.promote_types(images.dtype, torch.float32))
            return function(full, *args, **kwargs).to(images.dtype)

    return wide
