"""Batches of pairs (image, label) of one form, stacked at once, without a tensor and a check for each."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from gpuaug.images.packed import is_interleaved
from gpuaug.loading.collate import stack_alike
from gpuaug.loading.columns import collate_leaves
from gpuaug.loading.decoded import to_tensor

_NUMBERS = (np.bool_, np.integer, np.floating)


class Stacked(NamedTuple):
    """A batch of pairs: images ``(N, C, H, W)`` and labels ``(N, ...)``."""

    images: Tensor
    labels: Any


class Form(NamedTuple):
    """The types, shape and dtype that all samples of a batch share; only the first one is checked in full."""

    image: type
    shape: tuple[int, ...]
    dtype: Any
    label: type
    interleaved: bool

    @classmethod
    def of(cls, item: Any, index: int) -> Form | None:
        """The form of a sample, after a check of its image; None if such samples are read one by one.

        >>> Form.of((np.zeros((4, 5, 3), np.uint8), 7), 0).shape
        (4, 5, 3)
        >>> Form.of([np.zeros((4, 5, 3), np.uint8), 7], 0) is None
        True
        """
        if type(item) is not tuple or len(item) != 2:
            return None
        image, label = item
        if type(image) not in (np.ndarray, np.memmap, Tensor) or not _is_number(label):
            return None
        tensor = to_tensor(image, index)
        interleaved = is_interleaved(tensor)
        if type(image) is not Tensor and len(tensor) > 1 and not interleaved:
            return None  # the memory of the array is (C, H, W)
        return cls(type(image), image.shape, image.dtype, type(label), interleaved)

    def fits(self, items: list[Any]) -> bool:
        """Whether all samples are of this form."""
        if set(map(type, items)) != {tuple} or set(map(len, items)) != {2}:
            return False
        images, labels = zip(*items, strict=True)
        if set(map(type, images)) != {self.image} or set(map(type, labels)) != {self.label}:
            return False
        return (
            all(image.shape == self.shape for image in images)
            and all(image.dtype == self.dtype for image in images)
            and (self.image is not Tensor or all(image.is_cpu for image in images))
            and (self.label is not Tensor or all(label.dim() == 0 for label in labels))
        )

    def stack(self, items: list[Any], indices: list[int]) -> Stacked:
        """The batch of samples of this form."""
        images, labels = map(list, zip(*items, strict=True))
        return Stacked(self._stack_images(images), collate_leaves(labels, "[1]", indices[0]))

    def _stack_images(self, images: list[Any]) -> Tensor:
        if self.image is Tensor:
            return stack_alike(images, self.interleaved)
        # From an empty array, as the images may have negative strides.
        dtype = torch.from_numpy(np.empty(0, self.dtype)).dtype
        batch = empty_batch((len(images), *self.shape), dtype)
        # Concatenated along the height: np.stack would make a view of each image.
        np.concatenate(images, out=batch.numpy().reshape(-1, *self.shape[1:]))
        return as_planes(batch)


def empty_batch(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Memory for a batch. In a worker it is shared memory, so that the batch is sent without a copy."""
    if get_worker_info() is None:
        return torch.empty(shape, dtype=dtype, device="cpu")
    storage = torch.UntypedStorage._new_shared(prod(shape) * dtype.itemsize)
    return torch.empty(0, dtype=dtype, device="cpu").set_(storage).view(shape)


def as_planes(batch: Tensor) -> Tensor:
    """Views images ``(N, H, W)`` or ``(N, H, W, C)`` as ``(N, C, H, W)``.

    >>> as_planes(torch.zeros(2, 4, 5)).shape, as_planes(torch.zeros(2, 4, 5, 3)).shape
    (torch.Size([2, 1, 4, 5]), torch.Size([2, 3, 4, 5]))
    """
    if batch.dim() == 3 or batch.shape[3] == 1:
        return batch.view(len(batch), 1, *batch.shape[1:3])
    return batch.permute(0, 3, 1, 2)


def _is_number(label: Any) -> bool:
    if type(label) is Tensor:
        return label.dim() == 0
    return type(label) in (bool, int, float) or issubclass(type(label), _NUMBERS)
