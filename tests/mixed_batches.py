"""Batches to mix, and the numbers that a mix draws for them."""

import torch

from gpuaug import random


def batch(n, channels=3, size=12):
    generator = torch.Generator().manual_seed(n)
    images = torch.randint(256, (n, channels, size, size + 3), dtype=torch.uint8, generator=generator)
    keys = torch.randint(-(2**63), 2**63 - 1, (n,), generator=generator)
    return images, torch.arange(n) % 3, torch.stack((torch.arange(n), torch.ones(n).long(), keys), dim=1)


def numbers(draws):
    """Chance, partner, share, x and y of each draw, in [0, 1)."""
    return random.uniform(draws[:, 2], [random.OF_MIXES], [5])[0].numpy()
