"""CMO: boxes of rare classes, pasted into images of frequent classes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from gpuaug.transforms.mixes.class_numbers import ClassNumbers, check_counts
from gpuaug.transforms.mixes.cutmix import CutMix
from gpuaug.transforms.mixes.weighted_partners import WeightedPartners
from gpuaug.transforms.ranges import number

__all__ = ["CMO"]


class CMO(WeightedPartners, CutMix):
    """Paste boxes of rare classes into the images: a minority object in the context of a majority image.

    >>> import gpuaug, torch
    >>> images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 0, 0, 1])
    >>> mixed, (y1, y2, lam) = gpuaug.CMO(class_counts=[300, 10], p=1.0)(images, labels)
    >>> mixed.shape
    torch.Size([4, 3, 8, 8])

    The partner is drawn from the batch by weights ``count ** -power`` of its class; it may be the image
    itself. The draws should follow the data (the sampler's target "natural"): with balanced draws, rare
    classes would be raised twice. Source: Park et al., "The majority can help the minority: context-rich
    minority oversampling", CVPR 2022, whose r is ``power``.

    Args:
        class_counts: number of samples of each class in the data set, at least 1.
        power: in [0, 10]; 0 gives all images the same weight.
        alpha: parameter of Beta(alpha, alpha), which the share is drawn from, in [0.01, 100].
        p: probability that an image is mixed, in [0, 1]; the paper's is 0.5.
        partners: "batch": from the batch. "plan": from the whole data set, as in ``MixUp``; the counts are
            then the sampler's.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError: if a setting is of another type; when called, if targets are not integers or booleans
            (except with ``partners="plan"``, which asks the sampler).
        ValueError: if a setting is out of range; when called, if targets are out of [0, C). On a GPU, which
            is not waited for, such a target counts as the nearest class.
    """

    def __init__(
        self,
        class_counts: Sequence[int] | Tensor,
        power: float = 1.0,
        alpha: float = 1.0,
        p: float = 0.5,
        *,
        partners: str = "batch",
        seed: int | None = None,
    ) -> None:
        super().__init__(alpha, p, partners=partners, seed=seed)
        counts = check_counts(class_counts)
        self.power = number("power", power, 0, 10)
        self._weight = ClassNumbers(counts**-self.power)

    @property
    def weights(self) -> Tensor:
        """The weight of each class, float64 ``(C,)``."""
        return self._weight.numbers

    def weigh(self, samples: Tensor, draws: Tensor) -> Tensor:
        return draws * samples**-self.power

    def _settings_text(self) -> str:
        return f"power={self.power}, alpha={self.alpha}, p={self.p}"
