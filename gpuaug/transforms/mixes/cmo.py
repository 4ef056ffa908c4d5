"""CMO: boxes of rare classes, pasted into images of frequent ones."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from gpuaug.transforms.mixes.class_numbers import ClassNumbers, check_counts
from gpuaug.transforms.mixes.cutmix import CutMix
from gpuaug.transforms.mixes.weighted_partners import WeightedPartners
from gpuaug.transforms.ranges import number

__all__ = ["CMO"]


class CMO(WeightedPartners, CutMix):
    """CutMix whose boxes come from rare classes: a minority object in the context of a majority image.

    >>> import gpuaug, torch
    >>> images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 0, 0, 1])
    >>> mixed, (y1, y2, lam) = gpuaug.CMO(class_counts=[300, 10], p=1.0)(images, labels)
    >>> mixed.shape
    torch.Size([4, 3, 8, 8])

    A partner is drawn by weights ``count ** -power`` of its class, oneself included. So the draws should
    follow the data (the sampler's target "natural"): of balanced draws rare classes would be raised twice.
    Source: Park et al., "The majority can help the minority: context-rich minority oversampling", CVPR 2022
    (its r is ``power``).

    Args:
        class_counts: the samples of each class in the data set, at least 1.
        power: in [0, 10]; 0 draws all the same.
        alpha: in [0.01, 100].
        p: probability that an image is mixed, in [0, 1]; the paper's is a half.
        partners: "batch": from the batch. "plan": from the whole data set, as in ``MixUp``; the counts are
            then the sampler's.
        seed: of the keys, when used without draws. None: drawn from PyTorch's default generator.

    Raises:
        TypeError: when called with targets that are not class numbers: integers or booleans. (Not with
            ``partners="plan"``, which asks the sampler.)
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
        partners: str = "batch",
        seed: int | None = None,
    ) -> None:
        super().__init__(alpha, p, partners=partners, seed=seed)
        counts = check_counts(class_counts)
        self.power = number("power", power, 0, 10)
        self._weight = ClassNumbers(counts**-self.power)

    @property
    def weights(self) -> Tensor:
        """Of each class, float64 ``(C,)``."""
        return self._weight.numbers

    def weigh(self, samples: Tensor, draws: Tensor) -> Tensor:
        return draws * samples**-self.power

    def _settings_text(self) -> str:
        return f"power={self.power}, alpha={self.alpha}, p={self.p}"
