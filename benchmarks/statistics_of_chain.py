"""Checks by statistics that a library's output is that of the chain, as its random numbers are its own.

Two probes have known answers. (The chain that rotates has another probe, see ``statistics_of_turn.py``.) A
horizontal ramp, the same in every row, shows for every image the size and place of the window (by its slope
and level), the flip (by the slope's sign) and the noise (by outliers). Independent random pixels show, by
their remaining spread, whether they were resized bilinearly and blurred.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch
from case import AMOUNT, SALT, SIGMA, Case
from probes import DRAWS, HIGH, LOW, SIGMAS, Results, grain, levels_of, near, root_mean_square, share
from statistics_of_turn import check_turn
from torch import Tensor

SPREAD = 0.8  # the tolerance in levels: DALI's fused window reads half a pixel beyond its border


@dataclass(frozen=True)
class Ramps:
    """Numbers read from the images of a ramp, one per image."""

    salt: np.ndarray  # shares of the pixels
    pepper: np.ndarray
    slope: np.ndarray  # 1: that of the probe; 20/32: that of the window; negative: flipped
    place: np.ndarray  # the place of the centre, in pixels to the right of the probe's

    def of(self, chosen: np.ndarray) -> Ramps:
        return Ramps(*(getattr(self, field.name)[chosen] for field in fields(self)))


def check(case: Case, results: Results) -> None:
    """Raise AssertionError unless ``results(probe)()`` are batches of the chain."""
    if case.chain == "turn":
        check_turn(case, results)
        return
    run, seen = results(ramp(case)), []
    while sum(len(part.slope) for part in seen) < DRAWS:
        seen.append(read_ramps(case, levels_of(case, run())))
    ramps = Ramps(*(np.concatenate([getattr(part, f.name) for part in seen]) for f in fields(Ramps)))
    CHECKS[case.chain](case, ramps)
    probe = grain(case)
    run, spreads = results(probe), []
    while sum(map(len, spreads)) < DRAWS // 8:
        spreads.append(read_spreads(levels_of(case, run())))
    check_spreads(case, np.concatenate(spreads), probe)


# ---- The probes, and numbers read from their results


def ramp(case: Case) -> Tensor:
    row = torch.linspace(LOW, HIGH, case.side).round().to(torch.uint8)
    return row.expand(case.batch, 3, case.side, case.side).contiguous().to(case.device)


def read_ramps(case: Case, levels: np.ndarray) -> Ramps:
    salt, pepper = levels > 250, levels < 5
    noisy = salt | pepper
    assert (noisy.all(1) == noisy.any(1)).mean() > 0.999, "the channels of a pixel must share their noise"
    columns = np.nanmean(np.where(noisy, np.nan, levels)[:, 0], axis=1)  # (draws, side)
    inner = slice(case.side // 8, -case.side // 8)  # without the borders, which the blur changes
    positions = np.arange(case.side)[inner] - (case.side - 1) / 2
    slopes, centres = np.polyfit(positions, columns[:, inner].T, 1) / ((HIGH - LOW) / (case.side - 1))
    middle = (HIGH + LOW) / 2 / ((HIGH - LOW) / (case.side - 1))
    return Ramps(salt.mean((1, 2, 3)), pepper.mean((1, 2, 3)), slopes, centres - middle)


def read_spreads(levels: np.ndarray) -> np.ndarray:
    noisy = (levels < 5) | (levels > 250)
    return np.nanstd(np.where(noisy, np.nan, levels), axis=(1, 2, 3))


# ---- Expected values


def check_full(case: Case, ramps: Ramps) -> None:
    check_noise(case, ramps)
    check_flips(ramps)
    check_windows(case, ramps)


def check_resize(case: Case, ramps: Ramps) -> None:
    check_clean(ramps)
    check_flips(ramps)
    check_windows(case, ramps)


def check_one_of(case: Case, ramps: Ramps) -> None:
    noisy = ramps.salt + ramps.pepper > 0.5 * AMOUNT
    flipped = ~noisy & (ramps.slope < 0)
    served = {"noise": noisy, "flip": flipped, "window": ~noisy & ~flipped}
    for option, chosen in served.items():
        share("of the images that take " + option, chosen, 1 / 3)
    check_noise(case, ramps.of(served["noise"]))
    check_clean(ramps.of(~noisy))
    check_windows(case, ramps.of(served["window"]))
    for option, slope in (("noise", 1.0), ("flip", -1.0)):
        near(f"slope after {option}", ramps.slope[served[option]].mean(), slope, 0.01)
        near(f"shift by {option}", np.abs(ramps.place[served[option]]).max(), 0, 0.5)


CHECKS = {"full": check_full, "resize": check_resize, "one of": check_one_of}


def check_noise(case: Case, ramps: Ramps) -> None:
    for what, value, expected in (
        ("salt", ramps.salt, AMOUNT * SALT),
        ("pepper", ramps.pepper, AMOUNT * (1 - SALT)),
    ):
        error = np.sqrt(expected * (1 - expected) / (len(value) * case.side**2))
        # Some libraries choose a fixed number of pixels, with replacement, or round the shares.
        near(f"share of {what}", value.mean(), expected, SIGMAS * error + 0.01)


def check_clean(ramps: Ramps) -> None:
    near("share of salt and pepper", (ramps.salt + ramps.pepper).max(), 0, 0)


def check_flips(ramps: Ramps) -> None:
    share("of flips", ramps.slope < 0, 0.5)


def check_windows(case: Case, ramps: Ramps) -> None:
    near("slope in the window", np.abs(ramps.slope).mean(), case.window / case.side, 0.01)
    places = case.side - case.window + 1  # all equally likely
    spread = np.sqrt((places**2 - 1) / 12)
    error = spread / np.sqrt(len(ramps.place))
    near("mean place of the window", ramps.place.mean(), 0, SIGMAS * error + 0.5)
    near("spread of its places", ramps.place.std(), spread, SIGMAS * error + 0.02 * places)


def check_spreads(case: Case, spreads: np.ndarray, probe: Tensor) -> None:
    plain, resized, blurred = expected_spreads(case, probe)
    if case.chain == "one of":
        smooth = spreads < (plain + resized) / 2
        share("of the images that were resized", smooth, 1 / 3)
        near("spread left by a flip or noise", root_mean_square(spreads[~smooth]), plain, SPREAD)
        spreads = spreads[smooth]
    expected = blurred if case.chain == "full" else resized
    near(f"spread left by the chain '{case.chain}'", root_mean_square(spreads), expected, SPREAD)


def expected_spreads(case: Case, probe: Tensor) -> tuple[float, float, float]:
    """The spread of the grain, after OpenCV's resize, and after its blur; from windows at a few places."""
    spreads = []
    generator = np.random.default_rng(0)
    images = probe.cpu().permute(0, 2, 3, 1).numpy()
    for _ in range(64):
        image = images[generator.integers(len(images))]
        top, left = generator.integers(0, case.side - case.window + 1, 2)
        window = np.ascontiguousarray(image[top : top + case.window, left : left + case.window])
        resized = cv2.resize(window, (case.side, case.side), interpolation=cv2.INTER_LINEAR)
        spreads.append([image.std(), resized.std(), cv2.GaussianBlur(resized, (5, 5), SIGMA).std()])
    plain, resized, blurred = root_mean_square(np.array(spreads))
    return float(plain), float(resized), float(blurred)
