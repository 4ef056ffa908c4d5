"""kornia, imported at its first use: it takes a while, and the kernel's path does without.

>>> import torch
>>> from gpuaug import lazy_kornia as kornia
>>> kornia.filters.box_blur(torch.ones(1, 1, 3, 3), 3).unique()
tensor([1.])
"""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PARTS = ("color", "filters", "geometry")  # what gpuaug uses


def __getattr__(name: str) -> Any:
    if name not in PARTS:  # what Python, pytest, doctest and Dynamo ask of any module
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        # kornia makes constants as it is imported. In a thread of its own they are ordinary tensors on the
        # CPU, even where the first use is under inference_mode, fake tensors, or another default device.
        with ThreadPoolExecutor(1) as thread:
            kornia = thread.submit(importlib.import_module, "kornia").result()
    except ModuleNotFoundError as error:
        error.add_note("gpuaug needs kornia here, and only the kernel does without: pip install kornia")
        raise
    globals()[name] = getattr(kornia, name)
    return globals()[name]
