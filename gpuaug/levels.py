"""What floating images may hold, and what becomes of the rest.

Floating images are expected in [0, 1]. One rule holds for all transforms:

* What moves or averages pixels (geometry, blurs, distortions) takes any value as it is, and clamps nothing.
* What puts values in the place of pixels (salt and pepper, erasing) leaves the other pixels as they are.
* What computes new values from old ones (colour, tone, grain, sharpening, histograms, ...) clamps its result
  to [0, 1].
* ``Normalize`` clamps nothing: its result is no level.

Alpha, the fourth of four channels, follows it: what moves or averages pixels takes all channels alike, all
else but ``Normalize`` leaves alpha as it is.

NaN stays NaN, and spreads as far as a filter or a statistic reaches, in its own image alone.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

COLOURS = 3  # of the channels; a fourth one is alpha
_WHITE = 255


def clamped(values: Tensor) -> Tensor:
    """Held to [0, 1]. NaN stays NaN; black and white keep their gradient, which ``torch.clamp`` may drop.

    >>> clamped(torch.tensor([-0.5, 0.25, 1.5, float("nan")]))
    tensor([0.0000, 0.2500, 1.0000,    nan])
    """
    return torch.where(values < 0, 0, torch.where(values > 1, 1, values))


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Where autocast makes nothing narrower, so that a result depends on images and settings alone.

    >>> with torch.autocast("cpu", torch.bfloat16), full_precision(torch.device("cpu")):
    ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """
    if torch.amp.is_autocast_available(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


def nearest_levels(images: Tensor) -> Tensor:
    """The nearest of 256 levels, as floats without a gradient; NaN, which could be no index, as black.

    >>> nearest_levels(torch.tensor([0.0, 0.5, 1.5, float("nan")]))
    tensor([  0., 128., 255.,   0.])
    """
    return images.detach().mul(_WHITE).round().nan_to_num(0.0).clamp(0, _WHITE)
