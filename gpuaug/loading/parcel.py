"""A batch as a worker sends it: images in shared memory, everything else as bytes."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import torch
from torch import Tensor

from gpuaug.images.packed import Images
from gpuaug.recipe.recipes import Recipes
from gpuaug.transforms.annotations.tv_tensors import Gathered

# From this number of bytes on, they are sent in one file of shared memory, and not through the pipe.
_LONG = 1 << 20
_ALIGNED = 16


@dataclass(frozen=True)
class Decoded:
    """A batch in host memory.

    Attributes:
        images: ``(N, C, H, W)`` or packed.
        rest: the other items, as ``Columns`` collates them.
        name: the name of the images in a dictionary; None for a tuple.
        draws: int64 ``(N, 3)``.
        gathered: masks, boxes and keypoints, whose placeholders are in ``rest``; None if there are none.
        as_image: whether the images came as ``tv_tensors.Image``.
        passes: the recipes, if they were made before the images were decoded.
        free: returns the memory of the images for the next batch. Call it once they were read, with the event
            of a copy that still reads them. None if the memory belongs to the batch.
        skipped: the files that could not be read and were replaced.
    """

    images: Images
    rest: Any
    name: Any
    draws: Tensor
    gathered: Gathered | None
    as_image: bool
    passes: tuple[Recipes, ...] | None = None
    free: Callable[[Any], None] | None = None
    skipped: Sequence[Any] = ()


@dataclass(frozen=True)
class Parcel:
    """A batch packed for sending.

    A tensor that a process sends becomes a file in shared memory, which stays open as long as the tensor
    exists. Labels that a user keeps in a list would exhaust the files that a process may open. So only images
    and masks are sent as tensors.

    >>> images, labels, draws = torch.zeros(2, 3, 4, 4), torch.tensor([3, 4]), torch.zeros(2, 3)
    >>> batch = Decoded(images, (labels,), None, draws, None, False)
    >>> Parcel.of(batch).open().rest
    (tensor([3, 4]),)
    """

    images: Images
    masks: tuple[Tensor, ...]
    pickled: bytes
    numbers: bytes | Tensor  # the bytes of all other tensors, one after another

    @classmethod
    def of(cls, batch: Decoded) -> Parcel:
        masks: tuple[Tensor, ...] = ()
        if batch.gathered is not None:
            masks = tuple(batch.gathered.masks)
            batch.gathered.masks = []
        file = BytesIO()
        pickler = _Pickler(file)
        pickler.dump((batch.rest, batch.name, batch.draws, batch.gathered, batch.as_image))
        numbers = b"".join(pickler.parts)
        if len(numbers) < _LONG:
            return cls(batch.images, masks, file.getvalue(), numbers)
        shared = torch.frombuffer(bytearray(numbers), dtype=torch.uint8)
        return cls(batch.images, masks, file.getvalue(), shared)

    def open(self) -> Decoded:
        # Copied, so that a label that is kept does not keep the file open.
        buffer = (
            self.numbers.clone()
            if isinstance(self.numbers, Tensor)
            else torch.frombuffer(bytearray(self.numbers or b"\0"), dtype=torch.uint8)
        )
        batch = Decoded(self.images, *_Unpickler(BytesIO(self.pickled), buffer).load())
        if batch.gathered is not None:
            batch.gathered.masks = list(self.masks)
        return batch

    def pin_memory(self) -> Parcel:
        """Pins the images and masks; ``DataLoader`` calls it in its pinning thread."""
        return replace(
            self, images=self.images.pin_memory(), masks=tuple(mask.pin_memory() for mask in self.masks)
        )


class _Pickler(pickle.Pickler):
    """Pickles a batch and collects the bytes of its tensors separately."""

    def __init__(self, file: BytesIO) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.parts: list[bytes] = []
        self._length = 0

    def persistent_id(self, value: Any) -> Any:
        if type(value) is not Tensor or value.layout != torch.strided or not value.is_cpu:
            return None
        if value.requires_grad or value.is_quantized or value.is_conj() or value.is_neg():
            return None
        data = value.contiguous().view(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b""
        padding = -len(data) % _ALIGNED
        begin = self._length
        self.parts += [data, bytes(padding)]
        self._length += len(data) + padding
        return value.dtype, tuple(value.shape), begin, len(data)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BytesIO, buffer: Tensor) -> None:
        super().__init__(file)
        self._buffer = buffer

    def persistent_load(self, place: Any) -> Tensor:
        dtype, shape, begin, length = place
        if not length:
            return torch.empty(shape, dtype=dtype, device="cpu")
        return self._buffer[begin : begin + length].view(dtype).view(shape)
