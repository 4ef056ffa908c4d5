"""Checks one batch through every stage on the GPU: the bytes must equal the CPU's."""

from __future__ import annotations

import torch

import gpuaug
from gpuaug.ops import backends


def main() -> None:
    if not backends.has_cuda:  # the PyTorch reference would give the right bytes too
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
    augment = gpuaug.Compose([*steps, gpuaug.Normalize(0.5, 0.25)])
    print(f"{read_over_the_bus(images, augment)} images of a pinned set on the host give the CPU's batches")
    print(decoded_on_the_device(augment))


def read_over_the_bus(images: torch.Tensor, augment: gpuaug.Compose) -> int:
    """Compares draws of a data set in pinned memory of the host, and returns their number."""
    labels = torch.arange(len(images)) % 2
    on_host = gpuaug.DeviceDataset(images, labels)
    count = 0
    loaders = [
        gpuaug.BalancedLoader(data, gpuaug.BalancedSampler(labels, seed=1), augment, 24, device=device)
        for data, device in ((on_host, "cpu"), (on_host.pin_memory(), "cuda"))
    ]
    for (expected, _), (got, _) in zip(*loaders, strict=True):
        if not (got.is_cuda and torch.equal(got.cpu(), expected)):
            raise SystemExit("a batch of a pinned set is not the CPU's")
        count += len(got)
    return count


def decoded_on_the_device(augment: gpuaug.Compose) -> str:
    """Compares batches of JPEG files decoded by nvJPEG and on the host; they are alike, but not equal."""
    try:
        from torchvision.io import encode_jpeg
    except ImportError as error:
        return f"nothing was decoded on the device: {error}"
    rows = torch.arange(96)[:, None] + torch.arange(128)
    files = [
        bytes(encode_jpeg((rows + 9 * n).repeat(3, 1, 1).to(torch.uint8) // 2).numpy()) for n in range(8)
    ]
    batches = {}
    for decode in ("host", "device"):
        data = gpuaug.ImageFiles(files, [0, 1] * 4, reducing_gap=None, decode=decode)
        sampler = gpuaug.BalancedSampler(data.labels, seed=1)
        chain = gpuaug.Compose([gpuaug.RandomResizedCrop(48), gpuaug.Normalize(0.5, 0.25)])
        loader = gpuaug.BalancedLoader(data, sampler, chain, 8, device="cuda", num_workers=2)
        batches[decode] = next(iter(loader))[0]
    difference = (batches["host"] - batches["device"]).abs().mean().item()
    if difference > 0.05:
        raise SystemExit(f"files decoded on the device differ from the host's by {difference} on average")
    return f"8 files decoded on the device differ from the host's by {difference:.4f} on average"


if __name__ == "__main__":
    main()
