"""The registration of operators: fake kernels, and references in PyTorch where a library is missing."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.arguments import check_one_device
from gpuaug.ops import backends, clahe, keyed, mix, reference, to_levels
from gpuaug.recipe import assemble, program

if not backends.has_cpu:
    for _op in (
        reference.augment,
        reference.augment_in_turn,
        to_levels.to_levels,
        mix.mix,
        clahe.clahe,
        keyed.keyed_draws,
        keyed.uniform,
        assemble.assemble,
    ):
        torch.library.impl(f"gpuaug::{_op.__name__}", "CPU", _op)
if not backends.has_cuda:
    for _op in (reference.augment, to_levels.to_levels, clahe.clahe):
        torch.library.impl(f"gpuaug::{_op.__name__}", "CUDA", _op)
torch.library.impl("gpuaug::mix", "CUDA", mix.mix)


@torch.library.register_fake("gpuaug::augment")
def _(
    storage: Tensor,
    records: Tensor,
    table: Tensor | None,
    channels: int,
    height: int,
    width: int,
    interleaved: bool,
    stages: int,
    channels_last: bool,
    scale_shift: Tensor | None = None,
) -> Tensor:
    like = storage if table is None else table
    check_one_device(storage=storage, records=records, table=table, scale_shift=scale_shift)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    return like.new_empty((records.shape[0], channels, height, width)).contiguous(memory_format=memory_format)


@torch.library.register_fake("gpuaug::to_levels")
def _(
    storage: Tensor, windows: Tensor, records: Tensor, channels: int, interleaved: bool, values: int
) -> Tensor:
    check_one_device(storage=storage, windows=windows, records=records)
    return records.new_empty((values,), dtype=torch.uint8)


@torch.library.register_fake("gpuaug::augment_in_turn")
def _(
    storage: Tensor,
    records: list[Tensor],
    table: Tensor | None,
    channels: int,
    sizes: list[int],
    interleaved: bool,
    channels_last: bool,
    scale_shift: Tensor | None = None,
) -> Tensor:
    like = storage if table is None else table
    for own in records:
        check_one_device(storage=storage, records=own, table=table, scale_shift=scale_shift)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    out = like.new_empty((records[-1].shape[0], channels, *sizes[-2:]))
    return out.contiguous(memory_format=memory_format)


@torch.library.register_fake("gpuaug::mix")
def _(images: Tensor, rows: Tensor | None, parts: Tensor, shares: Tensor) -> None:
    check_one_device(images=images, rows=rows, parts=parts, shares=shares)


@torch.library.register_fake("gpuaug::keyed_draws")
def _(index: Tensor, copy: Tensor, seed: int, epoch: int) -> Tensor:
    check_one_device(index=index, copy=copy)
    return index.new_empty((index.shape[0], 3))


@torch.library.register_fake("gpuaug::assemble")
def _(
    records: Tensor, columns: list[Tensor], constants: list[float], code: list[int], height: int, width: int
) -> int:
    for column in columns:
        check_one_device(records=records, columns=column)
    return program.possible_stages(constants, code)


@torch.library.register_fake("gpuaug::uniform")
def _(keys: Tensor, places: list[int], counts: list[int]) -> Tensor:
    return keys.new_empty((sum(counts), keys.shape[0]), dtype=torch.float64)


@torch.library.register_fake("gpuaug::clahe")
def _(images: Tensor, rows: Tensor | None, clip_limit: Tensor, down: int, across: int) -> None:
    check_one_device(images=images, rows=rows, clip_limit=clip_limit)
