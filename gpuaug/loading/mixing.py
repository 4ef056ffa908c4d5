"""Mixes in the loader: batches of draws with their partners, and the mixing of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpuaug.loading.draw_batches import DrawBatches
from gpuaug.loading.prefetch import Batch
from gpuaug.loading.samples import label_place
from gpuaug.loading.trees import leaves, map_tree
from gpuaug.sampling import BalancedSampler
from gpuaug.sampling.partners import Partners, own_count
from gpuaug.transforms.annotations.tv_tensors import kind_of
from gpuaug.transforms.mixes.base import Mix


class Partnered:
    """The rows of a ``DrawBatches``; each batch is followed by the partners of those draws that are mixed.

    >>> from gpuaug import MixUp
    >>> batches = DrawBatches(BalancedSampler([0, 0, 1]), batch_size=3, drop_last=False)
    >>> [rows.shape for rows in Partnered(batches, MixUp(partners="plan"))]
    [(6, 3), (2, 3)]

    Args:
        batches: the batches of draws.
        mix: a mix with ``partners="plan"``.

    Raises:
        TypeError: the sampler is not a ``BalancedSampler``: partners are drawn by the class of a sample.
    """

    def __init__(self, batches: DrawBatches, mix: Mix) -> None:
        if not isinstance(batches.sampler, BalancedSampler):
            raise TypeError(
                "sampler must be a gpuaug.BalancedSampler for a mix with partners='plan', "
                f"got {type(batches.sampler).__name__}"
            )
        self._batches, self._mix, self._sampler = batches, mix, batches.sampler

    def __iter__(self) -> Iterator[np.ndarray]:
        partners: Partners | None = None
        for rows in self._batches.rows:
            # Made with the first batch: only then does the sampler have the epoch's plan.
            partners = partners or self._sampler.partners(self._mix.weigh)
            draws = torch.from_numpy(rows)
            yield torch.cat((draws, partners.of(draws[self._mix.mixes(draws)]))).numpy()

    def __len__(self) -> int:
        return len(self._batches)


def mixed(mix: Mix, images: Tensor, rest: Any, batch: Batch) -> tuple[Tensor, Any]:
    """Mixes a batch. The result has its own draws only, without their partners.

    Raises:
        ValueError: the samples have no label that is a number or a tensor, or have masks, boxes or keypoints.
    """
    place = label_place(rest)
    if place is None or any(kind_of(leaf) for leaf in leaves(rest)) or batch.masks:
        raise ValueError(
            "mix must be None for samples without a label that is a number or a tensor, and for those with "
            f"masks, boxes or keypoints, got {mix}"
        )
    draws = batch.draws
    if mix.partners == "plan":
        draws = draws[: own_count(draws)]
    images, targets = mix(images, rest[place], draws)
    if len(draws) < len(batch.draws):
        rest = first_samples(rest, len(draws))
    if isinstance(rest, dict):
        return images, {**rest, place: targets}
    return images, (*rest[:place], targets, *rest[place + 1 :])


def first_samples(rest: Any, count: int) -> Any:
    """The items of the first ``count`` samples of a batch, beside the images.

    >>> first_samples({"image": None, "label": torch.tensor([4, 5, 6]), "name": ["a", "b", "c"]}, 2)
    {'image': None, 'label': tensor([4, 5]), 'name': ['a', 'b']}
    """

    def cut(leaf: Any) -> Any:
        return leaf[:count] if isinstance(leaf, Tensor) or _is_listed(leaf) else leaf

    return map_tree(rest, cut, _is_listed)


def _is_listed(part: Any) -> bool:
    """Whether a part of a batch is a column of strings, which are collated to a list."""
    return isinstance(part, list) and bool(part) and isinstance(part[0], (str, bytes))
