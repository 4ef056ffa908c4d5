"""Shared by the checks of chains: a probe, the reading of results, and comparisons."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from case import MEAN, STD, Case
from torch import Tensor

DRAWS = 1024
LOW, HIGH = 60.0, 190.0  # the range of the probes, far from black and white
SIGMAS = 4.5  # the tolerance of a mean; about one check in 100,000 fails by chance

Results = Callable[[Tensor], Callable[[], Tensor]]


def grain(case: Case, channels: int = 3) -> Tensor:
    """Independent random pixels; with one channel, repeated in all three."""
    generator = torch.Generator().manual_seed(0)
    shape = (case.batch, channels, case.side, case.side)
    pixels = torch.randint(int(LOW), int(HIGH), shape, dtype=torch.uint8, generator=generator)
    return pixels.expand(-1, 3, -1, -1).contiguous().to(case.device)


def levels_of(case: Case, batch: Tensor) -> np.ndarray:
    """A result as levels in [0, 255]: float32 (draws, channels, height, width)."""
    assert batch.dtype == torch.float32, f"a result must be float32, got {batch.dtype}"
    shape = tuple(batch.shape)
    assert shape == (case.batch, 3, case.side, case.side), f"a result must be NCHW, got {shape}"
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return batch.cpu().mul(std).add(mean).mul(255).numpy()


def root_mean_square(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.mean(np.square(values), axis=0))


def share(what: str, chosen: np.ndarray, expected: float) -> None:
    error = np.sqrt(expected * (1 - expected) / len(chosen))
    near(f"share {what}", chosen.mean(), expected, SIGMAS * error)


def near(what: str, value: float, expected: float, tolerance: float) -> None:
    allowed = f"{expected:.4g} ± {tolerance:.2g}"
    assert abs(value - expected) <= tolerance, f"{what} must be {allowed}, got {value:.4g}"
