"""Normalization: by a table of 256 entries for bytes, by arithmetic for floats."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpuaug.images.batch import dtype_name
from gpuaug.images.levels import shares

Statistic = float | Sequence[float] | Tensor

TABLE_DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def normalization_table(
    mean: Statistic, std: Statistic, *, channels: int, dtype: torch.dtype = torch.float32
) -> Tensor:
    """The table of ``(byte / 255 - mean) / std``, for every byte and every channel.

    >>> normalization_table(0.5, 0.5, channels=1)[0, 0, [0, 255]]
    tensor([-1.,  1.])

    Args:
        mean: for images in [0, 1]: one number, one for each channel ``(C,)``, or one for each draw and
            channel ``(n, C)``.
        std: positive; in the forms of ``mean``.
        channels: the number of channels C.
        dtype: float32, float16 or bfloat16. The table is computed in float64 and rounded once.

    Returns:
        ``(1 or n, channels, 256)``, on the device of ``mean``.

    Raises:
        ValueError: ``std`` is not positive and finite, ``mean`` is not finite, or a shape does not fit the
            channels.
        TypeError: ``dtype`` is another one.
    """
    if dtype not in TABLE_DTYPES:
        raise TypeError(f"dtype must be float32, float16 or bfloat16, got {dtype_name(dtype)}")
    m, s = statistics(mean, std, channels)
    byte = shares(torch.arange(256, dtype=torch.float64, device=m.device))
    return ((byte - m[..., None]) / s[..., None]).to(dtype).contiguous()


def from_levels(image: Tensor, table: Tensor | None) -> Tensor:
    """Levels, int64 ``(n, C, H, W)``, as bytes, or mapped by tables ``(1 or n, C, 256)`` of the channels."""
    if table is None:
        return image.to(torch.uint8)
    channel = torch.arange(image.shape[1], device=image.device)[:, None, None]
    draw = torch.arange(len(image), device=image.device)[:, None, None, None]
    out: Tensor = table[0 if table.shape[0] == 1 else draw, channel, image]
    return out


def normalization_scale_shift(mean: Statistic, std: Statistic, *, channels: int) -> Tensor:
    """The line through the entries of ``normalization_table``: value = slope * byte + start.

    >>> normalization_scale_shift(0.5, 0.5, channels=1)[0, 0] * 255
    tensor([   2., -255.], dtype=torch.float64)

    Returns:
        float64 ``(1 or n, channels, 2)``: slope and start, on the device of ``mean``.
    """
    m, s = statistics(mean, std, channels)
    return torch.stack((1 / (255 * s), -m / s), dim=-1)


def normalize_floats(images: Tensor, mean: Statistic, std: Statistic) -> Tensor:
    """``(images - mean) / std`` for floating images ``(N, C, H, W)``, with a gradient; float32 or wider.

    >>> normalize_floats(torch.ones(1, 3, 2, 2), 0.5, 0.5).unique()
    tensor([1.])
    """
    dtype = torch.promote_types(images.dtype, torch.float32)
    m, s = (v.to(images.device, dtype)[..., None, None] for v in statistics(mean, std, images.shape[1]))
    check_rows("mean and std", m, images.shape[0])
    return (images.to(dtype) - m) / s


def check_rows(name: str, rows: Tensor, count: int) -> None:
    """Raises unless there is one row for all draws, or one for each of ``count`` draws.

    >>> check_rows("table", torch.zeros(1, 3, 256), count=5)
    """
    if rows.shape[0] not in (1, count):
        raise ValueError(f"{name} must have 1 or {count} rows, got {rows.shape[0]}")


def statistics(mean: Statistic, std: Statistic, channels: int) -> tuple[Tensor, Tensor]:
    """Checks mean and std and returns them as float64 ``(1 or n, channels)``."""
    pair = []
    for name, value in (("mean", mean), ("std", std)):
        v = torch.as_tensor(value, dtype=torch.float64, device=getattr(value, "device", "cpu"))
        if v.dim() > 2 or (v.dim() > 0 and v.shape[-1] not in (1, channels)):
            raise ValueError(
                f"{name} must be a number, ({channels},) or (n, {channels}) for {channels}-channel images, "
                f"got shape {tuple(v.shape)}"
            )
        if not torch.compiler.is_compiling() and v.device.type == "cpu":
            bad = ~v.isfinite() if name == "mean" else ~(v.isfinite() & (v > 0))
            if bool(bad.any()):
                allowed = "finite" if name == "mean" else "positive and finite"
                raise ValueError(f"{name} must be {allowed}, got {v[bad].flatten()[0].item()}")
        pair.append(v)
    m, s = torch.broadcast_tensors(*pair)
    if m.dim() < 2:
        m, s = m.expand(1, channels), s.expand(1, channels)
    return m.expand(-1, channels), s.expand(-1, channels)
