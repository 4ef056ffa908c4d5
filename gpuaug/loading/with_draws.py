"""Draws through a DataLoader: the data set's side."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset, Subset

from gpuaug.loading.decoded import to_tensor
from gpuaug.sampling import Draw
from gpuaug.sampling.labels_of import check_map_style

# PyTorch advises to spawn the workers, but then each would hold a context on the device.
_CUDA_ADVICE = (
    ". A data set decodes on the CPU and its workers never use CUDA: "
    "give the transform to BalancedLoader, which runs it on the device"
)


class WithDraws(Dataset[tuple[Tensor, Any, Tensor]]):
    """A map-style data set that is read by draws, and says with every image which draw it is.

    >>> import numpy, torch
    >>> from gpuaug import BalancedSampler
    >>> samples = [(numpy.zeros((8, 8, 3), numpy.uint8), int(i < 2)) for i in range(6)]
    >>> sampler = BalancedSampler([label for _, label in samples])
    >>> loader = torch.utils.data.DataLoader(WithDraws(samples), batch_size=8, sampler=sampler)
    >>> images, labels, draws = next(iter(loader))
    >>> images.shape, labels.shape, draws.shape
    (torch.Size([8, 3, 8, 8]), torch.Size([8]), torch.Size([8, 3]))

    A transform takes it from there: ``augment(images.to(device), draws)``. For images of different sizes the
    ``DataLoader`` needs ``collate_fn=gpuaug.loading.collate``. ``BalancedLoader`` does all of it.

    Args:
        dataset: anything with ``__len__`` whose ``dataset[index]`` is ``(image, label)``. The image is a PIL
            image of mode L, RGB or RGBA, a uint8 array ``(H, W)`` or ``(H, W, C)``, or a uint8 or floating
            tensor ``(C, H, W)`` (floats take the differentiable path). The label is a number or a tensor.

    ``WithDraws(dataset)[draw]`` is the image as a tensor ``(C, H, W)``, the label, and the int64 tensor
    ``[index, copy, key]``. An error of the data set comes as a ``RuntimeError`` that names the sample, with
    the original error as its cause.
    """

    def __init__(self, dataset: Any) -> None:
        check_map_style(dataset)
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Any, Tensor]:
        if not isinstance(draw, Draw):
            raise TypeError(
                f"WithDraws is indexed by a gpuaug.Draw, got {type(draw).__name__}: give the DataLoader "
                "sampler=gpuaug.BalancedSampler(labels), which yields draws"
            )
        image, label = read(self.dataset, draw.index)
        return image, label, draw.tensor()


def read(dataset: Any, index: int) -> tuple[Tensor, Any]:
    """``dataset[index]`` as an image tensor ``(C, H, W)`` and a label; errors name the sample."""
    if not 0 <= index < len(dataset):
        raise IndexError(
            f"index must be in [0, {len(dataset)}), the length of the data set, got {index}; "
            "was the sampler built from this data set's labels?"
        )
    try:
        item = dataset[index]
    except Exception as error:
        advice = _CUDA_ADVICE if "Cannot re-initialize CUDA" in str(error) else ""
        raise RuntimeError(f"{_name(dataset, index)}: {type(error).__name__}: {error}{advice}") from error
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        found = f"{len(item)} items" if isinstance(item, (tuple, list)) else type(item).__name__
        raise TypeError(f"sample {index}: dataset[index] must be (image, label), got {found}")
    image, label = item
    if not isinstance(label, (int, float, np.generic, np.ndarray, Tensor)):
        raise TypeError(f"sample {index}: the label must be a number or a tensor, got {type(label).__name__}")
    try:
        return to_tensor(image, index), label
    except OSError as error:  # PIL reads pixels late, so a truncated file can show here
        name = getattr(image, "filename", "") or type(image).__name__
        raise RuntimeError(f"sample {index} ({name}): {type(error).__name__}: {error}") from error


def _name(dataset: Any, index: int) -> str:
    """``sample 3``, with its path where the data set keeps one, as torchvision's folder data sets do."""
    try:
        path = _path(dataset, index)
    except (LookupError, TypeError):
        # A subset's index that is not there: then reading it fails too, and that is the error to show.
        path = None
    return f"sample {index}" if path is None else f"sample {index} ({path})"


def _path(dataset: Any, index: Any) -> Any:
    if isinstance(dataset, Subset):
        return _path(dataset.dataset, dataset.indices[index])
    if isinstance(dataset, ConcatDataset):
        index = range(len(dataset))[index]  # a subset's may be negative
        part = bisect_right(dataset.cumulative_sizes, index)
        return _path(dataset.datasets[part], index - [0, *dataset.cumulative_sizes][part])
    samples = getattr(dataset, "samples", None)
    if isinstance(samples, list) and len(samples) == len(dataset) and isinstance(samples[index], tuple):
        return samples[index][0]
    return None
