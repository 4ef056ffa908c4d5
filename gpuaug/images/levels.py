"""The values of floating images: their range, alpha, and NaN.

Floating images are expected in [0, 1]. All transforms treat other values by the same rules:

* Transforms that move or average pixels (geometry, blurs, distortions) take any value, and clamp nothing.
* Transforms that replace pixels (salt and pepper, erasing) leave the other pixels as they are.
* Transforms that compute new values from old ones (color, curves, noise, sharpening, histograms, ...) clamp
  their result to [0, 1].
* ``Normalize`` clamps nothing, as its result is not a level.

Alpha is the fourth of exactly four channels. Transforms that move or average pixels treat all channels alike;
all others except ``Normalize`` leave alpha as it is.

NaN stays NaN. It spreads as far as a filter or a statistic reaches, but never to another image.
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
    """The number of channels that are not alpha.

    >>> colored(3), colored(4), colored(5)
    (3, 3, 5)
    """
    return COLORS if channels == COLORS + 1 else channels


def clamped(values: Tensor) -> Tensor:
    """Clamps to [0, 1]. NaN stays NaN; 0 and 1 keep their gradient, which ``torch.clamp`` may drop.

    >>> clamped(torch.tensor([-0.5, 0.25, 1.5, float("nan")]))
    tensor([0.0000, 0.2500, 1.0000,    nan])
    """
    return torch.where(values < 0, 0, torch.where(values > 1, 1, values))


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """A context without autocast and TF32, so that results depend on images and settings alone.

    By default PyTorch allows TF32, with 11 bits of precision, in convolutions of float32 on a GPU.

    >>> with torch.autocast("cpu", torch.bfloat16), full_precision(torch.device("cpu")):
    ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """
    if device.type not in _AUTOCAST:
        return nullcontext()
    wide = torch.autocast(device.type, enabled=False)
    # A compiler takes the precision as a constant of the compiled program, so it is not changed there.
    return wide if device.type != "cuda" or torch.compiler.is_compiling() else _without_tf32(wide)


# Computed once: Dynamo of torch 2.11 cannot trace the call.
_AUTOCAST = frozenset(
    kind for kind in ("cpu", "cuda", "xpu", "hpu", "mps", "mtia") if torch.amp.is_autocast_available(kind)
)
_lock = threading.Lock()
_before: list[str] = []
_inside = 0


@contextmanager
def _without_tf32(wide: AbstractContextManager[object]) -> Iterator[None]:
    """Turns TF32 off. The setting is global: the first thread to enter saves it, the last restores it."""
    global _inside
    # PyTorch sets cudnn.conv when it is imported; type checkers do not see that.
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
    """Converts floating levels to shares of white, in [0, 1], with the same rounding on every device.

    On a GPU, PyTorch divides by a number by multiplying by its reciprocal. The last bit may then differ, and
    decide between two levels. By a tensor it divides exactly.

    >>> shares(torch.tensor([0.0, 51.0, 255.0]))
    tensor([0.0000, 0.2000, 1.0000])
    """
    return levels / torch.full((), _WHITE, dtype=levels.dtype, device=levels.device)


def nearest_levels(images: Tensor) -> Tensor:
    """The nearest of 256 levels, as floats without a gradient; NaN becomes 0, as it cannot be an index.

    >>> nearest_levels(torch.tensor([0.0, 0.5, 1.5, float("nan")]))
    tensor([  0., 128., 255.,   0.])
    """
    return images.detach().mul(_WHITE).round().nan_to_num(0.0).clamp(0, _WHITE)


def in_full(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Makes a function of floating images compute in float32 or wider, without autocast, and round once.

    >>> in_full(lambda images: images + 1e-3 - 1e-3)(torch.ones(1, dtype=torch.bfloat16))
    tensor([1.], dtype=torch.bfloat16)
    """

    @wraps(function)
    def wide(images: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        with full_precision(images.device):
            full = images.to(torch.promote_types(images.dtype, torch.float32))
            return function(full, *args, **kwargs).to(images.dtype)

    return wide
