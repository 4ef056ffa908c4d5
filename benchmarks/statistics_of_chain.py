"""Whether a peer's output is that of the chain, judged by statistics: its random numbers are its own.

Two probes have known answers. A horizontal ramp, the same in every row, tells the size and the place of the
window (its slope and level), the flips (its sign) and the noise (its outliers). Independent random pixels
tell, by how much of their spread is left, whether they were resized bilinearly and blurred.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from peers import AMOUNT, MEAN, SALT, SIGMA, STD, Case
from torch import Tensor

DRAWS = 1024
LOW, HIGH = 60.0, 190.0  # what the probes hold: far from salt and pepper


def ramp(case: Case) -> Tensor:
    row = torch.linspace(LOW, HIGH, case.side).round().to(torch.uint8)
    return row.expand(case.batch, 3, case.side, case.side).contiguous()


def grain(case: Case) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (case.batch, 3, case.side, case.side)
    return torch.randint(int(LOW), int(HIGH), shape, dtype=torch.uint8, generator=generator)


def check(case: Case, results: Callable[[Tensor], Callable[[], Tensor]]) -> None:
    """Raise AssertionError unless ``results(probe)()`` are batches of the chain."""
    levels = gather(case, results(ramp(case)))
    noisy = (levels < 5) | (levels > 250)
    salt, pepper = (levels > 250).mean(), (levels < 5).mean()
    near("share of salt", salt, AMOUNT * SALT, 0.01)
    near("share of pepper", pepper, AMOUNT * (1 - SALT), 0.01)
    near("channels that share their noise", (noisy.all(1) == noisy.any(1)).mean(), 1, 0.001)

    clean = np.where(noisy, np.nan, levels)[:, 0]
    columns = np.nanmean(clean, axis=1)  # (draws, side)
    inner = slice(case.side // 8, -case.side // 8)  # away from the borders that the blur bends
    positions = np.arange(case.side)[inner]
    slopes, centres = np.polyfit(positions - positions.mean(), columns[:, inner].T, 1)
    slope = (HIGH - LOW) / (case.side - 1)
    near("slope of the ramp", np.abs(slopes).mean(), slope * case.window / case.side, 0.03 * slope)
    near("share of flips", (slopes < 0).mean(), 0.5, 0.08)
    places = case.side - case.window + 1
    near("mean place of the window", centres.mean() / slope, (LOW + HIGH) / 2 / slope, 0.05 * case.side)
    near("spread of its places", centres.std() / slope, np.sqrt((places**2 - 1) / 12), 0.06 * places)

    probe = grain(case)
    levels = gather(case, results(probe))
    clean = np.where((levels < 5) | (levels > 250), np.nan, levels)
    near("spread left by resize and blur", np.nanstd(clean), expected_spread(case, probe), 0.4)


def expected_spread(case: Case, probe: Tensor) -> float:
    """Of the grain after OpenCV's resize and blur, from windows at a few places."""
    results = []
    for n, image in enumerate(probe[:32].permute(0, 2, 3, 1).numpy()):
        top, left = n % (case.side - case.window), (7 * n) % (case.side - case.window)
        window = np.ascontiguousarray(image[top : top + case.window, left : left + case.window])
        resized = cv2.resize(window, (case.side, case.side), interpolation=cv2.INTER_LINEAR)
        results.append(cv2.GaussianBlur(resized, (5, 5), SIGMA))
    return float(np.std(results))


def gather(case: Case, run: Callable[[], Tensor]) -> np.ndarray:
    """At least ``DRAWS`` results as levels from 0 to 255: float64 (draws, channels, height, width)."""
    batches = []
    while sum(map(len, batches)) < min(DRAWS, 4 * case.batch):
        batch = run()
        assert batch.dtype == torch.float32, f"a result must be float32, got {batch.dtype}"
        shape = tuple(batch.shape)
        assert shape == (case.batch, 3, case.side, case.side), f"a result must be NCHW, got {shape}"
        batches.append(batch)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return torch.cat(batches).double().mul(std).add(mean).mul(255).numpy()


def near(what: str, value: float, expected: float, tolerance: float) -> None:
    allowed = f"{expected:.4g} ± {tolerance:.2g}"
    assert abs(value - expected) <= tolerance, f"{what} must be {allowed}, got {value:.4g}"
