"""One batch through every stage on the GPU: the bytes are the CPU's."""

from __future__ import annotations

import torch

import gpuaug
from gpuaug.ops import backends


def main() -> None:
    if not backends.has_cuda:  # plain PyTorch would serve, and be right
        raise SystemExit(f"the CUDA library is not here\n{backends.info()}")
    steps = [
        gpuaug.RandomResizedCrop(48),
        gpuaug.RandomHorizontalFlip(),
        gpuaug.GaussianBlur(),
        gpuaug.ColorJitter(0.4, 0.4, 0.4, 0.1),
        gpuaug.RandomGamma((0.7, 1.4)),
        gpuaug.GaussNoise(0.05),
        gpuaug.SaltAndPepper(0.1),
        gpuaug.CutOut(12),
    ]
    images = torch.randint(256, (64, 3, 40, 56), dtype=torch.uint8)
    index = torch.arange(64)
    draws = torch.stack((index, index % 3, torch.randint(-(2**63), 2**63 - 1, (64,))), dim=1)
    for output in ([], [gpuaug.Normalize(0.5, 0.25)], [gpuaug.Normalize(0.5, 0.25, dtype=torch.bfloat16)]):
        augment = gpuaug.Compose([*steps, *output])
        for layout in (torch.contiguous_format, torch.channels_last):
            source = images.contiguous(memory_format=layout)
            got, expected = augment(source.cuda(), draws), augment(source, draws)
            if not (got.is_cuda and torch.equal(got.cpu(), expected)):
                raise SystemExit(f"{expected.dtype}, {layout}: the GPU's batch is not the CPU's")
    print(f"six batches of 64 images equal the CPU's, to the bit, on {torch.cuda.get_device_name()}")


if __name__ == "__main__":
    main()
