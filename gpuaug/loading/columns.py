"""The items of a batch beside the images: stacked, listed, or gathered to follow the geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from gpuaug.images.batch import dtype_name
from gpuaug.images.packed import check_one
from gpuaug.loading.decoded import is_pil
from gpuaug.loading.samples import Sample
from gpuaug.loading.trees import leaves, map_tree
from gpuaug.transforms.annotations.tv_tensors import Gathered, kind_of, like, plain

_OBJECTS = ("BoundingBoxes", "KeyPoints")


class Columns:
    """The other items of a batch's samples, collated into the form of one sample.

    If a sample holds boxes or keypoints, whose number differs by sample, each item becomes a list with one
    entry for each sample. Otherwise tensors, arrays and numbers are stacked, and everything else is collated
    as by ``default_collate``.

    Args:
        samples: the samples of the batch.
        indices: the indices of the samples, for messages.
        gathered: takes masks, boxes and keypoints out and leaves placeholders; None leaves them in.
        masks: whether plain tensors, arrays and PIL images of the image's size are masks. None raises an
            error for them if something is gathered.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        indices: list[int],
        gathered: Gathered | None = None,
        masks: bool | None = None,
    ) -> None:
        self._samples, self._indices, self._gathered, self._masks = samples, indices, gathered, masks

    def collate(self) -> Any:
        rests = [sample.rest for sample in self._samples]
        self._check_alike("dataset[index]", [_form(rest) for rest in rests])
        objects = any(kind_of(leaf) in _OBJECTS for rest in rests for leaf in leaves(rest))
        column = self._listed if objects else self._stacked
        if isinstance(rests[0], dict):
            name = self._samples[0].name
            return {
                key: None if key == name else column(f"[{key!r}]", [rest[key] for rest in rests])
                for key in rests[0]
            }
        return tuple(
            column(f"[{place}]", list(values))
            for place, values in enumerate(zip(*rests, strict=True), start=1)
        )

    def _check_alike(self, what: str, forms: list[Any], error: type[Exception] = ValueError) -> None:
        check_one(f"{what} must be alike in a batch", forms, "for sample", self._indices, error)

    # ---- One entry for each sample

    def _listed(self, path: str, values: list[Any]) -> list[Any]:
        return [map_tree(_branches(value), partial(self._own, path, n)) for n, value in enumerate(values)]

    def _own(self, path: str, sample: int, value: Any) -> Any:
        if self._is_mask(path, sample, value) or kind_of(value) in _OBJECTS:
            value = _tensor(value)
            return value if self._gathered is None else self._gathered.add(sample, value)
        return _tensor(value) if isinstance(value, np.ndarray) else value

    # ---- Stacked

    def _stacked(self, path: str, values: list[Any]) -> Any:
        first = values[0]
        if isinstance(first, Mapping):
            self._check_alike(path, [_form(value) for value in values])
            return {key: self._stacked(f"{path}[{key!r}]", [v[key] for v in values]) for key in first}
        if isinstance(first, (list, tuple)):
            self._check_alike(path, [_form(value) for value in values])
            parts = [
                self._stacked(f"{path}[{place}]", list(column))
                for place, column in enumerate(zip(*values, strict=True))
            ]
            return type(first)(*parts) if hasattr(first, "_fields") else parts
        masks = [self._is_mask(path, sample, value) for sample, value in enumerate(values)]
        if all(masks):
            return self._stacked_masks(path, [_tensor(value) for value in values])
        self._check_alike(path, [_sort(value) for value in values], TypeError)
        if isinstance(first, (Tensor, np.ndarray)) and first.ndim > 0:
            return self._stack(path, [_tensor(value) for value in values])
        return collate_leaves(values, path, self._indices[0])

    def _stack(self, path: str, tensors: list[Tensor]) -> Tensor:
        check_one(
            f"{path} must have one shape in a batch",
            [tuple(tensor.shape) for tensor in tensors],
            "for sample",
            self._indices,
            advice=": pad it in the data set",
        )
        self._check_alike(path, list(map(dtype_name, tensors)), TypeError)
        return torch.stack(tensors) if tensors[0].layout == torch.strided else default_collate(tensors)

    def _stacked_masks(self, path: str, masks: list[Tensor]) -> Any:
        self._check_alike(path, list(map(dtype_name, masks)), TypeError)
        if self._gathered is not None:
            return self._gathered.add_all(masks)
        if any(mask.shape != masks[0].shape for mask in masks):
            return masks
        stacked = default_collate([plain(mask) for mask in masks])
        return like(stacked, "Mask") if kind_of(masks[0]) == "Mask" else stacked

    def _is_mask(self, path: str, sample: int, value: Any) -> bool:
        """Whether a leaf is a mask. Raises if it only looks like one, or has another size than the image."""
        if kind_of(value) == "Mask":
            self._check_size(path, sample, value)
            return True
        if self._masks is False or not self._looks_like_mask(sample, value):
            return False
        if self._masks is None and self._gathered is None:
            return False
        if self._masks is None:
            height, width = self._samples[sample].image.shape[1:]
            raise ValueError(
                f"sample {self._indices[sample]}: {path} looks like a mask, as its last two sizes are the "
                f"image's, {height} x {width}: wrap it in torchvision.tv_tensors.Mask or give masks=True, "
                "to move it with the image; masks=False leaves it as it is"
            )
        return True

    def _looks_like_mask(self, sample: int, value: Any) -> bool:
        height, width = self._samples[sample].image.shape[1:]
        if is_pil(value):
            return bool(value.size == (width, height))
        return (
            isinstance(value, (Tensor, np.ndarray))
            and kind_of(value) is None
            and tuple(value.shape[-2:]) == (height, width)
        )

    def _check_size(self, path: str, sample: int, mask: Tensor) -> None:
        size = tuple(self._samples[sample].image.shape[1:])
        if tuple(mask.shape[-2:]) != size or mask.dim() not in (2, 3):
            raise ValueError(
                f"sample {self._indices[sample]}: the mask at {path} must be (H, W) or (k, H, W) of the "
                f"image's {size[0]} x {size[1]} pixels, got shape {tuple(mask.shape)}"
            )


def collate_leaves(values: list[Any], path: str, index: int) -> Any:
    """Collates numbers and other leaves without a size as ``default_collate`` does.

    >>> collate_leaves([3, 4], "[1]", index=0)
    tensor([3, 4])

    Args:
        values: one value of each sample.
        path: the place of the values in a sample, for messages.
        index: the index of the first sample, for messages.
    """
    try:
        with torch.device("cpu"):  # the device on which numbers become a tensor
            return default_collate(values)
    except (TypeError, RuntimeError) as error:
        raise type(error)(f"sample {index}: {path} cannot be collated: {error}") from error


def _tensor(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    # A PIL image or an array. PyTorch tensors have no negative strides, and cannot be read-only.
    array = np.asarray(value)
    shared = array is value and array.flags.writeable and min(array.strides, default=0) >= 0
    return torch.from_numpy(array if shared else array.copy())


def _branches(value: Any) -> Any:
    """Turns mappings of any class into dictionaries, as ``trees`` expects."""
    return {key: _branches(part) for key, part in value.items()} if isinstance(value, Mapping) else value


def _form(value: Any) -> Any:
    """The part of a value that all samples of a batch must share: its names, or its number of items."""
    if isinstance(value, Mapping):
        return f"a dictionary of {list(value)}"
    return f"{len(value)} items" if isinstance(value, (list, tuple)) else type(value).__name__


def _sort(value: Any) -> str:
    """The sort of a leaf. All samples must share it: one odd sample must not change a batch's type."""
    if isinstance(value, (Tensor, np.ndarray)):
        return "tensor"
    for name, kinds in (("bool", (bool, np.bool_)), ("int", Integral), ("float", Real), ("str", str)):
        if isinstance(value, kinds):
            return name
    return type(value).__name__
