"""The ops that make keys, and numbers from keys, in plain PyTorch. In C++: ``csrc/host/philox.cpp``."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug import random
from gpuaug.arguments import check_one_device, check_words


def keyed_draws(index: Tensor, copy: Tensor, seed: int, epoch: int) -> Tensor:
    """The op ``gpuaug::keyed_draws``: draws with their keys; see ``random.keyed_draws``."""
    check_one_device(index=index, copy=copy)
    check_words("index", index)
    check_words("copy", copy)
    if len(index) != len(copy):
        raise RuntimeError(f"copy must have one entry for each of index, got {len(copy)} for {len(index)}")
    counter = torch.stack((index & 0xFFFFFFFF, index >> 32, copy, torch.full_like(index, epoch)), dim=-1)
    keys = random.join(random.philox(counter & 0xFFFFFFFF, torch.tensor(seed, device=index.device)))
    return torch.stack((index, copy, keys), dim=1)


def uniform(keys: Tensor, places: list[int], counts: list[int]) -> Tensor:
    """The op ``gpuaug::uniform``: numbers in [0, 1) from keys; see ``random.uniform``."""
    check_words("keys", keys)
    if len(places) != len(counts):
        raise RuntimeError(f"counts must be as many as places, got {len(counts)} and {len(places)}")
    for place, count in zip(places, counts, strict=True):
        if not 0 <= place < 1 << 32:
            raise RuntimeError(f"places must be in [0, 2**32), got {place}")
        if not 0 <= count <= 1 << 34:  # one 32-bit word of the counter numbers the blocks of four
            least = "at least 0" if count < 0 else "at most 2**34"
            raise RuntimeError(f"counts must be {least}, got {count}")
    if not any(counts):
        return keys.new_empty((0, len(keys)), dtype=torch.float64)
    words = [random.words(keys, *each) for each in zip(places, counts, strict=True)]
    return torch.cat(words, dim=1).T.contiguous().double() * 2.0**-32
