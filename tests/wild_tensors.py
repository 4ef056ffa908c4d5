"""Tensors that nobody meant, described in words, so that a case can be printed and made again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor

SMALL = (0, 1, 2, 3, 5, 7, 8, 255, 256, -1, -2)
LARGE = (2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**33, 2**40, 2**61, 2**62, 2**63 - 1)
WORDS = (*SMALL, *LARGE, *(-word for word in LARGE), -(2**63))
FLOATS = (
    0.0,
    -0.0,
    0.5,
    1.0,
    -1.0,
    3.7,
    1e-300,
    2.0**31,
    2.0**63,
    1e300,
    -1e300,
    math.inf,
    -math.inf,
    math.nan,
)
DTYPES = ["int64", "int32", "uint8", "bool", "float64", "float32", "float16", "bfloat16", "complex64"]
LAYOUTS = ["plain", "stepped", "transposed", "expanded", "offset", "misaligned", "freed", "shrunk"]


@dataclass(frozen=True)
class Wild:
    """A tensor: ``values`` is "small", "wild", "bits" or a single number."""

    shape: tuple[int, ...]
    dtype: str = "int64"
    values: str | float = "small"
    layout: str = "plain"
    device: str = "cpu"
    seed: int = 0

    def tensor(self) -> Tensor:
        shape, dtype = list(self.shape), getattr(torch, self.dtype)
        if self.device == "meta":
            return torch.empty(shape, dtype=dtype, device="meta")
        if self.layout == "expanded":
            return self._filled([1] * len(shape), dtype).expand(shape)
        if self.layout == "stepped" and shape:
            return self._filled([*shape[:-1], 2 * shape[-1]], dtype)[..., ::2]
        if self.layout == "transposed":
            return self._filled(shape[::-1], dtype).permute(*range(len(shape) - 1, -1, -1))
        if self.layout == "offset":
            return self._filled([math.prod(shape) + 3], dtype)[3:].view(shape)
        if self.layout == "misaligned" and math.prod(shape):
            content = bytes(1) + self._filled(shape, dtype).reshape(-1).view(torch.uint8).numpy().tobytes()
            return torch.frombuffer(bytearray(content), dtype=dtype, offset=1).view(shape)
        tensor = self._filled(shape, dtype)
        if self.layout in ("freed", "shrunk"):
            tensor.untyped_storage().resize_(0 if self.layout == "freed" else tensor.nbytes // 2)
        return tensor

    def _filled(self, shape: list[int], dtype: torch.dtype) -> Tensor:
        random = torch.Generator().manual_seed(self.seed)
        if not isinstance(self.values, str):
            return torch.full(shape, self.values, dtype=dtype)
        if self.values == "small":
            return torch.randint(0, 9, shape, generator=random).to(dtype)
        if self.values == "bits":
            return torch.randint(-(2**63), 2**63 - 1, shape, generator=random).to(dtype)
        pool = torch.tensor(FLOATS if dtype.is_floating_point else WORDS)
        return pool[torch.randint(len(pool), shape, generator=random)].to(dtype)


SEEDS = st.integers(0, 2**31)
INTEGERS = st.one_of(st.integers(-3, 40), st.sampled_from(WORDS))


@st.composite
def tensors(
    draw: st.DrawFn, shape: tuple[int, ...], dtype: str = "int64", values: str = "wild", sound: int = 70
) -> Wild:
    """Mostly, in ``sound`` of 100 cases, one of this shape and type; else wild in one or more ways."""
    seed = draw(SEEDS)
    if draw(st.integers(0, 99)) < sound:
        return Wild(shape, dtype, values, seed=seed)
    shape = draw(
        st.sampled_from((shape, shape, (), (0,), (1,), shape[:1], (*shape, 1), (0, *shape[1:]), shape[::-1]))
    )
    layout = draw(st.sampled_from(LAYOUTS))
    if layout == "expanded" and shape and draw(st.booleans()):
        shape = (*shape[:-1], draw(st.sampled_from((2**20, 2**40))))
    values = draw(st.sampled_from((values, "small", "wild", "bits", 0, 1)))
    dtype = draw(st.sampled_from((dtype, dtype, *DTYPES)))
    device = "meta" if draw(st.integers(0, 4)) == 0 else "cpu"
    return Wild(shape, dtype, values, layout, device, seed)


@dataclass(frozen=True)
class Changed:
    """A sound tensor (``repr`` shows all of it) with some of its numbers replaced."""

    sound: tuple
    dtype: str
    changes: tuple[tuple[int, int], ...] = ()

    def tensor(self) -> Tensor:
        words = torch.tensor(self.sound, dtype=torch.int64)
        for place, value in self.changes:
            words.view(-1)[place % max(words.numel(), 1)] = value
        return words.to(getattr(torch, self.dtype))


def changed(draw: st.DrawFn, sound: Tensor, dtype: str) -> Changed | Wild:
    if draw(st.integers(0, 7)) == 0:
        return draw(tensors(tuple(sound.shape), dtype, draw(st.sampled_from(("small", "wild", "bits")))))
    change = st.tuples(st.integers(0, 2**16), INTEGERS)
    changes = draw(st.lists(change, max_size=draw(st.sampled_from((0, 0, 1, 3)))))
    return Changed(as_tuples(sound.tolist()), dtype, tuple(changes) if sound.numel() else ())


def as_tuples(nested: object) -> object:
    return tuple(map(as_tuples, nested)) if isinstance(nested, list) else nested
