"""Checks that a library's output is that of the chain ``turn``: rotation, scale, flip, colors, cut-out.

One probe shows all parameters of an image. Red rises to the right, green downwards, and blue has one level
above the middle and another below it. In the output, the differences of two channels do not depend on
brightness offsets, nor on the level that contrast is about. The height of blue's step is the product of
saturation, brightness and contrast. The slopes of red and green, relative to that step, give rotation, scale
and flip; the slope of the luma, relative to these, gives saturation. Zeros are the hole. Grey grain shows by
its remaining spread that pixels are blended.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from case import DEGREES, JITTER, SCALE, Case
from probes import DRAWS, SIGMAS, Results, grain, levels_of, near, root_mean_square, share
from torch import Tensor

MIDDLE, RISE, STEP = 127.5, 110.0, 70.0  # levels: the rise is over a side, the step of blue
LUMA = np.array((0.299, 0.587, 0.114))
ERASED = 4  # lower levels are those of the hole
INNER = 0.32  # shares of the side, from the middle: always inside the image, for any rotation and scale


@dataclass(frozen=True)
class Turns:
    """Numbers read from the images of the probe, one per image."""

    angle: np.ndarray  # degrees
    scale: np.ndarray
    flipped: np.ndarray
    gain: np.ndarray  # brightness times contrast
    saturation: np.ndarray


def check_turn(case: Case, results: Results) -> None:
    """Raise AssertionError unless ``results(probe)()`` are batches of the chain."""
    run, parts, holes, seen = results(slopes_and_step(case)), [], [], 0
    while seen < DRAWS:
        levels = levels_of(case, run())
        parts.append(read_turns(case, levels))
        holes.append(read_holes(case, levels))
        seen += len(levels)
    check_turns(Turns(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Turns))))
    check_holes(case, np.concatenate(holes))
    probe = grain(case, channels=1)
    run, spreads, seen = results(probe), [], 0
    while seen < DRAWS:
        spreads.append(read_spreads(case, levels_of(case, run())))
        seen += len(spreads[-1])
    check_spreads(np.concatenate(spreads), probe)


# ---- The probe, and numbers read from its results


def slopes_and_step(case: Case) -> Tensor:
    along = (torch.arange(case.side) + 0.5) / case.side - 0.5
    red = (MIDDLE + RISE * along).expand(case.side, -1)
    blue = MIDDLE + STEP * (0.5 - (along < 0).float())[:, None].expand(-1, case.side)
    image = torch.stack((red, red.T, blue)).round().to(torch.uint8)
    return image.expand(case.batch, -1, -1, -1).contiguous().to(case.device)


def coordinates(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """The x and y of every pixel from the middle, in units of the side."""
    along = (np.arange(case.side) + 0.5) / case.side - 0.5
    return np.broadcast_to(along, (case.side, case.side)), np.broadcast_to(
        along[:, None], (case.side, case.side)
    )


def read_turns(case: Case, levels: np.ndarray) -> Turns:
    """Reads parameters by least squares over two patches, above and below blue's step at any rotation."""
    x, y = coordinates(case)
    patches = (abs(x) < 1 / 4) & (abs(y) > 1 / 8) & (abs(y) < INNER)
    x, y, pixels = x[patches], y[patches], levels[:, :, patches]  # pixels: (draws, channels, pixels)
    there = (pixels >= ERASED).any(1)
    enough = (there[:, y < 0].mean(1) > 1 / 4) & (there[:, y > 0].mean(1) > 1 / 4)
    pixels, there = pixels[enough], there[enough].astype(float)
    terms = np.stack((np.ones_like(x), x, y, (y > 0) - 0.5))
    squares = np.einsum("ap,bp,np->nab", terms, terms, there)
    products = np.einsum("ap,ncp,np->nac", terms, pixels, there)
    fitted = np.linalg.solve(squares, products)  # (draws, terms, channels)
    red, green = fitted[:, :, 0] - fitted[:, :, 2], fitted[:, :, 1] - fitted[:, :, 2]
    colors = -red[:, 3] / STEP  # gain times saturation
    slopes = np.stack((red[:, 1:3], green[:, 1:3]), axis=1) / RISE / colors[:, None, None]
    flipped = np.linalg.det(slopes) < 0
    scale = 1 / np.sqrt(abs(np.linalg.det(slopes)))
    slopes[flipped, :, 0] *= -1
    angle = np.degrees(np.arctan2(slopes[:, 1, 0] - slopes[:, 0, 1], slopes[:, 0, 0] + slopes[:, 1, 1]))
    luma = np.linalg.norm(fitted[:, 1:3] @ LUMA, axis=1)
    gain = luma * scale / RISE / np.linalg.norm(LUMA[:2])
    return Turns(angle, scale, flipped, gain, colors / gain)


def read_holes(case: Case, levels: np.ndarray) -> np.ndarray:
    """The erased share of each image's inner part."""
    x, y = coordinates(case)
    inner = np.maximum(abs(x), abs(y)) < INNER
    return (levels[:, :, inner] < ERASED).all(1).mean(1)


def read_spreads(case: Case, levels: np.ndarray) -> np.ndarray:
    x, y = coordinates(case)
    pixels = levels[:, :, np.maximum(abs(x), abs(y)) < INNER]
    return np.nanstd(np.where(pixels < ERASED, np.nan, pixels), axis=(1, 2))


# ---- Expected values


def check_turns(turns: Turns) -> None:
    share("of flips", turns.flipped, 0.5)
    for what, values, low, high in (
        ("angle", turns.angle, -DEGREES, DEGREES),
        ("scale", turns.scale, *SCALE),
        ("saturation", turns.saturation, 1 - JITTER, 1 + JITTER),
    ):
        distributed(what, values, (low + high) / 2, (high - low) / np.sqrt(12))
    variance = JITTER**2 / 3
    distributed("brightness times contrast", turns.gain, 1, np.sqrt((1 + variance) ** 2 - 1))


def distributed(what: str, values: np.ndarray, mean: float, spread: float) -> None:
    near(f"mean {what}", values.mean(), mean, SIGMAS * spread / np.sqrt(len(values)) + 0.02 * spread)
    near(f"spread of {what}", values.std(), spread, (SIGMAS / np.sqrt(2 * len(values)) + 0.02) * spread)


def check_holes(case: Case, holes: np.ndarray) -> None:
    """Checks that holes are wholly inside the image, at all places equally often."""
    places = case.side - case.hole + 1
    first = np.arange(places)[:, None]
    inner = abs(coordinates(case)[0][0]) < INNER
    covered = ((np.arange(case.side) >= first) & (np.arange(case.side) < first + case.hole))[:, inner].mean(1)
    expected = np.outer(covered, covered)
    error = expected.std() / np.sqrt(len(holes))
    near("share of the middle that is erased", holes.mean(), expected.mean(), SIGMAS * error)
    near("largest share of the middle that is erased", holes.max(), expected.max(), 0.01)


def check_spreads(spreads: np.ndarray, probe: Tensor) -> None:
    # A blend in both directions with uniformly distributed weights leaves (2/3)**2 of the variance.
    expected = float(probe.float().std()) * 2 / 3 * (1 + JITTER**2 / 3)
    near("spread left of the grain", root_mean_square(spreads), expected, 0.05 * expected)
