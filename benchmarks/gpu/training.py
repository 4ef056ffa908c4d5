"""Measures the cost of augmentation in a training loop on the GPU: ``python training.py --out FILE``.

The network is ResNet-18 in bfloat16, channels_last, with SGD. There are two data sets: one of the size of
CIFAR-10, on the GPU, at 32 px; and JPEG files of 500 x 375 px, decoded by workers, at 224 px. A step is timed

- alone: on one batch that stays on the GPU, eager and as a CUDA graph;
- with augmented batches from ``BalancedLoader``, which copies one batch ahead;
- with the same batches without that: a ``DataLoader``, then copy and transform in the loop.

The share of augmentation is the extra time of a step, compared with the step alone. The idle share of the GPU
comes from the profiler: the part of the time between its first and last event in which nothing runs.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from case import MEAN, STD
from PIL import Image
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader
from torchvision.models.resnet import BasicBlock, ResNet

import gpuaug
from gpuaug.loading import collate
from gpuaug.transforms import Transform

CLASSES, LARGEST, SMALLEST = 10, 9, 1  # nine tenths of the samples are in half of the classes
Batches = Iterable[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Sizes:
    resident: int  # samples
    files: int
    batch: int  # of the resident data set
    decoded_batch: int
    steps: int  # in a timing, after WARM
    workers: int
    decoded_side: int = 224
    blocks: tuple[int, ...] = (2, 2, 2, 2)  # of ResNet-18
    repeats: int = 3


FULL = Sizes(resident=50_000, files=3_000, batch=512, decoded_batch=128, steps=30, workers=14)
SMALL = Sizes(
    60, 12, batch=4, decoded_batch=2, steps=1, workers=1, decoded_side=32, blocks=(1, 1, 1, 1), repeats=1
)
WARM = 3  # steps before a timing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--small", action="store_true", help="a few images and steps")
    arguments = parser.parse_args()
    sizes = SMALL if arguments.small else FULL
    report: dict = {"headline": [], "gpu": torch.cuda.get_device_name(), "sizes": vars(sizes)}
    for name, measure in {"resident": resident, "decoded": decoded}.items():
        report[name] = row = measure(sizes)
        report["headline"].append(f"{name}: {told(row)}")
        print(report["headline"][-1], flush=True)
        arguments.out.write_text(json.dumps(report, indent=1) + "\n")


def told(row: dict) -> str:
    parts = [f"step {row['alone_ms']:.2f} ms (graph {row['graph_ms']:.2f})"]
    for way in ("prefetched", "plain"):
        if way in row:
            found = row[way]
            parts.append(
                f"{way} {found['ms']:.2f} ms, augmentation {found['share']:.1%}, GPU idle {found['idle']}"
            )
    return "; ".join(parts)


# ---- The two data sets


def resident(sizes: Sizes) -> dict:
    images = torch.randint(256, (sizes.resident, 3, 32, 32), dtype=torch.uint8)
    labels = imbalanced(sizes.resident)
    dataset = gpuaug.DeviceDataset(images, labels).to("cuda")
    sampler = gpuaug.BalancedSampler(labels, seed=0)
    augment = chain(32)
    loader = gpuaug.BalancedLoader(dataset, sampler, augment, sizes.batch, drop_last=True)
    training = Training(sizes.batch, 32, sizes.blocks)
    return compare(training, sizes, {"prefetched": endless(loader)})


def decoded(sizes: Sizes) -> dict:
    files = JpegFiles(sizes.files)
    sampler = gpuaug.BalancedSampler(files.labels, seed=0)
    augment = chain(sizes.decoded_side)
    workers = {"num_workers": sizes.workers, "persistent_workers": True}
    loader = gpuaug.BalancedLoader(
        files, sampler, augment, sizes.decoded_batch, device="cuda", drop_last=True, **workers
    )
    plain = DataLoader(
        gpuaug.WithDraws(files),
        sizes.decoded_batch,
        sampler=gpuaug.BalancedSampler(files.labels, seed=0),
        drop_last=True,
        collate_fn=collate,
        **workers,
    )
    training = Training(sizes.decoded_batch, sizes.decoded_side, sizes.blocks)
    return compare(training, sizes, {"prefetched": endless(loader), "plain": in_the_loop(plain, augment)})


class JpegFiles:
    """Encoded images in memory, one a sample, so that no disk is measured."""

    def __init__(self, count: int) -> None:
        self.labels = imbalanced(count)
        coarse = np.random.default_rng(0).integers(0, 256, (16, 24, 32, 3), dtype=np.uint8)
        self._encoded = [encoded(image) for image in coarse]  # as many bytes as photographs of that size

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        image = Image.open(io.BytesIO(self._encoded[index % len(self._encoded)]))
        return image.convert("RGB"), int(self.labels[index])


def encoded(coarse: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def imbalanced(count: int) -> Tensor:
    """Labels of ten classes, five of them nine times as large as the others."""
    shares = torch.tensor([LARGEST] * (CLASSES // 2) + [SMALLEST] * (CLASSES // 2))
    return torch.arange(CLASSES).repeat_interleave(shares).repeat(-(-count // int(shares.sum())))[:count]


def chain(side: int) -> gpuaug.Compose:
    return gpuaug.Compose(
        [
            gpuaug.RandomResizedCrop(side),
            gpuaug.RandomHorizontalFlip(),
            gpuaug.ColorJitter(0.2, 0.2, 0.2),
            gpuaug.Normalize(MEAN, STD, dtype=torch.bfloat16),
        ],
        seed=0,
        memory_format=torch.channels_last,
    )


def endless(loader: gpuaug.BalancedLoader) -> Iterator[tuple[Tensor, Tensor]]:
    for epoch in range(1 << 30):
        loader.set_epoch(epoch)
        yield from loader


def in_the_loop(loader: DataLoader, augment: Transform) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        for images, labels, draws in loader:
            yield augment(images.to("cuda"), draws), labels.to("cuda")


# ---- The step


class Training:
    """A network, its optimizer, and one batch that stays on the GPU."""

    def __init__(self, batch: int, side: int, blocks: tuple[int, ...]) -> None:
        model = ResNet(BasicBlock, list(blocks), num_classes=CLASSES)
        self.model = model.to("cuda").to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        images = torch.randn(batch, 3, side, side, device="cuda", dtype=torch.bfloat16)
        self.batch = (
            images.contiguous(memory_format=torch.channels_last),
            torch.zeros(batch, dtype=torch.int64, device="cuda"),
        )

    def step(self, images: Tensor, labels: Tensor) -> None:
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = F.cross_entropy(self.model(images), labels)
        self.optimizer.zero_grad(set_to_none=False)
        loss.backward()
        self.optimizer.step()

    def captured(self) -> Callable[[], None]:
        """The step on the batch that stays, as a CUDA graph."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM):
                self.step(*self.batch)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step(*self.batch)
        return graph.replay


def compare(training: Training, sizes: Sizes, ways: dict[str, Iterator[tuple[Tensor, Tensor]]]) -> dict:
    alone = milliseconds(lambda: training.step(*training.batch), sizes)
    # Before a loader begins, as its pinning thread may not allocate memory while a graph is captured.
    row = {"alone_ms": alone, "graph_ms": milliseconds(training.captured(), sizes)}
    for name, batches in ways.items():

        def run(batches: Iterator[tuple[Tensor, Tensor]] = batches) -> None:
            training.step(*next(batches))

        taken = milliseconds(run, sizes)
        row[name] = {
            "ms": taken,
            "share": round(1 - alone / taken, 3),
            "idle": idle_share(run, sizes),
        }
    return row


def milliseconds(run: Callable[[], None], sizes: Sizes) -> float:
    """The milliseconds of a step: the median of several series, each synchronized at its end."""
    for _ in range(WARM):
        run()
    taken = []
    for _ in range(sizes.repeats):
        torch.cuda.synchronize()
        begun = time.perf_counter()
        for _ in range(sizes.steps):
            run()
        torch.cuda.synchronize()
        taken.append((time.perf_counter() - begun) / sizes.steps)
    return round(1e3 * statistics.median(taken), 3)


def idle_share(run: Callable[[], None], sizes: Sizes) -> str:
    """The idle share in per cent. Only the GPU is profiled, as profiling the host would slow it down."""
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        for _ in range(sizes.steps):
            run()
        torch.cuda.synchronize()
    on_gpu = torch.autograd.DeviceType.CUDA
    spans = [
        (event.time_range.start, event.time_range.end)
        for event in profiled.events()
        # An annotation, such as an optimizer's step, spans its kernels and the gaps between them.
        if event.device_type == on_gpu and not event.is_user_annotation
    ]
    return f"{idle(spans):.1%}" if spans else "unknown: the profiler saw nothing"


def idle(spans: Iterable[tuple[float, float]]) -> float:
    """The share of the time from the first beginning to the last end that no span covers.

    >>> idle([(0, 3), (2, 4), (9, 10)])
    0.5
    """
    ordered = sorted(spans)
    busy, reached = 0.0, ordered[0][0]
    for begin, end in ordered:
        busy += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return 1 - busy / (reached - ordered[0][0])


if __name__ == "__main__":
    main()
