"""Samples to a batch, without a transposition or a resize on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

from gpuaug.images import dtype_name
from gpuaug.packed import Images, check_one, is_interleaved, pack

Sample = tuple[Tensor, Any, Tensor]


def collate(samples: Sequence[Sample]) -> tuple[Images, Tensor, Tensor]:
    """Stacks the samples of :class:`WithDraws` into one batch; a ``DataLoader``'s ``collate_fn``.

    >>> import torch
    >>> draw = torch.tensor([0, 0, 7])
    >>> image = torch.zeros(4, 5, 3, dtype=torch.uint8).permute(2, 0, 1)
    >>> images, labels, draws = collate([(image, 0, draw), (image, 1, draw)])
    >>> images.shape, images.is_contiguous(memory_format=torch.channels_last), labels.tolist()
    (torch.Size([2, 3, 4, 5]), True, [0, 1])

    Returns:
        images ``(N, C, H, W)`` in the memory order of the samples: channels_last where they are views of
        ``(H, W, C)`` memory, as decoded images are; or, where their sizes differ, packed by ``gpuaug.pack``.
        Labels ``(N, ...)``; draws int64 ``(N, 3)``.

    Raises:
        ValueError: images of different numbers of channels, or of different sizes that are not uint8, naming
            the two samples.
        TypeError: images of different dtypes.
    """
    images = [image for image, _, _ in samples]
    draws = default_collate([draw for _, _, draw in samples])
    _check_alike(images, draws)
    with torch.device("cpu"):  # where numbers become a tensor
        labels = default_collate([label for _, label, _ in samples])
    ragged = any(image.shape != images[0].shape for image in images)
    return pack(images) if ragged else _stack(images), labels, draws


def _check_alike(images: list[Tensor], draws: Tensor) -> None:
    samples, first = draws[:, 0].tolist(), images[0]
    check_one(
        "the images of a batch must have one number of channels",
        list(map(len, images)),
        "for sample",
        samples,
        advice=": convert them in the data set",
    )
    dtypes = list(map(dtype_name, images))
    check_one("the images of a batch must have one dtype", dtypes, "for sample", samples, TypeError)
    for sample, image in zip(samples, images, strict=True):
        if image.shape != first.shape and image.dtype != torch.uint8:
            raise ValueError(
                f"images of different sizes must be uint8, got {dtype_name(image)}, {tuple(first.shape)} for "
                f"sample {samples[0]} and {tuple(image.shape)} for sample {sample}: resize them in the data "
                "set, or leave them uint8"
            )


def _stack(images: list[Tensor]) -> Tensor:
    # default_collate writes straight into shared memory in a worker, and keeps the order of the dimensions.
    if is_interleaved(images[0]):
        return default_collate([image.permute(1, 2, 0) for image in images]).permute(0, 3, 1, 2)
    return default_collate(images)
