"""kornia, imported at its first use: the import is slow, and the kernel does not need it.

>>> import torch
>>> from gpuaug import lazy_kornia as kornia
>>> kornia.filters.box_blur(torch.ones(1, 1, 3, 3), 3).unique()
tensor([1.])
"""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PARTS = ("color", "filters", "geometry")  # the parts that gpuaug uses


def __getattr__(name: str) -> Any:
    if name not in PARTS:  # attributes that Python, pytest, doctest and Dynamo look for in any module
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        # kornia makes constants when it is imported. In a thread of its own they become ordinary tensors on
        # the CPU, even if the first use is under inference_mode, fake tensors, or another default device.
        with ThreadPoolExecutor(1) as thread:
            kornia = thread.submit(importlib.import_module, "kornia").result()
    except ModuleNotFoundError as error:
        error.add_note("this path of gpuaug needs kornia: pip install kornia")
        raise
    globals()[name] = getattr(kornia, name)
    return globals()[name]
