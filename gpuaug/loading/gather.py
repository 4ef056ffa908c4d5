"""Batches of data sets made of two arrays or tensors, images and labels: each is indexed once per batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import StackDataset, Subset, TensorDataset

from gpuaug.images.packed import is_interleaved
from gpuaug.loading.alike import Stacked, as_planes, empty_batch
from gpuaug.loading.columns import collate_leaves
from gpuaug.loading.decoded import to_tensor

_ARRAYS = (np.ndarray, np.memmap)


def gather(dataset: Any, indices: list[int]) -> Stacked | None:
    """A batch of a ``TensorDataset`` or ``StackDataset`` of images and labels, or of a ``Subset`` of one.

    >>> from torch.utils.data import TensorDataset
    >>> dataset = TensorDataset(torch.zeros(6, 3, 4, 4), torch.arange(6))
    >>> gather(dataset, [5, 3]).labels
    tensor([5, 3])

    Args:
        dataset: any data set.
        indices: the indices of the samples, each in [0, len(dataset)).

    Returns:
        the batch; None for other data sets, for subclasses, and for arrays that cannot be indexed at once.
    """
    subsets, whole = [], dataset
    while type(whole) is Subset:
        subsets.append(whole.indices)
        whole = whole.dataset
    parts = _parts(whole)
    rows = None if parts is None else _rows(subsets, np.array(indices), len(parts[0]))
    if parts is None or rows is None:
        return None
    images = _images(parts[0], rows, indices[0])
    labels = None if images is None else _labels(parts[1], rows, indices[0])
    return None if images is None or labels is None else Stacked(images, labels)


def _rows(subsets: list[Any], rows: np.ndarray, length: int) -> np.ndarray | None:
    """The rows of the samples, through subsets, the outermost first; None if reading them would raise."""
    try:
        for indices in subsets:
            # Indexing a tensor would make a tensor for each row.
            own = indices.numpy() if isinstance(indices, Tensor) else indices
            rows = np.array([own[row] for row in rows.tolist()])
    except (LookupError, TypeError, ValueError):
        return None
    if rows.dtype.kind not in "iu" or rows.ndim != 1 or rows.min() < -length or rows.max() >= length:
        return None
    return rows.astype(np.int64) % length


def _parts(dataset: Any) -> tuple[Any, Any] | None:
    if type(dataset) not in (TensorDataset, StackDataset):
        return None
    parts = dataset.tensors if type(dataset) is TensorDataset else dataset.datasets
    if not isinstance(parts, tuple) or len(parts) != 2 or not all(map(_is_plain, parts)):
        return None
    return parts if len(parts[0]) == len(parts[1]) else None


def _is_plain(part: Any) -> bool:
    if type(part) is Tensor:
        return part.layout == torch.strided and part.is_cpu and not part.requires_grad and part.dim() > 0
    return type(part) in _ARRAYS and part.ndim > 0


def _images(images: Any, rows: np.ndarray, index: int) -> Tensor | None:
    if images.ndim < 3:
        return None
    first = to_tensor(images[rows[0]], index)
    interleaved = is_interleaved(first)
    if type(images) is Tensor:
        source = images.permute(0, 2, 3, 1) if interleaved else images
        batch = empty_batch((len(rows), *source.shape[1:]), source.dtype)
        torch.index_select(source, 0, torch.from_numpy(rows), out=batch)
        return batch.permute(0, 3, 1, 2) if interleaved else batch
    if not images.flags.c_contiguous:
        return None  # NumPy would copy all images first
    batch = empty_batch((len(rows), *images.shape[1:]), first.dtype)
    # The rows are in range. Other modes than "clip" would write to a buffer first.
    np.take(images, rows, axis=0, out=batch.numpy(), mode="clip")
    return as_planes(batch)


def _labels(labels: Any, rows: np.ndarray, index: int) -> Any:
    if type(labels) is Tensor:
        # Labels of three or more dimensions could be masks.
        return labels.index_select(0, torch.from_numpy(rows)) if labels.dim() < 3 else None
    if labels.ndim > 1 or labels.dtype.kind not in "biuf":
        return None
    return collate_leaves(list(labels[rows]), "[1]", index)
