"""Batches of samples, made without a transposition or a resize on the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

from gpuaug.images.batch import dtype_name
from gpuaug.images.packed import Images, Packed, check_one, is_interleaved, pack
from gpuaug.loading.columns import Columns
from gpuaug.loading.samples import Sample, image_name, join
from gpuaug.transforms.annotations.tv_tensors import kind_of, like, plain

DRAWS = "draws"  # the entry of a dictionary from WithDraws that holds its draw


def collate(samples: Sequence[Any]) -> Any:
    """Makes a batch from samples of :class:`WithDraws`; a ``collate_fn`` for ``DataLoader``.

    >>> import torch
    >>> draw = torch.tensor([0, 0, 7])
    >>> image = torch.zeros(4, 5, 3, dtype=torch.uint8).permute(2, 0, 1)
    >>> images, labels, draws = collate([(image, 0, draw), (image, 1, draw)])
    >>> images.shape, images.is_contiguous(memory_format=torch.channels_last), labels.tolist()
    (torch.Size([2, 3, 4, 5]), True, [0, 1])

    Args:
        samples: the samples of a batch, as ``WithDraws(dataset)[draw]`` returns them.

    Returns:
        the batch in the form of the samples: a tuple (images, labels, draws), a longer tuple, or a
        dictionary.

        - Images are ``(N, C, H, W)`` in the memory order of the samples: channels_last for views of
          ``(H, W, C)`` memory, such as decoded images. Images of different sizes are packed by
          :func:`gpuaug.pack`.
        - Draws are int64 ``(N, 3)``: index, copy and key.
        - Other items are stacked as by ``default_collate``. If samples hold ``tv_tensors.BoundingBoxes`` or
          ``KeyPoints``, each other item is a list with one entry for each sample.

    Raises:
        ValueError: images differ in their number of channels, floating images differ in size, or other items
            differ in shape. The message names two samples.
        TypeError: images or other items differ in type.
    """
    opened, draws = zip(*map(_opened, samples), strict=True)
    rows = torch.stack(draws)
    indices = rows[:, 0].tolist()
    images = stack_images([sample.image for sample in opened], indices)
    rest = Columns(opened, indices).collate()
    if opened[0].as_image and not isinstance(images, Packed):
        images = like(images, "Image")
    whole = join(images, rest, opened[0].name)
    return {**whole, DRAWS: rows} if isinstance(whole, dict) else (*whole, rows)


def _opened(item: Any) -> tuple[Sample, Tensor]:
    rest: tuple[Any, ...] | dict[Any, Any]
    if isinstance(item, Mapping):
        rest = dict(item)
        draw = rest.pop(DRAWS)
        name = image_name(rest, int(draw[0]))
        image, rest[name] = rest[name], None
    else:
        image, *others, draw = item
        rest, name = tuple(others), None
    return Sample(plain(image), rest, name, kind_of(image) == "Image"), draw


def stack_images(images: list[Tensor], indices: list[int]) -> Images:
    """Images ``(C, H, W)`` as one batch. ``indices``, those of the samples, are for messages."""
    _check_alike(images, indices)
    if any(image.shape != images[0].shape for image in images):
        return pack(images)
    return stack_alike(images, is_interleaved(images[0]))


def stack_alike(images: list[Tensor], interleaved: bool) -> Tensor:
    """Stacks images of one shape and dtype; the memory is ``(H, W, C)`` if they are ``interleaved``."""
    # In a worker, default_collate writes directly into shared memory. It keeps the order of the dimensions.
    batch: Tensor = default_collate([image.permute(1, 2, 0) for image in images] if interleaved else images)
    return batch.permute(0, 3, 1, 2) if interleaved else batch


def _check_alike(images: list[Tensor], indices: list[int]) -> None:
    first = images[0]
    check_one(
        "the images of a batch must have one number of channels",
        list(map(len, images)),
        "for sample",
        indices,
        advice=": convert them in the data set",
    )
    dtypes = list(map(dtype_name, images))
    check_one("the images of a batch must have one dtype", dtypes, "for sample", indices, TypeError)
    for index, image in zip(indices, images, strict=True):
        if image.shape != first.shape and image.is_floating_point():
            raise ValueError(
                f"images of different sizes must be uint8, uint16 or int16, got {dtype_name(image)}, "
                f"{tuple(first.shape)} for sample {indices[0]} and {tuple(image.shape)} for sample {index}: "
                "resize them in the data set, or leave them uint8"
            )
