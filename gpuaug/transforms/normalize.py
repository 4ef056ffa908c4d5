"""Normalisation: bytes to the floats that a network reads."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpuaug import functional
from gpuaug.images.batch import dtype_name
from gpuaug.images.packed import Images, Packed
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.recipes import Recipes
from gpuaug.recipe.selection import Selection
from gpuaug.stages.output import (
    TABLE_DTYPES,
    Statistic,
    normalization_scale_shift,
    normalization_table,
    statistics,
)
from gpuaug.tracing import keep
from gpuaug.transforms import advice
from gpuaug.transforms.base import Transform
from gpuaug.transforms.fixed_settings import copied

__all__ = ["Normalize"]


class Normalize(Transform):
    """Normalise to ``(image - mean) / std``, where bytes count as 0 to 1; also originals, and in evaluation.

    >>> import gpuaug
    >>> gpuaug.Normalize(0.5, 0.5)(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)).unique()
    tensor([1.])

    It is the last transform of a chain.

    Args:
        mean, std: a number, or one for each channel. The defaults only scale to [0, 1].
        dtype: dtype of the result: float32, float16 or bfloat16.
        seed: has no effect, since nothing here is random.

    Raises:
        TypeError: if ``dtype`` is another one.
        ValueError: if ``mean`` or ``std`` have another shape or are out of range; when called, if they do not
            fit the images' channels.
    """

    reference = "torchvision Normalize"
    stage = Stage.OUTPUT
    deterministic = True

    def __init__(
        self,
        mean: Statistic = 0.0,
        std: Statistic = 1.0,
        dtype: torch.dtype = torch.float32,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self._mean, self._std = copied(mean, torch.float64), copied(std, torch.float64)
        if max(self._mean.dim(), self._std.dim()) > 1:
            raise ValueError(
                "mean and std must be a number or one for each channel, "
                f"got shapes {tuple(self._mean.shape)} and {tuple(self._std.shape)}"
            )
        if dtype not in TABLE_DTYPES:
            raise TypeError(f"dtype must be float32, float16 or bfloat16, got {dtype_name(dtype)}")
        self.dtype = dtype
        advice.on_statistics(self._mean, self._std)

    def _after_init(self) -> None:
        # Not in a graph, which may round differently. This also checks the settings.
        channels = max(self._mean.numel(), self._std.numel())
        table = normalization_table(self._mean, self._std, channels=channels, dtype=self.dtype)
        self._kept[None] = (table, normalization_scale_shift(self._mean, self._std, channels=channels))
        super()._after_init()

    @property
    def mean(self) -> Tensor:
        return self._mean.clone()

    @property
    def std(self) -> Tensor:
        return self._std.clone()

    def write(self, builder: RecipeBuilder, selection: Selection) -> None:
        """Write nothing: the table is the batch's, not the record's."""

    def finish(
        self,
        images: Images,
        recipes: Recipes,
        memory_format: torch.memory_format,
        before: Sequence[Recipes] = (),
    ) -> Tensor:
        if not isinstance(images, Packed) and images.is_floating_point():
            return functional.augment(
                *(images, recipes),
                mean=self._mean,
                std=self._std,
                dtype=self.dtype,
                memory_format=memory_format,
                before=before,
            )
        channels = images.channels if isinstance(images, Packed) else images.shape[1]
        table, scale_shift = self._table(channels, recipes.records.device)  # of the result
        return functional.augment(
            *(images, recipes),
            table=table,
            scale_shift=scale_shift,
            memory_format=memory_format,
            before=before,
        )

    def _table(self, channels: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """The table, its scale and its shift, made once for each device; later batches copy nothing."""

        def make() -> tuple[Tensor, Tensor]:
            own = self._kept[None]
            if own[0].shape[1] not in (1, channels):
                statistics(self._mean, self._std, channels)  # raises an error
            table, scale_shift = (v.expand(1, channels, -1).contiguous().to(device) for v in own)
            return table, scale_shift

        return keep(self._kept, (channels, device), make)

    def extra_repr(self) -> str:
        return f"mean={self.mean.tolist()}, std={self.std.tolist()}, dtype={dtype_name(self.dtype)}"
