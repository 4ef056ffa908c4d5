"""The op ``gpuaug::mix`` in plain PyTorch: a weighted sum of each image and of other images."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.arguments import check_one_device

MIX_UNIT = 1 << 15
MOST_MIXED = 17  # an image and sixteen parts
FINE = 128
HALF = FINE // 2


def mix(images: Tensor, rows: Tensor | None, parts: Tensor, shares: Tensor) -> None:
    """Mixes bytes in place, in integers.

    Each product of a level and its share is rounded to 1/128 of a level, and the sum to a level.

    >>> images = torch.tensor([[0, 100], [7, 7]], dtype=torch.uint8)
    >>> parts = torch.tensor([[200, 0]], dtype=torch.uint8)
    >>> mix(images, torch.tensor([0]), parts, torch.tensor([[MIX_UNIT // 4, MIX_UNIT * 3 // 4]]))
    >>> images.tolist()
    [[150, 25], [7, 7]]

    Args:
        images: uint8 ``(n, bytes)``, contiguous.
        rows: int64 ``(m,)``, the images to change; None changes all.
        parts: uint8 ``(m * k, bytes)``, the k parts of each of these images, one after another.
        shares: int64 ``(m, 1 + k)`` in [0, MIX_UNIT), the shares of the image itself and of each part, in
            1/MIX_UNIT; k is at most 16. The shares of an image add up to MIX_UNIT + MOST_MIXED at most.

    Raises:
        RuntimeError: a tensor is of another dtype or shape, or shares on the host are out of their range.
    """
    check_one_device(images=images, rows=rows, parts=parts, shares=shares)
    for name, flat in (("images", images), ("parts", parts)):
        if flat.dtype != torch.uint8 or flat.dim() != 2 or not flat.is_contiguous():
            raise RuntimeError(f"{name} must be contiguous uint8 (n, bytes)")
    if shares.dtype != torch.int64 or shares.dim() != 2 or not 1 <= shares.shape[1] <= MOST_MIXED:
        raise RuntimeError(f"shares must be contiguous int64 (n, 1 to {MOST_MIXED})")
    if rows is not None:
        _check_rows(rows, len(images))
    some = images if rows is None else images.index_select(0, rows)
    if len(some) != len(shares):
        raise RuntimeError(f"shares must be of each row, got {len(shares)}")
    count = len(shares) * (shares.shape[1] - 1)
    if tuple(parts.shape) != (count, images.shape[1]):
        raise RuntimeError(
            f"parts must be ({count}, {images.shape[1]}), as many as the shares name, "
            f"got {tuple(parts.shape)}"
        )
    _check_shares(shares)
    fine = torch.full(some.shape, HALF, dtype=torch.int32, device=images.device)  # in 1/128 of a level
    own = [some, *parts.view(len(some), shares.shape[1] - 1, images.shape[1]).unbind(1)]
    for part, share in zip(own, shares.int()[:, :, None].unbind(1), strict=True):
        fine += (part.int() * (share * FINE) + MIX_UNIT // 2) // MIX_UNIT
    mixed = (fine // FINE).clamp_(max=255).to(torch.uint8)
    if rows is None:
        images.copy_(mixed)
    else:
        images.index_copy_(0, rows, mixed)


def _check_rows(rows: Tensor, count: int) -> None:
    if rows.device.type != "cpu":
        return  # reading the values would wait for the device
    for value in rows[(rows < 0) | (rows >= count)].tolist()[:1]:
        raise RuntimeError(f"rows must be in [0, {count}), got {value}")


def _check_shares(shares: Tensor) -> None:
    if shares.device.type != "cpu":
        return  # reading the values would wait for the device
    for value in shares[(shares < 0) | (shares >= MIX_UNIT)].tolist()[:1]:
        raise RuntimeError(f"shares must be in [0, {MIX_UNIT}), got {value}")
    most = MIX_UNIT + MOST_MIXED
    for value in shares.sum(1)[shares.sum(1) > most].tolist()[:1]:
        raise RuntimeError(f"shares must add up to {most} at most, got {value}")
