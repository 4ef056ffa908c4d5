"""Checks that a library's output is that of a case of ``policy_cases.py``.

Random chains are compared with torchvision's, whose random numbers differ: one picture goes through many
draws, and the means and spreads of numbers read from the results must agree. Measured curves are compared by
level with torchvision's and OpenCV's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch
from case import MEAN, STD
from policy_cases import ALONE, CLIP_LIMIT, CLIPS, CONTRAST, TILES, PolicyCase
from policy_peers import torchvision_sample
from probes import SIGMAS, Results, near, share
from torch import Tensor
from torchvision.transforms.v2 import functional as F

DRAWS = 512
OFF = 1.0  # the tolerance of a curve in levels, as the mean over a batch; kornia's CLAHE differs by about 0.5
# torchvision's contrast uses a mean of whole levels, and rounds after every op.
SLACK = 0.5


def check(case: PolicyCase, results: Results, *, as_torchvision: bool = True) -> None:
    """Raise AssertionError unless ``results(probe)()`` are batches of the case.

    Args:
        as_torchvision: False for policies with ops of their own, of which only the flips are known.
    """
    if case.chain in ALONE:
        check_alone(case, results)
        return
    found = read(levels_of(case, results(picture(case))))
    share("of flips", found["slope across"] < 0, 0.5)
    if as_torchvision:
        for what, expected in reference(case).items():
            check_alike(what, found[what], expected)


# ---- Chains with random parameters


def picture(case: PolicyCase) -> Tensor:
    """The picture of all draws: colored, brighter to the right and slightly downwards, with grain."""
    along = torch.linspace(0, 1, case.side)
    shared = 120 * along + 20 * along[:, None]
    shared = shared + 10 * torch.randn(shared.shape, generator=torch.Generator().manual_seed(0))
    colored = torch.stack((50 + shared, 60 + 0.8 * shared, 75 + 0.6 * shared)).clamp(0, 255).to(torch.uint8)
    frames = (case.frames,) if case.frames else ()
    return colored.expand(case.batch, *frames, *colored.shape).contiguous()


def levels_of(case: PolicyCase, run: Callable[[], Tensor]) -> np.ndarray:
    """At least ``DRAWS`` results as levels (draws, channels, height, width); of clips, one frame."""

    def batches() -> Iterator[Tensor]:
        shape = picture(case).shape
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
        for _ in range(-(-DRAWS // case.batch)):
            batch = run()
            assert batch.dtype == torch.float32, f"a result must be float32, got {batch.dtype}"
            assert batch.shape == shape, f"a result must be {tuple(shape)}, got {tuple(batch.shape)}"
            if case.chain == CLIPS:
                assert (batch == batch[:, :1]).all(), "all frames of a clip must be equal"
                batch = batch[:, 0]
            yield batch.mul(std).add(mean).mul(255)

    return torch.cat(list(batches())).numpy()


def read(levels: np.ndarray) -> dict[str, np.ndarray]:
    """Numbers read from the draws, one per draw."""
    side = levels.shape[-1]
    away = np.arange(side) - (side - 1) / 2
    grey = levels.mean(1)
    return {
        "slope across": (grey * away).mean((1, 2)) / (away**2).mean() * side,
        "slope down": (grey * away[:, None]).mean((1, 2)) / (away**2).mean() * side,
        "brightness": grey.mean((1, 2)),
        "contrast": grey.std((1, 2)),
        "color": np.abs(levels[:, 0] - levels[:, 2]).mean((1, 2)),
        "grain": np.abs(np.diff(grey)).mean((1, 2)),
        "black, of 255": 255 * (levels < 1).all(1).mean((1, 2)),
    }


@functools.cache
def reference(case: PolicyCase) -> dict[str, np.ndarray]:
    """The results of torchvision, image by image."""
    prepare, transform = torchvision_sample(case)
    probes = [prepare(one) for one in picture(case).numpy()]
    return read(levels_of(case, lambda: torch.stack([transform(probe) for probe in probes])))


def check_alike(what: str, found: np.ndarray, expected: np.ndarray) -> None:
    middle = expected.mean()
    for of, values, wanted in (
        (f"mean of {what}", found, expected),
        (f"spread of {what}", np.abs(found - middle), np.abs(expected - middle)),
    ):
        error = np.sqrt(values.var() / len(values) + wanted.var() / len(wanted))
        near(of, values.mean(), wanted.mean(), SIGMAS * error + SLACK)


# ---- Measured curves


def check_alone(case: PolicyCase, results: Results) -> None:
    images = case.images()
    out = results(images)()
    assert out.shape == images.shape, f"a result must be {tuple(images.shape)}, got {tuple(out.shape)}"
    levels = out.float() if out.dtype == torch.uint8 else 255 * out
    before = images.float()
    if case.chain == "mean contrast":
        check_contrast(before, levels)
        return
    off = (levels - EXPECTED[case.chain](images)).abs().mean().item()
    near(f"difference of {case.chain} from the expected, in levels", off, 0, OFF)


def check_contrast(before: Tensor, after: Tensor) -> None:
    """Checks that deviations from the mean of an image grow by one factor per image."""
    middle = (
        before.mul(torch.tensor((0.299, 0.587, 0.114)).view(3, 1, 1)).sum(1).mean((1, 2)).view(-1, 1, 1, 1)
    )
    apart, moved = before - middle, after - middle
    inside = (before > 45) & (before < 210)  # not clamped, for any factor
    factor = (apart * moved * inside).sum((1, 2, 3)) / (apart.square() * inside).sum((1, 2, 3))
    off = ((moved - factor.view(-1, 1, 1, 1) * apart).abs() * inside).sum() / inside.sum()
    near("difference from contrast about the mean, in levels", off.item(), 0, OFF)
    low, high = CONTRAST
    near(
        "mean factor",
        factor.mean().item(),
        (low + high) / 2,
        SIGMAS * (high - low) / (12 * len(factor)) ** 0.5,
    )
    assert low - 0.02 < factor.min() < factor.max() < high + 0.02, f"factors must lie in {CONTRAST}"
    near("spread of the factors", factor.std().item(), (high - low) / 12**0.5, 0.5 * (high - low) / 12**0.5)


def _clahe(images: Tensor) -> Tensor:
    clahe = cv2.createCLAHE(CLIP_LIMIT, TILES)
    return torch.from_numpy(np.stack([clahe.apply(plane) for plane in images.flatten(0, 1).numpy()])).view_as(
        images
    )


EXPECTED: dict[str, Callable[[Tensor], Tensor]] = {
    "Equalize": F.equalize,
    "AutoContrast": F.autocontrast,
    "CLAHE": _clahe,
}
