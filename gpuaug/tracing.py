"""Tracing: while PyTorch traces, tensors may be fake, and must not be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch.utils._python_dispatch import _disable_current_modes, is_in_torch_dispatch_mode

Kept = TypeVar("Kept")


def traced() -> bool:
    """Whether PyTorch traces here.

    That is so under ``torch.compile``, ``torch.export``, ``make_fx``, a ``FakeTensorMode`` or another
    dispatch mode.

    >>> from torch._subclasses.fake_tensor import FakeTensorMode
    >>> with FakeTensorMode():
    ...     inside = traced()
    >>> traced(), inside
    (False, True)
    """
    return torch.compiler.is_compiling() or is_in_torch_dispatch_mode()


@contextmanager
def untraced() -> Iterator[None]:
    """Within it, new tensors are real, and autograd may save them: for tensors that outlive a trace."""
    with _disable_current_modes(), torch.inference_mode(False):
        yield


def keep(kept: dict[Any, Any], key: Any, make: Callable[[], Kept]) -> Kept:
    """Returns the value kept under ``key``, or makes and keeps it. During a trace nothing new is kept.

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
