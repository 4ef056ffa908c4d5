"""The kernel in plain PyTorch, on any device. The stages are in ``gpuaug/stages``.

It is the fallback if nothing is compiled, and the oracle in the tests.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.arguments import check_memory, check_one_device
from gpuaug.recipe.layout import FIELDS, WORD
from gpuaug.recipe.recipes import check_readable
from gpuaug.stages import STAGES, geometry
from gpuaug.stages.base import chosen, with_alpha
from gpuaug.stages.output import from_levels


def augment(
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
    """The op ``gpuaug::augment``; arguments as in ``gpuaug/functional.py``."""
    _check_call(storage, records, table, channels, height, width, scale_shift)
    check_readable(storage.numel(), records, channels)
    image = geometry.bytes_of(storage, records, channels, height, width, interleaved, stages)
    for stage in STAGES:
        if stages & stage.bits == stage.bits:
            changed = stage.bytes(image, records)
            changed = changed if stage.alpha else with_alpha(changed, image)
            image = chosen(records, stage.bits, changed, image, stage.without)
    out = from_levels(image, table)
    return out.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def augment_in_turn(
    storage: Tensor,
    records: list[Tensor],
    table: Tensor | None,
    channels: int,
    sizes: list[int],
    interleaved: bool,
    channels_last: bool,
    scale_shift: Tensor | None = None,
) -> Tensor:
    """The op ``gpuaug::augment_in_turn``: several passes, each on the result of the one before.

    ``sizes`` has the height and the width of each pass.
    """
    if len(records) == 0 or len(sizes) != 2 * len(records):
        raise RuntimeError(
            "sizes must be a height and a width for each of the records, of one pass at least, "
            f"got {len(sizes)} for {len(records)}"
        )
    heights, widths = sizes[::2], sizes[1::2]
    for own, height, width in zip(records, heights, widths, strict=True):
        check_one_device(storage=storage, records=own)
        _check_call(storage, own, None, channels, height, width, None)
        if len(own) != len(records[-1]):
            raise RuntimeError(
                f"records must be of the same draws in each pass, got {len(own)} and {len(records[-1])}"
            )
    for own, height, width in zip(records[1:], heights, widths, strict=False):
        _check_own(own, channels, height, width)
    for own, height, width in zip(records[:-1], heights, widths, strict=False):
        stages = _union(own)
        storage = augment(storage, own, None, channels, height, width, interleaved, stages, False).flatten()
        interleaved = False
    last = records[-1]
    return augment(
        *(storage, last, table, channels, heights[-1], widths[-1], interleaved, _union(last)),
        *(channels_last, scale_shift),
    )


def _union(records: Tensor) -> int:
    union = 0
    for stages in records[:, 0].unique().tolist():
        union |= stages
    return union


def _check_own(records: Tensor, channels: int, height: int, width: int) -> None:
    """Raises if a draw reads anything but its own result of the pass before, of the given size."""
    size = channels * height * width
    own = torch.arange(len(records)) * size
    offset, read_height, read_width = (records[:, WORD[name]] for name in ("offset", "height", "width"))
    wrong = (offset != own) | (read_height != height) | (read_width != width)
    for n in wrong.nonzero().flatten()[:1].tolist():
        raise RuntimeError(
            f"recipes: draw {n} must read what its pass before gives, {height} x {width} from {n * size} on, "
            f"got {int(read_height[n])} x {int(read_width[n])} from {int(offset[n])} on"
        )


def _check_call(
    storage: Tensor,
    records: Tensor,
    table: Tensor | None,
    channels: int,
    height: int,
    width: int,
    scale_shift: Tensor | None,
) -> None:
    if storage.dtype != torch.uint8 or storage.dim() != 1:
        raise RuntimeError(f"storage must be flat uint8, got {storage.dtype} {tuple(storage.shape)}")
    if records.dtype != torch.int64 or records.dim() != 2 or records.shape[1] != len(FIELDS):
        raise RuntimeError(
            f"records must be int64 (N, {len(FIELDS)}), got {records.dtype} {tuple(records.shape)}"
        )
    check_one_device(storage=storage, records=records, table=table, scale_shift=scale_shift)
    if not 1 <= channels <= 4:
        raise RuntimeError(f"channels must be in [1, 4], got {channels}")
    if height < 1 or width < 1:
        raise RuntimeError(f"the output size must be positive, got {height} x {width}")
    if len(records) * channels * height * width > 1 << 60:
        raise RuntimeError(f"the output is too large: {len(records)} x {channels} x {height} x {width}")
    rows = (1, len(records))
    if table is not None:
        if tuple(table.shape) not in {(row, channels, 256) for row in rows}:
            raise RuntimeError(f"table must be contiguous (1 or N, C, 256), got shape {tuple(table.shape)}")
        if table.dtype not in (torch.float32, torch.float16, torch.bfloat16):
            raise RuntimeError(f"table must be float32, float16 or bfloat16, got {table.dtype}")
    for name, tensor in {
        "storage": storage,
        "records": records,
        "table": table,
        "scale_shift": scale_shift,
    }.items():
        if tensor is not None:
            check_memory(name, tensor)
