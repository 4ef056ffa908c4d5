"""The effect of decoding at a smaller scale: RandomResizedCrop(224) of large files, with the same draws."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from alternate import alternate, count_images
from file_loaders import SIDE, FileCase
from torch import Tensor

GAPS = (None, 3.0, 2.0, 1.5, 1.0)


def measure_gaps(case: FileCase, rounds: int) -> dict[str, dict[str, Any]]:
    """For each ``reducing_gap``: images per second, the share of draws that it changes, and their PSNR in dB.

    The PSNR is that against decoding at full scale: the mean and the 5 % quantile.
    """
    loaders = {str(gap): _loader(case, gap) for gap in GAPS}
    epochs = {name: _first_epoch(loader) for name, loader in loaders.items()}
    full = epochs["None"]
    rows = {name: quality(images, full) for name, images in epochs.items()}
    rates = alternate({name: partial(count_images, loader) for name, loader in loaders.items()}, rounds)
    return {name: {**rates[name], **rows[name]} for name in rows}


def quality(images: Tensor, full: Tensor) -> dict[str, Any]:
    """
    >>> full = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    >>> one = full.clone()
    >>> one[1] = 255
    >>> quality(one, full)
    {'changed': 0.5, 'psnr': 0.0, 'psnr_5_percent': 0.0}
    >>> quality(full, full)
    {'changed': 0.0}
    """
    errors = (images.float() - full.float()).square().mean((1, 2, 3)).numpy()
    changed = errors[errors > 0]
    share = {"changed": round(len(changed) / len(errors), 3)}
    if not len(changed):
        return share
    decibels = 10 * np.log10(255**2 / changed)
    return {
        **share,
        "psnr": round(float(decibels.mean()), 2),
        "psnr_5_percent": round(float(np.percentile(decibels, 5)), 2),
    }


def _loader(case: FileCase, gap: float | None) -> Any:
    import gpuaug

    files = gpuaug.ImageFiles.from_folder(case.root, reducing_gap=gap)
    sampler = gpuaug.BalancedSampler(gpuaug.labels_of(files), seed=0)
    window = gpuaug.Compose([gpuaug.RandomResizedCrop(SIDE, case.scale, case.ratio)])
    return gpuaug.BalancedLoader(files, sampler, window, case.batch, num_workers=case.workers)


def _first_epoch(loader: Any) -> Tensor:
    """The images of the first epoch, uint8 (n, 3, 224, 224), in the order of the draws."""
    loader.set_epoch(0)
    return torch.cat([images.clone() for images, _ in loader])
