"""Runs every variant of the kernel once on every path, and the op ``clahe``, for the sanitizers."""

from __future__ import annotations

import torch
from cuda_cases import CHAINS

import gpuaug  # noqa: F401  # registers the ops


def main() -> None:
    for call in CHAINS:
        moved = [value.cuda() if isinstance(value, torch.Tensor) else value for value in call]
        got = torch.ops.gpuaug.augment(*moved).cpu()
        if not torch.equal(got, torch.ops.gpuaug.augment(*call)):
            raise SystemExit(f"a call of {tuple(got.shape)} and stages {call[7]} differs from the CPU's")
    print(f"{len(CHAINS)} calls equal the CPU's")
    for memory_format in (torch.contiguous_format, torch.channels_last):
        equalize(memory_format)
    print("so do two of clahe")


def equalize(memory_format: torch.memory_format) -> None:
    """Checks ``clahe`` with tiles of two sizes, and with images that stay unchanged."""
    images = torch.arange(4 * 3 * 29 * 40).mul(77).remainder(251).byte().view(4, 3, 29, 40)
    images = images.contiguous(memory_format=memory_format)
    there, rows, limits = images.cuda(), torch.tensor([0, 3]), torch.tensor([2.0, 40.0])
    for grid in ((3, 4), (1, 2)):
        torch.ops.gpuaug.clahe(there, rows.cuda(), limits.cuda(), *grid)
        torch.ops.gpuaug.clahe(images, rows, limits, *grid)
    if not torch.equal(there.cpu(), images):
        raise SystemExit(f"clahe differs from the CPU's, {memory_format}")


if __name__ == "__main__":
    main()
