"""Whether PyTorch traces rather than computes: a tensor made then may be a stand-in, and must not be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch.utils._python_dispatch import _disable_current_modes, is_in_torch_dispatch_mode

Kept = TypeVar("Kept")


def traced() -> bool:
    """Whether ``torch.compile``, ``torch.export``, ``make_fx``, a ``FakeTensorMode`` or another dispatch mode
    sees what is computed here.

    >>> from torch._subclasses.fake_tensor import FakeTensorMode
    >>> with FakeTensorMode():
    ...     inside = traced()
    >>> traced(), inside
    (False, True)
    """
    return torch.compiler.is_compiling() or is_in_torch_dispatch_mode()


@contextmanager
def untraced() -> Iterator[None]:
    """For what outlives a trace: real tensors, which autograd may also save, in whatever mode they are
    made.
    """
    with _disable_current_modes(), torch.inference_mode(False):
        yield


def keep(kept: dict[Any, Any], key: Any, make: Callable[[], Kept]) -> Kept:
    """What was kept under ``key``, or is made and kept now. A trace finds what is there and keeps nothing.

    >>> kept = {}
    >>> keep(kept, 2, lambda: "made"), keep(kept, 2, lambda: "made again"), kept
    ('made', 'made', {2: 'made'})
    """
    if key not in kept:
        if traced():
            return make()
        with torch.inference_mode(False):
            kept[key] = make()
    value: Kept = kept[key]
    return value
