"""Launches of the kernel for a chain of ``benchmarks/README.md``, for ncu: ``python profiled.py A 256``."""

from __future__ import annotations

import sys

import torch
from kernels import ALL, Chain, draws_of

CHAINS = {"A": Chain(("crop", "flip"), torch.bfloat16), "B": Chain(ALL)}
SIDE = 224
WARM = 2  # launches before the profiled one


def main() -> None:
    augment = CHAINS[sys.argv[1]].transform(SIDE)
    shape = (int(sys.argv[2]), 3, SIDE, SIDE)
    sources = [torch.randint(256, shape, dtype=torch.uint8, device="cuda") for _ in range(WARM + 1)]
    passes = tuple(part.to("cuda") for part in augment.recipes(draws_of(shape[0]), shape))
    for source in sources:
        augment.apply_recipes(source, passes)
    torch.cuda.synchronize()


if __name__ == "__main__":
    main()
