"""A digest of a transform's settings, in a loader's state: a resume with another transform is noticed."""

from __future__ import annotations

import enum
import warnings
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpuaug.transforms.base import Transform
from gpuaug.transforms.mixes.base import Mix
from gpuaug.transforms.mixes.class_numbers import ClassNumbers
from gpuaug.transforms.per_class import PerClass

# Attributes that are no settings: the seed of keys without draws, and what train() and eval() change.
LEFT_OUT = ("seed", "training", "memory_format")
PLAIN = (bool, int, float, str, torch.dtype, enum.Enum, type(None))


def chain_digest(augment: Transform | None, mix: Mix | None = None) -> str:
    """The digest of a transform and a mix: equal settings have the same in every process.

    >>> from gpuaug import RandomHorizontalFlip
    >>> same, other = RandomHorizontalFlip(seed=3), RandomHorizontalFlip(p=0.1)
    >>> [chain_digest(RandomHorizontalFlip()) == chain_digest(flip) for flip in (same, other)]
    [True, False]

    The tables of a ``PerClass`` are not in it: a ``Curriculum`` moves them, and has a state of its own.
    """
    return blake2b(repr((described(augment), described(mix))).encode(), digest_size=8).hexdigest()


def compare_digest(state: Mapping[str, Any], own: str) -> None:
    """Warns if a loader's state has another digest than ``own``. A sampler's state has none."""
    saved = state.get("transform")
    if saved is not None and saved != own:
        warnings.warn(
            f"state_dict is of another transform or mix: its settings have the digest {saved}, those of this "
            f"loader {own}. The draws go on where they were; from here on their pixels are those of this "
            "loader's transform",
            stacklevel=3,
        )


def described(transform: Transform | Mix | None) -> Any:
    """Class, settings and members, as plain values whose ``repr`` is the same in every process."""
    if transform is None:
        return None
    settings: dict[str, Any] = {
        name: plain(value)
        for name, value in sorted(vars(transform).items())
        if name not in LEFT_OUT and (not name.startswith("_") or isinstance(value, (Tensor, ClassNumbers)))
    }
    if isinstance(transform, PerClass):
        settings = {"p": transform.p}
    members = getattr(transform, "transforms", ())
    return type(transform).__qualname__, settings, [described(member) for member in members]


def plain(value: Any) -> Any:
    """A value without addresses: what is neither plain nor made of plain values is its class's name.

    >>> plain((0.5, {"a": torch.tensor([1, 2])}, lambda: None))
    [0.5, [('a', [1, 2])], 'function']
    """
    if isinstance(value, ClassNumbers):
        value = value.numbers
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, Mapping):
        return [(key, plain(of)) for key, of in value.items()]
    if isinstance(value, (list, tuple)):
        return [plain(of) for of in value]
    return value if isinstance(value, PLAIN) else type(value).__name__
