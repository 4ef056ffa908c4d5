"""A batch on its way from a worker: images in shared memory, everything else as bytes."""

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

# From here on bytes go through shared memory, one file for a batch, and not through the pipe.
_LONG = 1 << 20
_ALIGNED = 16


@dataclass(frozen=True)
class Decoded:
    """A batch in host memory.

    Attributes:
        images: ``(N, C, H, W)`` or packed.
        rest: what came with them, as ``Columns`` makes it; ``name``, the images' in a dictionary.
        draws: int64 ``(N, 3)``.
        gathered: masks, boxes and keypoints, whose places are in ``rest``; None where there are none.
        as_image: whether the images came as ``tv_tensors.Image``.
        passes: the recipes, where they were made ahead of the decoding.
        free: gives the images' memory back, for the next batch; to be called once they were read, with the
            event of a copy that still reads it. None where the memory is the batch's own.
        skipped: what could not be read, and was replaced.
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
    """A batch that is sent. A tensor that a process sends is a file in shared memory, which is open for as
    long as the tensor is kept: labels that somebody keeps in a list would use up the files of a process.

    >>> images, labels, draws = torch.zeros(2, 3, 4, 4), torch.tensor([3, 4]), torch.zeros(2, 3)
    >>> batch = Decoded(images, (labels,), None, draws, None, False)
    >>> Parcel.of(batch).open().rest
    (tensor([3, 4]),)
    """

    images: Images
    masks: tuple[Tensor, ...]
    pickled: bytes
    numbers: bytes | Tensor  # of all other tensors, one after another

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
        # A copy, so that whoever keeps a label keeps no file open.
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
        """For a ``DataLoader``'s thread that pins."""
        return replace(
            self, images=self.images.pin_memory(), masks=tuple(mask.pin_memory() for mask in self.masks)
        )


class _Pickler(pickle.Pickler):
    """Keeps the bytes of tensors apart."""

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
