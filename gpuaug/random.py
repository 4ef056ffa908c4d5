"""The keyed generator: Philox4x32-10, the same bits in PyTorch as in ``csrc/common/philox.h``.

Every random number of gpuaug is ``philox(counter, key)``: a pure function without a state to save, seed or
share. There are three kinds of keys; the words of the counter keep their streams apart:

==================  =============================================  ====================================
key                 counter words 0, 1, 2, 3                       result
==================  =============================================  ====================================
the sampler's seed  index (low, high), copy, epoch                 the draw's key (words 0 and 1)
the sampler's seed  block (low, high), purpose, 2**31 + epoch      the order of the epoch, or of a class
an object's own     index (low, high), copy 1, 0                   the key of an image without a draw
an object's own     worker's seed (low, high), rank and worker, 1  the object's key in that worker and rank
the draw's key      block, 0, place in the chain, ``PARAMETERS``   its parameters, on the host
the draw's key      pixel // 8, channel, place, ``PIXELS``         its per-pixel noise, in the kernel
the draw's key      value // 4, field, place, ``FIELDS``           fields of random numbers, in PyTorch
==================  =============================================  ====================================
"""

from __future__ import annotations

import math
from numbers import Integral

import torch
from torch import Tensor

PIXELS = 0
PARAMETERS = 1
FIELDS = 2
ORDER = 1 << 31

# Places after every place in a chain.
OF_MIXES, OF_PARTNERS, OF_FRAMES = (1 << 32) - 1, (1 << 32) - 2, (1 << 32) - 3

_WORD = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10


def philox(counter: Tensor, key: Tensor) -> Tensor:
    """Philox4x32-10 of each counter, under its key.

    >>> philox(torch.zeros(1, 4, dtype=torch.int64), torch.zeros(1, dtype=torch.int64)).tolist()
    [[1713891541, 3781805453, 3159862348, 2600524760]]

    Args:
        counter: int64 ``(..., 4)``; each word in [0, 2**32).
        key: int64 ``(...)``; a 64-bit pattern, its low half the first key word. Broadcasts with the counter's
            batch shape.

    Returns:
        int64 ``(..., 4)``; each word in [0, 2**32).

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011; the known-answer vectors of
    Random123 are in ``tests/test_random.py``.
    """
    c0, c1, c2, c3 = counter.unbind(-1)
    k0, k1 = key & _WORD, (key >> 32) & _WORD
    for _ in range(_ROUNDS):
        # The product of two words overflows int64, but its 64 bits are right. The mask removes the sign bits
        # that the shift brings in.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            ((p1 >> 32) & _WORD) ^ c1 ^ k0,
            p1 & _WORD,
            ((p0 >> 32) & _WORD) ^ c3 ^ k1,
            p0 & _WORD,
        )
        k0, k1 = (k0 + _WEYL[0]) & _WORD, (k1 + _WEYL[1]) & _WORD
    return torch.stack(torch.broadcast_tensors(c0, c1, c2, c3), dim=-1)


def keyed_draws(seed: int, epoch: int, index: Tensor, copy: Tensor) -> Tensor:
    """Draws, int64 ``(n, 3)``: index, copy, and the key as in ``draw_keys``.

    >>> keyed_draws(0, 0, torch.tensor([5, 5]), torch.tensor([0, 1]))[:, :2].tolist()
    [[5, 0], [5, 1]]
    """
    draws: Tensor = torch.ops.gpuaug.keyed_draws(index, copy, _signed(seed), epoch)
    return draws


def draw_keys(seed: int, epoch: int, index: Tensor, copy: Tensor) -> Tensor:
    """The keys of draws: a pure function of (seed, epoch, index, copy).

    >>> draw_keys(0, 0, torch.tensor([5, 5]), torch.tensor([0, 1])).shape
    torch.Size([2])

    Args:
        seed: in [0, 2**64).
        epoch: in [0, 2**31).
        index: int64 ``(n,)``.
        copy: int64 ``(n,)``, in [0, 2**32).

    Returns:
        int64 ``(n,)``: 64-bit patterns, which may be negative.
    """
    return keyed_draws(seed, epoch, index, copy)[:, 2]


def words(keys: Tensor, place: int, count: int) -> Tensor:
    """The first ``count`` words of each draw's parameter stream at one place in the chain.

    >>> words(torch.tensor([1, 2]), place=0, count=3).shape
    torch.Size([2, 3])

    Args:
        keys: int64 ``(n,)``.
        place: the place of the transform in the chain.
        count: the number of words.

    Returns:
        int64 ``(n, count)`` in [0, 2**32).
    """
    blocks = -(-count // 4)
    counter = torch.zeros(1, blocks, 4, dtype=torch.int64, device=keys.device)
    counter[0, :, 0] = torch.arange(blocks, device=keys.device)
    counter[0, :, 2] = place
    counter[0, :, 3] = PARAMETERS
    return philox(counter, keys[:, None]).flatten(1)[:, :count]


def uniform(keys: Tensor, places: list[int], counts: list[int]) -> tuple[Tensor, ...]:
    """Uniform numbers from the words of several places: float64 ``(n, count)`` in [0, 1), in steps of 2**-32.

    >>> crop, flip = uniform(torch.tensor([1, 2]), places=[0, 3], counts=[2, 1])
    >>> crop.shape, flip.shape, bool((crop < 1).all())
    (torch.Size([2, 2]), torch.Size([2, 1]), True)
    """
    # The op returns (number, draw), so that each number is contiguous over the draws.
    numbers: Tensor = torch.ops.gpuaug.uniform(keys, places, counts)
    return numbers.T.split_with_sizes(counts, 1)


def uniform_field(keys: Tensor, place: int, count: int, number: int = 0) -> Tensor:
    """A field of uniform numbers for each draw: float32 ``(n, count)`` in [0, 1), in steps of 2**-24.

    It is made on the device of the keys, with the same bits on every device.

    >>> uniform_field(torch.tensor([1, 2]), place=0, count=6).shape
    torch.Size([2, 6])

    Args:
        keys: int64 ``(n,)``, on any device.
        place: the place of the transform in the chain.
        count: the number of values for each draw.
        number: the number of the field, if a transform needs several.
    """
    return _field(keys, place, count, number).mul(2.0**-24)


def normal_field(keys: Tensor, place: int, count: int, number: int = 0) -> Tensor:
    """A field of standard normal numbers for each draw, within ±5.8; arguments as in ``uniform_field``.

    The method is that of Box and Muller, 1958. The last bits depend on the device's logarithm and cosine.

    >>> normal_field(torch.tensor([1, 2]), place=0, count=6).shape
    torch.Size([2, 6])
    """
    half = -(-count // 2)
    radius, angle = _field(keys, place, 2 * half, number).view(len(keys), half, 2).unbind(-1)
    radius = radius.add(1).mul(2.0**-24).log().mul(-2).sqrt()  # the logarithm of (0, 1]
    angle = angle.mul(2.0**-23 * math.pi)
    return torch.stack((radius * angle.cos(), radius * angle.sin()), dim=-1).flatten(1)[:, :count]


def _field(keys: Tensor, place: int, count: int, number: int) -> Tensor:
    """Random integers in [0, 2**24), which float32 holds exactly."""
    blocks = -(-count // 4)
    counter = torch.zeros(blocks, 4, dtype=torch.int64, device=keys.device)
    counter[:, 0] = torch.arange(blocks, device=keys.device)
    counter[:, 1], counter[:, 2], counter[:, 3] = number, place, FIELDS  # fills, without copies
    return (philox(counter, keys[:, None]) >> 8).flatten(1)[:, :count].float()


def pixel_bits(keys: Tensor, place: Tensor, height: int, width: int, channel: Tensor | int = 0) -> Tensor:
    """The 16 random bits of every pixel, eight pixels to a block: int64 ``(n, height, width)``.

    >>> pixel_bits(torch.tensor([1, 2]), torch.tensor([0, 0]), 3, 5).shape
    torch.Size([2, 3, 5])

    Args:
        keys: int64 ``(n,)``.
        place: int64 ``(n,)``, the place of the transform in the chain.
        height: in pixels.
        width: in pixels.
        channel: int64 ``(n,)``, or 0 for bits that all channels share.
    """
    pixels = height * width
    counter = torch.zeros(len(keys), -(-pixels // 8), 4, dtype=torch.int64, device=keys.device)
    counter[:, :, 0] = torch.arange(counter.shape[1], device=keys.device)
    counter[:, :, 1] = channel[:, None] if isinstance(channel, Tensor) else channel
    counter[:, :, 2] = place[:, None] & _WORD
    counter[:, :, 3] = PIXELS
    block = philox(counter, keys[:, None])
    halves = torch.stack((block & 0xFFFF, block >> 16), dim=-1)
    field: Tensor = halves.flatten(1)[:, :pixels].unflatten(1, (height, width))
    return field


def join(block: Tensor) -> Tensor:
    """The first two words of each block ``(..., 4)`` as one 64-bit pattern ``(...)``."""
    return block[..., 0] | (block[..., 1] << 32)


def signed(pattern: int, device: torch.device | str = "cpu") -> Tensor:
    """A 64-bit pattern, given as an integer in [0, 2**64), as the int64 tensor of the same bits."""
    return torch.tensor(_signed(pattern), dtype=torch.int64, device=device)


def _signed(pattern: int) -> int:
    return pattern - (1 << 64) if pattern >> 63 else pattern


def check_seed(seed: int) -> int:
    """``seed`` as an int, checked to be an integer (Python's or NumPy's) in [0, 2**64).

    >>> check_seed(7)
    7
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise TypeError(f"seed must be an int, got {type(seed).__name__}")
    if not 0 <= int(seed) < 1 << 64:
        raise ValueError(f"seed must be in [0, 2**64), got {seed}")
    return int(seed)
