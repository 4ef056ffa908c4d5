"""Images of a batch mixed with one another, after everything else: the result has two labels and a share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gpuaug import random
from gpuaug.images.batch import check_images
from gpuaug.tracing import keep
from gpuaug.transforms.draw_batch import check_draws
from gpuaug.transforms.fixed_settings import FixedSettings
from gpuaug.transforms.own_draws import OwnDraws, given_or_drawn
from gpuaug.transforms.ranges import number, probability
from gpuaug.travel.to_device import carried

__all__ = ["CMO", "CutMix", "MixUp"]

PLACE = (1 << 32) - 1  # in a counter: beyond every place in a chain
Mixed = tuple[Tensor, tuple[Tensor, Tensor, Tensor]]


class Mix(FixedSettings):
    """Base of the mixes: draws the partner and the share of each image; a subclass mixes them."""

    def __init__(self, alpha: float = 1.0, p: float = 1.0, *, seed: int | None = None) -> None:
        self.alpha = number("alpha", alpha, 0.01, 100)
        self.p = probability("p", p)
        self.seed = given_or_drawn(seed)
        self._own = OwnDraws(self.seed, type(self).__name__)
        self._cumulative = _beta_cumulative(self.alpha)
        self._kept: dict[torch.device, Tensor] = {}  # a tensor on each device

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": {}}

    @property
    def seen(self) -> int:
        """How many images came without draws."""
        return self._own.seen

    def __call__(self, images: Tensor, targets: Tensor, draws: Tensor | None = None) -> Mixed:
        """Mix a batch on its device; nothing waits for it.

        Args:
            images: ``(n, C, H, W)``, uint8 (rounded half to even) or floating, normalised or not.
            targets: ``(n, ...)``, on the images' device.
            draws: int64 ``(n, 3)`` on the host: index, copy, key. Without, keys come from ``seed`` and the
                count of images seen, as a transform's (``gpuaug.transforms.own_draws``).

        Returns:
            the images, and (y1, y2, lam): the targets of each image and of its partner, and the share
            ``(n,)`` of the first, float32, for
            ``(lam * loss(output, y1) + (1 - lam) * loss(output, y2)).mean()``.
        """
        check_images(images)
        count = len(images)
        if not isinstance(targets, Tensor) or targets.dim() == 0 or len(targets) != count:
            shape = tuple(targets.shape) if isinstance(targets, Tensor) else type(targets).__name__
            raise ValueError(f"targets must be a tensor ({count}, ...), one for each image, got {shape}")
        if targets.device != images.device:
            raise RuntimeError(
                f"images and targets must be on one device, got {images.device} and {targets.device}"
            )
        if draws is None:
            draws = self._own.take(count)
        else:
            check_draws(draws, count)
        (numbers,) = random.uniform(draws[:, 2], [PLACE], [5])
        chance, choice, share, *where = numbers.unbind(1)
        lam = torch.where(chance < self.p, self._beta(share), 1.0)
        host = torch.stack((choice, lam, *where), dim=1).contiguous()
        choice, lam, *where = carried(host, images.device).unbind(1)
        partner = self.partner(choice, targets)
        out, lam = self.mix(images, images[partner], lam, *where)
        return out, (targets, targets[partner], lam.float())

    def partner(self, number: Tensor, targets: Tensor) -> Tensor:
        """The partner of each draw: any other of the batch, equally likely."""
        count = len(number)
        step = 1 + (number * (count - 1)).long()
        return (torch.arange(count, device=number.device) + step) % max(count, 1)

    def mix(self, images: Tensor, others: Tensor, lam: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The mixed images, and the share of the first."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it mixes")

    def _beta(self, number: Tensor) -> Tensor:
        """Beta(alpha, alpha) from numbers in [0, 1)."""
        cells = len(self._cumulative) - 1
        cell = torch.searchsorted(self._cumulative, number, right=True).clamp(1, cells) - 1
        low, high = self._cumulative[cell], self._cumulative[cell + 1]
        t = ((cell + (number - low) / (high - low)) / cells).clamp(0, 1)
        a = _exponent(self.alpha)
        return t**a / (t**a + (1 - t) ** a)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(alpha={self.alpha}, p={self.p})"


class MixUp(Mix):
    """The weighted mean of two images: ``lam * image + (1 - lam) * partner``, lam from Beta(alpha, alpha).

    >>> import gpuaug
    >>> images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 0, 1, 2])
    >>> mixed, (y1, y2, lam) = gpuaug.MixUp(alpha=0.2)(images, labels)
    >>> mixed.shape, y1.tolist(), lam.shape
    (torch.Size([4, 3, 8, 8]), [0, 0, 1, 2], torch.Size([4]))

    Share and number of the partner come from the draw's key; who has that number depends on the batch.
    Source: Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.

    Args:
        alpha: in [0.01, 100].
        p: probability that an image is mixed, in [0, 1]; others stay as they are, with lam 1.
        seed: of the keys, when used without draws. None: drawn from PyTorch's default generator.
    """

    def mix(self, images: Tensor, others: Tensor, lam: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        dtype = torch.promote_types(images.dtype, torch.float32)
        share = lam.to(dtype)[:, None, None, None]
        out = images.to(dtype) * share + others.to(dtype) * (1 - share)
        if not images.is_floating_point():
            out = out.round()
        return torch.where(share == 1, images, out.to(images.dtype)), lam


class CutMix(Mix):
    """A box of the partner, pasted at the same place.

    >>> import gpuaug
    >>> images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 0, 1, 2])
    >>> mixed, (y1, y2, lam) = gpuaug.CutMix()(images, labels)
    >>> mixed.shape, bool(((0 <= lam) & (lam <= 1)).all())
    (torch.Size([4, 3, 8, 8]), True)

    The box has ``sqrt(1 - lam)`` of each side, lam from Beta(alpha, alpha), and its centre anywhere; what
    reaches beyond the border is cut off, and ``lam`` is then the share of pixels that stay. Box and number of
    the partner come from the draw's key; who has that number depends on the batch. Source: Yun et al.,
    "CutMix", ICCV 2019.

    Args:
        alpha: in [0.01, 100].
        p: probability that an image is mixed, in [0, 1]; others stay as they are, with lam 1.
        seed: of the keys, when used without draws. None: drawn from PyTorch's default generator.
    """

    def mix(self, images: Tensor, others: Tensor, lam: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        height, width = images.shape[2:]
        side = (1 - lam).sqrt()
        rows, tall = _stretch(y, side, height)
        columns, wide = _stretch(x, side, width)
        inside = (rows[:, :, None] & columns[:, None, :])[:, None]
        return torch.where(inside, others, images), 1 - tall * wide / (height * width)


class CMO(CutMix):
    """CutMix whose boxes come from rare classes: a minority object in the context of a majority image.

    >>> import gpuaug
    >>> images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 0, 0, 1])
    >>> mixed, (y1, y2, lam) = gpuaug.CMO(class_counts=[300, 10], p=1.0)(images, labels)
    >>> mixed.shape
    torch.Size([4, 3, 8, 8])

    A partner is drawn from the batch by weights ``count ** -power`` of its class, oneself included. So the
    batches should follow the data (the sampler's target "natural"): in a balanced batch rare classes would be
    raised twice. Source: Park et al., "The majority can help the minority: context-rich minority
    oversampling", CVPR 2022 (its r is ``power``).

    Args:
        class_counts: the samples of each class in the data set, at least 1.
        power: in [0, 10]; 0 draws all the same.
        alpha: in [0.01, 100].
        p: probability that an image is mixed, in [0, 1]; the paper's is a half.
        seed: of the keys, when used without draws. None: drawn from PyTorch's default generator.

    Raises:
        TypeError: when called with targets that are not class numbers: integers or booleans.
        ValueError: when called with targets out of [0, C). On a GPU, which is not waited for, those count as
            the nearest class.
    """

    def __init__(
        self,
        class_counts: Sequence[int] | Tensor,
        power: float = 1.0,
        alpha: float = 1.0,
        p: float = 0.5,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(alpha, p, seed=seed)
        counts = torch.as_tensor(class_counts, device=getattr(class_counts, "device", "cpu"))
        known = counts.dim() == 1 and len(counts) > 0
        if not known or not bool(((counts >= 1) & counts.isfinite()).all()):
            raise ValueError(
                f"class_counts must be at least one count, each finite and at least 1, got {class_counts}"
            )
        self.power = number("power", power, 0, 10)
        self._weights = counts.double() ** -self.power

    @property
    def weights(self) -> Tensor:
        """Of each class, float64 ``(C,)``."""
        return self._weights.clone()

    def partner(self, number: Tensor, targets: Tensor) -> Tensor:
        if targets.is_floating_point() or targets.is_complex() or targets.dim() != 1:
            raise TypeError(f"targets must be integers (n,), got {targets.dtype} {tuple(targets.shape)}")
        targets = targets.long()
        weights = keep(self._kept, targets.device, lambda: self._weights.to(targets.device))
        classes = len(weights)
        if targets.is_cpu and not torch.compiler.is_compiling():
            for n in ((targets < 0) | (targets >= classes)).nonzero().flatten()[:1].tolist():
                raise ValueError(f"targets must be in [0, {classes}), got {int(targets[n])} for image {n}")
        end = weights[targets.clamp(0, classes - 1)].cumsum(0)
        found = torch.searchsorted(end, number * end[-1:], right=True)
        return found.clamp(max=len(end) - 1)

    def __repr__(self) -> str:
        return f"CMO(power={self.power}, alpha={self.alpha}, p={self.p})"


def _stretch(centre: Tensor, share: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The pixels of one axis that a box covers, bool ``(n, side)``, and how many they are."""
    half = (side * share).long() // 2
    middle = (centre * side).long()
    first, end = (middle - half).clamp(min=0), (middle + half).clamp(max=side)
    pixel = torch.arange(side, device=centre.device)
    return (pixel >= first[:, None]) & (pixel < end[:, None]), end - first


def _exponent(alpha: float) -> float:
    """a, with which ``x = t^a / (t^a + (1 - t)^a)`` is Beta(alpha, alpha) where t has a bounded density."""
    return max(1.0, 1 / alpha)


def _beta_cumulative(alpha: float, cells: int = 4096) -> Tensor:
    """The probability that t is below 0, 1, 2, ... cells: of the density
    ``(t (1 - t)) ** (a alpha - 1) * (t^a + (1 - t)^a) ** (-2 alpha)``, by trapezes.
    """
    a = _exponent(alpha)
    t = torch.linspace(0, 1, cells + 1, dtype=torch.float64, device="cpu")
    density = (t * (1 - t)) ** (a * alpha - 1) * (t**a + (1 - t) ** a) ** (-2 * alpha)
    end = torch.cat(
        (torch.zeros(1, dtype=torch.float64, device="cpu"), (density[1:] + density[:-1]).cumsum(0))
    )
    return end / end[-1]
