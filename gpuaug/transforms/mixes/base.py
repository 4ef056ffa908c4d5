"""The common part of the mixes: partners and shares, drawn from the keys."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from gpuaug import random
from gpuaug.images.batch import check_images
from gpuaug.transforms.draw_batch import check_draws
from gpuaug.transforms.fixed_settings import FixedSettings
from gpuaug.transforms.mixes.beta import BetaOne, SymmetricBeta
from gpuaug.transforms.own_draws import OwnDraws, given_or_drawn
from gpuaug.transforms.ranges import number, probability
from gpuaug.travel.to_device import carried

PARTNERS = ("batch", "plan")
Mixed = tuple[Tensor, tuple[Tensor, Tensor, Tensor]]


class Mix(FixedSettings):
    """Base of the mixes: draws the partner and the share of each image; a subclass mixes them."""

    # By alpha: maps numbers in [0, 1) to shares.
    shares: ClassVar[type[SymmetricBeta] | type[BetaOne]] = SymmetricBeta

    def __init__(
        self, alpha: float = 1.0, p: float = 1.0, *, partners: str = "batch", seed: int | None = None
    ) -> None:
        self.alpha = number("alpha", alpha, 0.01, 100)
        self.p = probability("p", p)
        if partners not in PARTNERS:
            raise ValueError(f"partners must be one of {', '.join(map(repr, PARTNERS))}, got {partners!r}")
        self.partners = partners
        self.seed = given_or_drawn(seed)
        self._own = OwnDraws(self.seed, type(self).__name__)
        self._beta = self.shares(self.alpha)

    @property
    def seen(self) -> int:
        """The number of images that came without draws."""
        return self._own.seen

    def __call__(self, images: Tensor, targets: Tensor, draws: Tensor | None = None) -> Mixed:
        """Mix a batch on its device, without waiting for it.

        Args:
            images: ``(n, C, H, W)``, uint8 (rounded half to even) or floating, normalised or not. With
                ``partners="plan"``, ``(n + m, C, H, W)``: the images of the draws, then those of the
                partners, one for each of the m draws that ``mixes(draws)`` names, in their order.
            targets: one for each image, on the images' device.
            draws: int64 ``(n, 3)`` on the host: index, copy, key. By default keys come from ``seed`` and the
                number of images seen, as for a transform (``gpuaug.transforms.own_draws``).

        Returns:
            the n mixed images, and (y1, y2, lam): the targets of each image and of its partner, and the share
            ``(n,)`` of the first, float32, for ``(lam * loss(output, y1) + (1 - lam) * loss(output,
            y2)).mean()``.

        Raises:
            ValueError: if targets, draws or images have another number; if no draws come with
                ``partners="plan"``.
            RuntimeError: if images and targets are on two devices.
        """
        check_images(images)
        total = len(images)
        if not isinstance(targets, Tensor) or targets.dim() == 0 or len(targets) != total:
            shape = tuple(targets.shape) if isinstance(targets, Tensor) else type(targets).__name__
            raise ValueError(f"targets must be a tensor ({total}, ...), one for each image, got {shape}")
        if targets.device != images.device:
            raise RuntimeError(
                f"images and targets must be on one device, got {images.device} and {targets.device}"
            )
        planned = self.partners == "plan"
        if draws is None:
            if planned:
                raise ValueError(
                    "draws must be given where partners is 'plan', got None: a BalancedLoader gives them, "
                    "and reads the partners; partners='batch' takes them from the batch"
                )
            draws = self._own.take(total)
        count = len(draws) if planned else total
        check_draws(draws, count)
        (numbers,) = random.uniform(draws[:, 2], [random.OF_MIXES], [5])
        chance, choice, share, *where = numbers.unbind(1)
        mixes = chance < self.p
        if planned:
            choice = _behind(mixes, total)
        lam = torch.where(mixes, self.own_share(share), 1.0)
        host = torch.stack((choice, lam, *where), dim=1).contiguous()
        choice, lam, *where = carried(host, images.device).unbind(1)
        partner = choice.long() if planned else self.partner(choice, targets)
        out, lam = self.mix(images[:count], images[partner], lam, *where)
        first, second = targets[:count], targets[partner]
        return out, (first, second, self.label_share(lam, first, second).float())

    def mixes(self, draws: Tensor) -> Tensor:
        """The draws that are mixed, a boolean mask ``(n,)``: true with probability ``p``, by their keys.

        Args:
            draws: int64 ``(n, 3)`` on the host: index, copy, key.
        """
        (chance,) = random.uniform(draws[:, 2], [random.OF_MIXES], [1])
        return chance[:, 0] < self.p

    # ---- Partners

    def partner(self, number: Tensor, targets: Tensor) -> Tensor:
        """The partner of each draw in the batch: any other draw, equally likely."""
        count = len(number)
        step = 1 + (number * (count - 1)).long()
        return (torch.arange(count, device=number.device) + step) % max(count, 1)

    def weigh(self, samples: Tensor, draws: Tensor) -> Tensor:
        """The weight of each class as a source of planned partners: as often as the plan draws it.

        Args:
            samples, draws: of each class, in the data set and in the epoch; float64 ``(C,)``.
        """
        return draws

    # ---- Shares

    def own_share(self, number: Tensor) -> Tensor:
        """The share of each image, from numbers in [0, 1)."""
        return self._beta(number)

    def mix(self, images: Tensor, others: Tensor, lam: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mix the images; returns the share of the first images too."""
        raise NotImplementedError(f"{type(self).__name__} must define mix")

    def label_share(self, lam: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """The share of the first label: that of the first image."""
        return lam

    def __repr__(self) -> str:
        planned = ", partners='plan'" if self.partners == "plan" else ""
        return f"{type(self).__name__}({self._settings_text()}{planned})"

    def _settings_text(self) -> str:
        return f"alpha={self.alpha}, p={self.p}"


def _behind(mixes: Tensor, total: int) -> Tensor:
    """The position of each draw's partner, float64: behind all draws, or its own if it is not mixed."""
    count = len(mixes)
    rank = mixes.cumsum(0)
    expected = count + (int(rank[-1]) if count else 0)
    if total != expected:
        raise ValueError(
            f"images must be those of {count} draws and of the partners of the {expected - count} that are "
            f"mixed, {expected}, where partners is 'plan', got {total}: a BalancedLoader reads them"
        )
    return torch.where(mixes, count - 1 + rank, torch.arange(count, device="cpu")).double()
