"""Numbers of each class, looked up by the targets of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gpuaug.tracing import keep
from gpuaug.transforms.fixed_settings import copied


def check_counts(class_counts: Sequence[int] | Tensor) -> Tensor:
    """Check the number of samples of each class: float64 ``(C,)``.

    >>> check_counts([300, 10])
    tensor([300.,  10.], dtype=torch.float64)
    """
    allowed = "class_counts must be at least one count, each finite and at least 1"
    try:
        counts = copied(class_counts)
    except (RuntimeError, TypeError, ValueError) as error:
        raise TypeError(f"{allowed}, got {class_counts!r}") from error
    known = counts.dim() == 1 and len(counts) > 0
    if not known or not bool(((counts >= 1) & counts.isfinite()).all()):
        raise ValueError(f"{allowed}, got {class_counts}")
    return counts.double()


class ClassNumbers:
    """A number for each class, by the targets of a batch.

    >>> ClassNumbers(torch.tensor([0.1, 0.5]))(torch.tensor([1, 1, 0]))
    tensor([0.5000, 0.5000, 0.1000])

    Args:
        numbers: ``(C,)``.
    """

    def __init__(self, numbers: Tensor) -> None:
        self._numbers = numbers
        self._kept: dict[torch.device, Tensor] = {}  # a tensor on each device

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": {}}

    @property
    def numbers(self) -> Tensor:
        return self._numbers.clone()

    def __call__(self, targets: Tensor) -> Tensor:
        """Look up ``(n,)`` numbers, on the device of the targets.

        Raises:
            TypeError: if targets are not integers or booleans ``(n,)``.
            ValueError: if targets are out of [0, C). On a GPU, which is not waited for, such a target counts
                as the nearest class.
        """
        if targets.is_floating_point() or targets.is_complex() or targets.dim() != 1:
            raise TypeError(f"targets must be integers (n,), got {targets.dtype} {tuple(targets.shape)}")
        targets = targets.long()
        numbers = keep(self._kept, targets.device, lambda: self._numbers.to(targets.device))
        classes = len(numbers)
        if targets.is_cpu and not torch.compiler.is_compiling():
            for n in ((targets < 0) | (targets >= classes)).nonzero().flatten()[:1].tolist():
                raise ValueError(f"targets must be in [0, {classes}), got {int(targets[n])} for image {n}")
        return numbers[targets.clamp(0, classes - 1)]


def choose(number: Tensor, weights: Tensor) -> Tensor:
    """Choose by weights ``(m,)``, for each number in [0, 1): int64 ``(n,)``.

    >>> choose(torch.tensor([0.1, 0.9]), torch.tensor([3.0, 1.0]))
    tensor([0, 1])
    """
    end = weights.cumsum(0)
    return torch.searchsorted(end, number * end[-1:], right=True).clamp(max=len(end) - 1)
