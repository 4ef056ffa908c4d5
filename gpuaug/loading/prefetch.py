"""Batches that are copied to a CUDA device one ahead of their use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from gpuaug.files.encoded_images import EncodedImages
from gpuaug.images.packed import Images, Packed
from gpuaug.loading.trees import leaves, map_tree
from gpuaug.recipe.recipes import Recipes
from gpuaug.transforms.annotations.tv_tensors import plain
from gpuaug.travel.to_device import travel

Result = TypeVar("Result")


class Batch(NamedTuple):
    """A batch before its transform is applied.

    Attributes:
        images: ``(N, C, H, W)``, packed or encoded.
        rest: the other items.
        draws: int64 ``(N, 3)``; they stay on the host.
        passes: the recipes of the passes to apply.
        masks: the masks that follow the geometry, each ``(N, k, H, W)``.
        name: as in ``Decoded``.
        as_image: as in ``Decoded``.
        free: as in ``Decoded``.
        skipped: as in ``Decoded``.
        resident: whether the images are a whole data set, in memory that the device reads.
    """

    images: Images | EncodedImages
    rest: Any
    draws: Tensor
    passes: tuple[Recipes, ...] = ()
    masks: tuple[Tensor, ...] = ()
    name: Any = None
    as_image: bool = False
    free: Callable[[Any], None] | None = None
    skipped: Sequence[Any] = ()
    resident: bool = False

    def to(self, device: torch.device) -> Batch:
        """The batch on a device, copied asynchronously from pinned memory. Resident images are not copied."""
        return self._replace(
            images=self.images if self.resident else _travel(self.images, device),
            rest=map_tree(
                self.rest, lambda leaf: _travel(leaf, device) if isinstance(leaf, Tensor) else leaf
            ),
            passes=tuple(travel(part, device) for part in self.passes),
            masks=tuple(_travel(mask, device) for mask in self.masks),
        )

    def record_stream(self, stream: torch.cuda.Stream) -> None:
        """Keeps the memory, allocated on another stream, until ``stream`` has finished with it."""
        images = self.images.storage if isinstance(self.images, Packed) else self.images
        others = [leaf for leaf in leaves(self.rest) if isinstance(leaf, Tensor)]
        recipes = [tensor for part in self.passes for tensor in part.tensors]
        copied = [] if self.resident else [images]  # a data set outlives its batches
        for tensor in (*copied, *others, *self.masks, *recipes):
            assert isinstance(tensor, Tensor)  # no image is encoded on the device
            tensor.record_stream(stream)


class Prefetcher(Generic[Result]):
    """Copies each batch on a side stream while the consumer's stream works on the one before.

    Args:
        batches: batches in host memory (images may be on the device already).
        device: a CUDA device.
        finish: turns a batch on the device into the result; it runs on the consumer's current stream.

    An error in ``batches`` is raised in place of its batch, after the batches before it.
    """

    def __init__(
        self,
        batches: Iterable[Batch],
        device: torch.device,
        finish: Callable[[Batch], Result],
    ) -> None:
        self._batches = iter(batches)
        self._device = device
        self._finish = finish
        self._stream = torch.cuda.Stream(device)

    def __iter__(self) -> Iterator[Result]:
        ahead = self._copy_next()
        while ahead is not None:
            if isinstance(ahead, Exception):
                raise ahead
            consumer = torch.cuda.current_stream(self._device)
            consumer.wait_stream(self._stream)
            ahead.record_stream(consumer)
            result = self._finish(ahead)
            ahead = self._copy_next()
            yield result

    def _copy_next(self) -> Batch | Exception | None:
        try:
            batch = next(self._batches, None)
            if batch is None:
                return None
            with torch.cuda.stream(self._stream):
                copied = batch.to(self._device)
                if batch.free is not None:
                    batch.free(self._stream.record_event())
            return copied
        except Exception as error:
            return error


def _travel(part: Images | EncodedImages, device: torch.device) -> Any:
    if part.device == device:
        return part
    if isinstance(part, EncodedImages):
        return part.to(device)
    if isinstance(part, Packed) or type(part) is Tensor:
        return part.pin_memory().to(device, non_blocking=True)
    # Pinning a tv_tensor would lose its class.
    moved = plain(part).pin_memory().to(device, non_blocking=True)
    return sys.modules["torchvision.tv_tensors"].wrap(moved, like=part)
