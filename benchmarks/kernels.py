"""Times the CUDA kernel on the GPU that is here: ``make gpu``.

For each chain: the result is compared with the CPU's, to the bit; a batch must be one kernel launch
(profiler), must wait for nothing (``torch.cuda.set_sync_debug_mode``) and must be replayable as a CUDA
graph. Then its time by CUDA events: the median over replays of a graph that goes through several batches,
together larger than the GPU's cache. The bytes are the fewest that a batch can move: what it reads of its
source, its result and its records, each once; their rate is also given as a share of what a large copy
reaches on the same GPU. No source and no result is in the cache when its turn comes (L2-cold).

Then the full chain as a training loop calls it, parameters and all, beside kornia on the same batch and
torchvision v2 on one image after another, all on this GPU. Writes ``benchmarks/results/kernels-<GPU>.json``,
with what was aimed at beside what was measured.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import peers
import torch
from case import MEAN, STD, Case
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

import gpuaug
from gpuaug import _native
from gpuaug.recipe import Recipes

CACHE_MULTIPLE = 4  # the sources of one timing are together so many times the GPU's second-level cache
REPEATS = 30
SIZES = ((32, 64), (32, 8192), (224, 64), (224, 256), (224, 1024))
PEERS = ((32, 512), (224, 256))
PEER_REPEATS = 5
NORMALIZE = {"mean": MEAN, "std": STD}


@dataclass(frozen=True)
class Chain:
    """What a batch goes through; ``dtype`` uint8 leaves the bytes as they are."""

    stages: tuple[str, ...]
    dtype: torch.dtype = torch.float32
    memory_format: torch.memory_format = torch.contiguous_format

    def __str__(self) -> str:
        layout = ", channels_last" if self.memory_format == torch.channels_last else ""
        return f"{' + '.join(self.stages) or 'copy'} -> {str(self.dtype).removeprefix('torch.')}{layout}"

    def transform(self, side: int) -> gpuaug.Compose:
        stages = {
            "crop": [gpuaug.RandomCrop(side * 20 // 32), gpuaug.Resize(side)],
            "flip": [gpuaug.RandomHorizontalFlip()],
            "blur": [gpuaug.GaussianBlur(5, sigma=(0.1, 2.0))],
            "noise": [gpuaug.SaltAndPepper(0.25)],
        }
        transforms = [transform for stage in self.stages for transform in stages[stage]]
        if self.dtype != torch.uint8:
            transforms.append(gpuaug.Normalize(**NORMALIZE, dtype=self.dtype))
        return gpuaug.Compose(transforms, memory_format=self.memory_format)


ALL = ("crop", "flip", "blur", "noise")
CHAINS = (
    Chain(("flip",), torch.uint8),
    Chain(("crop",), torch.uint8),
    Chain(("blur",), torch.uint8),
    Chain(("noise",), torch.uint8),
    Chain(("crop", "flip")),
    Chain(("crop", "flip"), torch.bfloat16),
    Chain(("crop", "flip"), torch.bfloat16, torch.channels_last),
    Chain(ALL, torch.uint8),
    Chain(ALL),
    Chain(ALL, torch.bfloat16),
    Chain(ALL, torch.float32, torch.channels_last),
)


def main() -> None:
    if not (torch.cuda.is_available() and _native.has_cuda):
        raise SystemExit(f"this needs a GPU and the CUDA library\n{_native.info()}")
    limit = copy_rate()
    print(f"{_native.info()}\na device-to-device copy reads and writes {limit / 1e9:.0f} GB/s\n")
    rows = [measure(chain, side, batch, limit) for chain in CHAINS for side, batch in SIZES]
    beside = [beside_peers(side, batch) for side, batch in PEERS]
    gpu = torch.cuda.get_device_name()
    info = _native.info().splitlines()
    report = {
        "gpu": gpu,
        "info": info,
        "copy_GB_per_s": round(limit / 1e9),
        "aims": aims(rows, beside),
        "rows": rows,
        "peers": beside,
    }
    out = Path(__file__).with_name("results") / f"kernels-{re.sub('[^a-z0-9]+', '-', gpu.lower())}.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"written: {out}")


def measure(chain: Chain, side: int, batch: int, limit: float) -> dict:
    augment = chain.transform(side)
    shape = (batch, 3, side, side)
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    count = max(2, math.ceil(CACHE_MULTIPLE * cache / math.prod(shape)))
    sources = [torch.randint(256, shape, dtype=torch.uint8, device="cuda") for _ in range(count)]
    index = torch.arange(batch)
    draws = torch.stack([index, torch.ones_like(index), index * 0x1E3779B97F4A7C15], dim=1)
    (host,) = augment.recipes(draws, shape)
    passes = (host.to("cuda"),)
    out = augment.apply_recipes(sources[0], passes)
    check(chain, augment, sources[0], host, out)
    launches = what_runs(lambda: augment.apply_recipes(sources[0], passes))
    assert len(launches) == 1, f"{chain}: a batch must be one launch, got {launches}"
    refuse_synchronisation(lambda: augment.apply_recipes(sources[0], passes))
    seconds = time_replays(augment, sources, passes)
    moved = least_bytes(chain, side, host, out)
    row = {
        "chain": str(chain),
        "side": side,
        "batch": batch,
        "us_per_batch": round(1e6 * seconds, 2),
        "images_per_second": round(batch / seconds),
        "MB": round(moved / 1e6, 3),
        "GB_per_s": round(moved / seconds / 1e9, 1),
        "share_of_copy": round(moved / seconds / limit, 3),
    }
    timing = f"{row['us_per_batch']:9.1f} us {row['share_of_copy']:6.1%} of a copy"
    print(f"{row['chain']:52} {side:4} px x {batch:5} {timing}")
    return row


def beside_peers(side: int, batch: int) -> dict:
    """Images per second of the full chain, parameters included: gpuaug, kornia, torchvision one by one."""
    case = Case("full", side, batch, threads=1, device="cuda")
    images = case.images()
    _, one_by_one = peers.torchvision_sample(case)
    row = {"side": side, "batch": batch}
    with peers.gpuaug_batch(case, images) as run:
        row["gpuaug"] = round(batch / median_seconds(run.batch))
    with peers.kornia_batch(case, images) as run:
        row["kornia"] = round(batch / median_seconds(run.batch, PEER_REPEATS))
    row["torchvision"] = round(
        batch / median_seconds(lambda: torch.stack([one_by_one(image) for image in images]), PEER_REPEATS)
    )
    print(", ".join(f"{name} {value}" for name, value in row.items()))
    return row


def aims(rows: list[dict], beside: list[dict]) -> list[dict]:
    """What the kernel was made for, and what came of it."""

    def share(chain: Chain) -> float:
        return max(row["share_of_copy"] for row in rows if row["chain"] == str(chain) and row["side"] == 224)

    def times(peer: str) -> float:
        return round(min(row["gpuaug"] / row[peer] for row in beside), 1)

    training = Chain(("crop", "flip"), torch.bfloat16)
    return [
        {"what": f"{training}, 224 px, share of a copy", "aim": 0.8, "measured": share(training)},
        {"what": f"{Chain(ALL)}, 224 px, share of a copy", "aim": 0.4, "measured": share(Chain(ALL))},
        {"what": "times kornia's images per second", "aim": 20, "measured": times("kornia")},
        {"what": "times torchvision's, one by one", "aim": 50, "measured": times("torchvision")},
    ]


def least_bytes(chain: Chain, side: int, recipes: Recipes, out: Tensor) -> int:
    """The window of every source image once, every result once, every record once."""
    window = side * 20 // 32 if "crop" in chain.stages else side
    return len(out) * 3 * window**2 + out.nbytes + recipes.records.nbytes


def check(chain: Chain, augment: gpuaug.Compose, source: Tensor, host: Recipes, out: Tensor) -> None:
    """The first images must be what the CPU makes of them, to the bit."""
    some = min(len(source), 8)
    expected = augment.apply_recipes(source[:some].cpu(), (host._replace(records=host.records[:some]),))
    assert torch.equal(out[:some].cpu(), expected), f"{chain}: the GPU's result is not the CPU's"


def what_runs(run: Callable[[], object]) -> list[str]:
    """The names of the kernels and copies on the GPU."""
    run()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        run()
        torch.cuda.synchronize()
    on_gpu = torch.autograd.DeviceType.CUDA
    return [event.name for event in profiled.events() if event.device_type == on_gpu]


def refuse_synchronisation(run: Callable[[], object]) -> None:
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        run()
    finally:
        torch.cuda.set_sync_debug_mode(before)


def time_replays(augment: gpuaug.Compose, sources: list[Tensor], passes: tuple[Recipes, ...]) -> float:
    """Seconds per batch: the median over replays of a graph that goes through all sources once."""
    augment.apply_recipes(sources[0], passes)  # tables are made before the capture
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        # The results are kept, so that each goes to memory of its own and not to what the cache holds.
        results = [augment.apply_recipes(source, passes) for source in sources]
    return median_seconds(graph.replay) / len(results)


def copy_rate() -> float:
    """Bytes read and written per second by a copy of 2 GiB."""
    source = torch.randint(256, (1 << 31,), dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.nbytes / median_seconds(lambda: target.copy_(source))


def median_seconds(run: Callable[[], object], repeats: int = REPEATS) -> float:
    for _ in range(3):
        run()
    taken = []
    for _ in range(repeats):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        run()
        end.record()
        end.synchronize()
        taken.append(start.elapsed_time(end) / 1e3)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
