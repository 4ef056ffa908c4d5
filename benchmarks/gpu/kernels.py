"""Times the CUDA kernel on this machine's GPU: ``python kernels.py --out FILE``, a step of ``make gpu``.

The time of a chain is measured by CUDA events: the median over replays of a CUDA graph over several batches,
which are together larger than the GPU's cache, so that no source and no result is cached (L2-cold). The GPU
is busy when a timing begins, so that it includes no launch. Then the result is compared with the CPU's, to
the bit; a batch must be one kernel launch (by the profiler) and must wait for nothing
(``torch.cuda.set_sync_debug_mode``). The bytes are the fewest that a batch can move: the pixels that it
reads, its result and its recipes, each once. Their rate is also given as a share of that of a large copy on
the same GPU.

The rows of the aims come first, and the file is written after every row. If a chain fails a check, the
message is in its row, beside its time, and the next chain follows.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from case import MEAN, STD
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

import gpuaug
from gpuaug.ops import backends
from gpuaug.recipe.recipes import Recipes

CACHE_MULTIPLE = 4  # the size of all sources of a timing, as a multiple of the GPU's second-level cache
REPEATS = 30
WAKING = 0.5  # seconds of copies before the first timing, so that the clocks rise
SIZES = ((32, 64), (32, 8192), (224, 64), (224, 256), (224, 1024), (225, 256))
SMALL_SIZES = ((32, 8), (33, 4))
NORMALIZE = {"mean": MEAN, "std": STD}


@dataclass(frozen=True)
class Chain:
    """The chain of a batch; ``dtype`` uint8 does not normalize."""

    stages: tuple[str, ...]
    dtype: torch.dtype = torch.float32
    memory_format: torch.memory_format = torch.contiguous_format
    source: torch.memory_format = torch.contiguous_format  # channels_last: HWC, as a loader's batches are

    def __str__(self) -> str:
        read = "HWC: " if self.source == torch.channels_last else ""
        layout = ", channels_last" if self.memory_format == torch.channels_last else ""
        stages = " + ".join(self.stages) or "copy"
        return f"{read}{stages} -> {str(self.dtype).removeprefix('torch.')}{layout}"

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
BFLOAT, LAST = torch.bfloat16, torch.channels_last
TRAINING, FULL = Chain(("crop", "flip"), BFLOAT), Chain(ALL)
AIMS = {TRAINING: 0.8, FULL: 0.4}  # as a share of a copy, at AIM_SIZE
AIM_SIZE = (224, 256)
CHAINS = (
    TRAINING,
    FULL,
    Chain(("crop", "flip"), BFLOAT, source=LAST),
    Chain(("crop", "flip"), BFLOAT, LAST, LAST),
    Chain(ALL, torch.float32, LAST, LAST),
    Chain(("crop", "flip"), BFLOAT, LAST),
    Chain(ALL, BFLOAT),
    Chain(ALL, torch.float32, LAST),
    Chain(("crop", "flip")),
    Chain(ALL, torch.uint8),
    Chain(("flip",), torch.uint8),
    Chain(("crop",), torch.uint8),
    Chain(("blur",), torch.uint8),
    Chain(("noise",), torch.uint8),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--small", action="store_true", help="tiny batches")
    arguments = parser.parse_args()
    if not (torch.cuda.is_available() and backends.has_cuda):
        raise SystemExit(f"this needs a GPU and the CUDA library\n{backends.info()}")
    sizes = SMALL_SIZES if arguments.small else SIZES
    limit = copy_rate(1 << 20 if arguments.small else 1 << 31)
    print(f"{backends.info()}\na device-to-device copy reads and writes {limit / 1e9:.0f} GB/s\n")
    report = {
        "headline": [],
        "gpu": torch.cuda.get_device_name(),
        "info": backends.info().splitlines(),
        "copy_GB_per_s": round(limit / 1e9),
        "rows": [],
    }
    for chain, (side, batch) in in_order(sizes):
        row = {"chain": str(chain), "side": side, "batch": batch}
        try:
            for found in measure(chain, side, batch, limit):
                row.update(found)
        except Exception as error:
            row["error"] = f"{type(error).__name__}: {error}"
        show(row)
        report["rows"].append(row)
        report["headline"] = headline(report["rows"], report["copy_GB_per_s"])
        arguments.out.write_text(json.dumps(report, indent=1) + "\n")
    if any("error" in row for row in report["rows"]):
        raise SystemExit("some chains failed")


def in_order(sizes: tuple[tuple[int, int], ...]) -> list[tuple[Chain, tuple[int, int]]]:
    """Every chain in every size: the aims, then the other chains in the aims' size, then the rest."""
    every = [(chain, size) for size in sizes for chain in CHAINS]
    return sorted(every, key=lambda case: (case[1] != AIM_SIZE, case[0] not in AIMS))


def headline(rows: list[dict], copy: int) -> list[str]:
    """The aims and their results."""
    lines = []
    for chain, aim in AIMS.items():
        shares = [
            row["share_of_copy"]
            for row in rows
            if row["chain"] == str(chain)
            and (row["side"], row["batch"]) == AIM_SIZE
            and "share_of_copy" in row
        ]
        if shares:
            lines.append(f"{chain}, 224 px x 256: {shares[0]:.2f} of a copy ({copy} GB/s); aim {aim}")
    failed = [row for row in rows if "error" in row]
    lines.append(f"{len(rows)} rows" + (f", {len(failed)} failed: {failed[0]['error']}" if failed else ""))
    return lines


def show(row: dict) -> None:
    said = [row["error"]] if "error" in row else []
    if "us_per_batch" in row:
        said.insert(0, f"{row['us_per_batch']:9.1f} us {row['share_of_copy']:6.1%} of a copy")
    print(f"{row['chain']:52} {row['side']:4} px x {row['batch']:5} {' '.join(said)}", flush=True)


def draws_of(batch: int) -> Tensor:
    index = torch.arange(batch)
    return torch.stack([index, torch.ones_like(index), index * 0x1E3779B97F4A7C15], dim=1)


def measure(chain: Chain, side: int, batch: int, limit: float) -> Iterator[dict]:
    """The entries of a row: the time, then the checks, which may fail."""
    augment = chain.transform(side)
    shape = (batch, 3, side, side)
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    count = max(2, math.ceil(CACHE_MULTIPLE * cache / math.prod(shape)))
    sources = [torch.randint(256, shape, dtype=torch.uint8, device="cuda") for _ in range(count)]
    sources = [source.contiguous(memory_format=chain.source) for source in sources]
    (host,) = augment.recipes(draws_of(batch), shape)
    passes = (host.to("cuda"),)
    out = augment.apply_recipes(sources[0], passes)
    seconds = time_replays(augment, sources, passes)
    moved = least_bytes(chain, side, host, out)
    yield {
        "us_per_batch": round(1e6 * seconds, 2),
        "images_per_second": round(batch / seconds),
        "MB": round(moved / 1e6, 3),
        "GB_per_s": round(moved / seconds / 1e9, 1),
        "share_of_copy": round(moved / seconds / limit, 3),
    }
    check(augment, sources[0], host, out)
    refuse_synchronisation(lambda: augment.apply_recipes(sources[0], passes))
    launches = what_runs(lambda: augment.apply_recipes(sources[0], passes))
    if len(launches) != 1:
        raise RuntimeError(f"a batch must be one launch, got {launches}")


def least_bytes(chain: Chain, side: int, recipes: Recipes, out: Tensor) -> int:
    """The bytes of every window, result and recipe, each once."""
    window = side * 20 // 32 if "crop" in chain.stages else side
    return len(out) * 3 * window**2 + out.nbytes + recipes.records.nbytes


def check(augment: gpuaug.Compose, source: Tensor, host: Recipes, out: Tensor) -> None:
    """Checks that the first images equal the CPU's, to the bit."""
    some = min(len(source), 8)
    expected = augment.apply_recipes(source[:some].cpu(), (host._replace(records=host.records[:some]),))
    if not torch.equal(out[:some].cpu(), expected):
        raise RuntimeError("the GPU's result is not the CPU's")


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
    """The seconds per batch: the median over replays of a graph over all sources."""
    augment.apply_recipes(sources[0], passes)  # tables are made before the capture
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        # The results are kept, so that each has memory of its own, which is not cached.
        results = [augment.apply_recipes(source, passes) for source in sources]
    return median_seconds(graph.replay) / len(results)


def copy_rate(size: int) -> float:
    """Bytes read and written per second by a copy of ``size`` bytes."""
    source = torch.randint(256, (size,), dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    end = time.monotonic() + WAKING
    while time.monotonic() < end:
        median_seconds(lambda: target.copy_(source), repeats=1)
    return 2 * source.nbytes / median_seconds(lambda: target.copy_(source))


def median_seconds(run: Callable[[], object], repeats: int = REPEATS) -> float:
    for _ in range(3):
        run()
    taken = []
    for _ in range(repeats):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        run()  # not timed: while it runs, the host launches the timed copies
        start.record()
        run()
        end.record()
        end.synchronize()
        taken.append(start.elapsed_time(end) / 1e3)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
