"""Images of different sizes as one batch: one after the other in one buffer, as the kernel reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpuaug.images.batch import FEW_CHANNELS, MOST_CHANNELS, are_channels, array_to_tensor, dtype_name


@dataclass(frozen=True, eq=False, repr=False)
class Packed:
    """Images of different sizes in one flat buffer; made by :func:`pack`, accepted by every transform.

    >>> packed = pack([torch.zeros(3, 4, 5, dtype=torch.uint8), torch.ones(3, 2, 6, dtype=torch.uint8)])
    >>> packed
    Packed(2 images of 3 channels, interleaved=False, device='cpu')
    >>> packed.offsets.tolist(), packed[1].shape
    ([0, 60], torch.Size([3, 2, 6]))

    The arguments are also attributes.

    Args:
        storage: the values of all images, uint8, uint16 or int16 ``(values,)``, on any device.
        offsets: the position in the storage at which each image begins, in values; int64 ``(n,)`` on the
            host.
        heights: the heights of the images in pixels, int64 ``(n,)`` on the host.
        widths: the widths of the images in pixels, int64 ``(n,)`` on the host.
        channels: the number of channels of every image, in [1, 64].
        interleaved: True if the memory of an image is ``(H, W, C)``, False if it is ``(C, H, W)``.
    """

    storage: Tensor
    offsets: Tensor
    heights: Tensor
    widths: Tensor
    channels: int
    interleaved: bool

    @classmethod
    def of_sizes(
        cls, storage: Tensor, sizes: Sequence[tuple[int, int]], channels: int, interleaved: bool
    ) -> Packed:
        """Packs images of the given sizes that lie in the storage one after the other.

        Args:
            storage: the values of all images, uint8, uint16 or int16 ``(values,)``.
            sizes: the ``(height, width)`` of each image, in pixels.
            channels: the number of channels of every image.
            interleaved: True if the memory of an image is ``(H, W, C)``, False if it is ``(C, H, W)``.
        """
        heights, widths = torch.tensor(sizes, dtype=torch.int64, device="cpu").T.contiguous()
        lengths = heights * widths * channels
        return cls(storage, lengths.cumsum(0) - lengths, heights, widths, channels, interleaved)

    @property
    def device(self) -> torch.device:
        """The device of the storage."""
        return self.storage.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the storage."""
        return self.storage.dtype

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Packed:
        """Returns the images on a device. Offsets and sizes stay on the host.

        Args:
            device: the device of the new storage.
            non_blocking: copy asynchronously, if the storage is in pinned memory.
        """
        return replace(self, storage=self.storage.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Packed:
        """Returns the images with their storage in page-locked memory of the host."""
        return replace(self, storage=self.storage.pin_memory())

    def dense(self) -> Tensor:
        """Returns the images as ``(n, C, H, W)``, a view of the storage. All must have one size."""
        height, width = int(self.heights[0]), int(self.widths[0])
        if self.interleaved:
            return self.storage.view(len(self), height, width, self.channels).permute(0, 3, 1, 2)
        return self.storage.view(len(self), self.channels, height, width)

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, index: int) -> Tensor:
        """Returns one image ``(C, H, W)``, a view of the storage."""
        offset, height, width = (int(v[index]) for v in (self.offsets, self.heights, self.widths))
        flat = self.storage[offset : offset + self.channels * height * width]
        if self.interleaved:
            return flat.view(height, width, self.channels).permute(2, 0, 1)
        return flat.view(self.channels, height, width)

    def __repr__(self) -> str:
        return (
            f"Packed({len(self)} images of {self.channels} channels, interleaved={self.interleaved}, "
            f"device={str(self.device)!r})"
        )


Images = Tensor | Packed
# All that recipes depend on: the shape of a dense batch or of clips, or a packed batch with its sizes.
Source = tuple[int, int, int, int] | tuple[int, int, int, int, int] | Packed


def pack(images: Iterable[Tensor | np.ndarray]) -> Packed:
    """Packs images of different sizes into one batch, which a transform brings to one size.

    >>> import gpuaug
    >>> images = [np.zeros((40, 60, 3), np.uint8), np.zeros((50, 30, 3), np.uint8)]
    >>> gpuaug.RandomResizedCrop(32)(gpuaug.pack(images)).shape
    torch.Size([2, 3, 32, 32])

    Args:
        images: at least one image: tensors ``(C, H, W)`` on one device, or NumPy arrays ``(H, W, C)`` or
            ``(H, W)``. All are uint8; or uint16 or int16, for a chain that begins with ``Window``. C is in
            [1, 64], the same for all images, and above 4 only if an image is more than 4 pixels high and
            wide.

    Returns:
        a :class:`Packed`. If the memory of all images is ``(H, W, C)``, as of decoded images, and C is at
        most 4, this order is kept; if not, the memory becomes ``(C, H, W)``.

    Raises:
        TypeError: an image is neither a tensor nor an array, or has another dtype; the message names the
            position.
        ValueError: there is no image, or an image has another shape, another number of channels than the
            first one, or a height or width of 0; the message names the position.
        RuntimeError: the images are on different devices.
    """
    tensors = [_checked(image, position) for position, image in enumerate(images)]
    if not tensors:
        raise ValueError("images must hold at least one image, got none")
    positions = range(len(tensors))
    channels, devices = zip(*((len(image), image.device) for image in tensors), strict=True)
    check_one("images must have one number of channels", channels, "at position", positions)
    dtypes = [dtype_name(image) for image in tensors]
    check_one("images must have one dtype", dtypes, "at position", positions, TypeError)
    check_one("images must be on one device", devices, "at position", positions, RuntimeError)
    interleaved = channels[0] <= FEW_CHANNELS and all(is_interleaved(image) for image in tensors)
    order = (1, 2, 0) if interleaved else (0, 1, 2)
    storage = torch.cat([image.permute(order).reshape(-1) for image in tensors])
    sizes = [(image.shape[1], image.shape[2]) for image in tensors]
    return Packed.of_sizes(storage, sizes, channels[0], interleaved)


def check_one(
    what: str,
    values: Sequence[Any],
    place: str,
    places: Sequence[int],
    error: type[Exception] = ValueError,
    advice: str = "",
) -> None:
    """Raises if the values are not all equal; the message names the first value and the first other one.

    >>> check_one("images must be on one device", ["cpu", "cpu", "cuda:0"], "for sample", [4, 6, 9])
    Traceback (most recent call last):
    ValueError: images must be on one device, got cpu for sample 4 and cuda:0 for sample 9

    Args:
        what: the beginning of the message.
        values: the values.
        place: the words before the place of a value.
        places: the place of each value.
        error: the type of the exception.
        advice: the end of the message.

    Raises:
        ValueError: or ``error``, if the values differ.
    """
    for at, value in zip(places, values, strict=True):
        if value != values[0]:
            raise error(f"{what}, got {values[0]} {place} {places[0]} and {value} {place} {at}{advice}")


def is_interleaved(image: Tensor) -> bool:
    """Whether the memory of an image ``(C, H, W)`` is ``(H, W, C)``, with or without gaps."""
    return len(image) > 1 and image.stride(0) == 1


def is_pinned(images: Images) -> bool:
    """Whether images are in page-locked memory of the host, which a CUDA device can read.

    >>> is_pinned(torch.zeros(2, 3, 8, 8))
    False
    """
    return (images.storage if isinstance(images, Packed) else images).is_pinned()


def is_read_over_bus(images: Images, device: torch.device) -> bool:
    """Whether the kernel on a device reads these images from the host's memory.

    That is so for pinned bytes and values of 16 bits and a CUDA device.

    >>> is_read_over_bus(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), torch.device("cpu"))
    False
    """
    if device.type != "cuda" or images.device.type != "cpu":
        return False
    return (isinstance(images, Packed) or not images.is_floating_point()) and is_pinned(images)


def source_of(images: Images) -> Source:
    """The shape of a batch, or the packed batch itself: all that recipes depend on.

    >>> source_of(torch.zeros(2, 3, 8, 8)), source_of(torch.zeros(2, 16, 3, 8, 8))
    ((2, 3, 8, 8), (2, 16, 3, 8, 8))
    """
    if isinstance(images, Packed):
        return images
    if images.dim() == 5:
        clips, frames, channels, height, width = images.shape
        return (clips, frames, channels, height, width)
    count, channels, height, width = images.shape
    return (count, channels, height, width)


def channels_of(images: Images) -> int:
    """The number of channels of the images of a batch.

    >>> channels_of(torch.zeros(2, 3, 8, 8))
    3
    """
    return images.channels if isinstance(images, Packed) else images.shape[-3]


def _checked(image: Any, position: int) -> Tensor:
    """Checks an image and converts it to a tensor ``(C, H, W)``."""
    if isinstance(image, Tensor):
        form, dtype, axis = "(C, H, W)", dtype_name(image), 0
    elif isinstance(image, np.ndarray):
        form, dtype, axis = "(H, W, C) or (H, W)", str(image.dtype), 2
    else:
        raise TypeError(
            "images must be tensors (C, H, W) or NumPy arrays (H, W, C) or (H, W), "
            f"got {type(image).__name__} at position {position}"
        )
    if dtype not in ("uint8", "uint16", "int16"):
        raise TypeError(
            f"images of different sizes must be uint8, uint16 or int16, got {dtype} at position {position}"
        )
    shape = tuple(image.shape)
    whole = len(shape) == 3
    fits = (whole and are_channels(shape, axis)) or (len(shape) == 2 and axis == 2)
    if not fits:
        way = ""
        if whole and are_channels(shape, 2 - axis):
            way = ": give image.permute(2, 0, 1)" if axis == 0 else ": give image.transpose(1, 2, 0)"
        raise ValueError(
            f"images must have shape {form} with C in [1, {MOST_CHANNELS}], got {shape} at position "
            f"{position}{way}"
        )
    if 0 in shape:
        raise ValueError(
            f"images must be at least 1 pixel high and wide, got shape {shape} at position {position}"
        )
    return array_to_tensor(image) if isinstance(image, np.ndarray) else image.as_subclass(Tensor)
