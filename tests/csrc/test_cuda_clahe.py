"""The CUDA kernels of the op ``clahe``, compiled for the host and run thread by thread: their bytes are the
reference's.
"""

from __future__ import annotations

import functools
import re
import shutil
import struct
from pathlib import Path

import pytest
import torch
from cuda_cases import raw
from host_compiler import CSRC, OF_TESTS, SANITIZERS, agree, compile_cpp, missing_runtime, run
from mutations.clahe import BARRIERS, MUTATIONS
from torch import Tensor

from gpuaug.ops.clahe import clahe

pytestmark = pytest.mark.slow

CAUGHT = re.compile(
    r"AddressSanitizer: heap-|ThreadSanitizer: data race|Sanitizer: SEGV|runtime error|is \d+, expected \d+"
)
EVERY = [(file, name) for file, mutations in MUTATIONS.items() for name in mutations]


def encode(images: Tensor, rows: Tensor | None, clip_limit: Tensor, grid: tuple[int, int]) -> bytes:
    """A case, as tests/csrc/clahe_on_cpu.cpp reads it. A row that is none of the images changes nothing."""
    expected = images.clone()
    within = slice(None) if rows is None else (rows >= 0) & (rows < len(images))
    clahe(expected, None if rows is None else rows[within], clip_limit[within], *grid)
    last = not images.is_contiguous()
    order = (0, 2, 3, 1) if last else (0, 1, 2, 3)
    header = (*images.shape, last, -1 if rows is None else len(rows), len(clip_limit), *grid)
    parts = [images.permute(order), *([] if rows is None else [rows]), clip_limit, expected.permute(order)]
    return struct.pack("9q", *header) + b"".join(map(raw, parts))


def image_of(count: int, channels: int, height: int, width: int) -> Tensor:
    """Levels that rise and repeat, so that peaks are clipped and a rest is shared out."""
    random = torch.Generator().manual_seed(height * width)
    rise = torch.arange(count * channels * height * width).view(count, channels, height, width) // 7
    noise = torch.randint(0, 40, rise.shape, generator=random)
    return torch.where(noise < 9, 200, rise + noise).remainder(256).byte()


@functools.cache
def cases() -> tuple[int, bytes]:
    limits = torch.tensor([2.0, 0.01, 40.0, float("nan"), 3.5])
    last = image_of(3, 4, 21, 30).contiguous(memory_format=torch.channels_last)
    made = [
        encode(image_of(2, 3, 24, 32), None, limits[:2], (3, 4)),
        encode(image_of(2, 1, 17, 20), None, limits[1:3], (4, 5)),
        encode(last, torch.tensor([0, 2]), limits[3:], (2, 3)),
        encode(image_of(3, 2, 9, 14), torch.tensor([-1, 1, 3, 2**40]), limits[:4], (3, 4)),
        encode(image_of(4, 5, 5, 4), torch.tensor([3]), limits[2:3], (4, 3)),
        encode(image_of(1, 1, 2, 2100), None, limits[:1], (1, 2)),  # a long axis: weights of fewer steps
        encode(image_of(1, 1, 3, 5), None, limits[:1] * 100, (2, 2)),
    ]
    return len(made), b"".join(made)


def compiled(folder: Path, sanitizer: str, csrc: Path = CSRC, *flags: str) -> Path:
    if why := missing_runtime(sanitizer):
        pytest.skip(why)
    include = ["-I", str(csrc), "-I", str(OF_TESTS)]
    return compile_cpp(
        [OF_TESTS / "clahe_on_cpu.cpp"],
        folder / "clahe_on_cpu",
        "-Wno-unused-function",
        *SANITIZERS[sanitizer],
        *include,
        *flags,
    )


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_cuda_source_equals_the_reference(sanitizer: str, tmp_path: Path):
    count, encoded = cases()
    agree(run(compiled(tmp_path, sanitizer), encoded), count)


def test_a_tile_whose_sums_are_folded(tmp_path: Path):
    large = encode(image_of(1, 1, 2100, 2100), None, torch.tensor([3.0]), (1, 1))
    agree(run(compiled(tmp_path, "plain"), large), 1)


@pytest.mark.thorough  # a compiler for each
@pytest.mark.parametrize(("file", "name"), EVERY, ids=[name for _, name in EVERY])
def test_a_mutation_is_caught(file: str, name: str, tmp_path: Path):
    sanitizer, old, new = MUTATIONS[file][name]
    csrc = shutil.copytree(CSRC, tmp_path / "csrc")
    text = (csrc / file).read_text()
    assert text.count(old) == 1, f"csrc/{file} holds the piece to mutate {text.count(old)} times: {old!r}"
    (csrc / file).write_text(text.replace(old, new))
    _, encoded = cases()
    if "large tile" in name:
        encoded = encode(image_of(1, 1, 2100, 2100), None, torch.tensor([3.0]), (1, 1))
    done = run(compiled(tmp_path, sanitizer, csrc, "-O0", "-w"), encoded)
    assert done.returncode != 0
    assert CAUGHT.search(done.stderr.decode()), done.stderr.decode()


def test_no_thread_leaves_before_a_barrier():
    text = re.sub(r"//.*", "", (CSRC / "cuda/clahe.cuh").read_text())
    kernels = re.findall(r"__global__ .*?\{\n(.*?)^\}", text, re.DOTALL | re.MULTILINE)
    assert len(kernels) == 2
    assert sum(kernel.count("__syncthreads") for kernel in kernels) == len(BARRIERS)
    for kernel in kernels:
        # A lambda gives the address of a table; nothing else leaves.
        assert not re.search(r"\b(break|continue|goto)\b", kernel)
        assert kernel.count("return") == kernel.count("return tables +")
