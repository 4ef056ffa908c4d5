"""Changes in the course of a study: they must come within its epochs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpuaug.sampling import deferred, progressive
from gpuaug.sampling.schedules import Schedule
from gpuaug.sampling.targets import Target


def within_study(name: str, value: Any, allowed: range, length: int) -> int:
    """The epoch of a change, checked.

    >>> within_study("since", 8, range(1, 10), length=10)
    8

    Args:
        name: of the setting, for messages.
        value: what the user gave.
        allowed: the epochs at which the change may come.
        length: of the study, in epochs.

    Raises:
        TypeError, ValueError: no int, or not allowed.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    if value not in allowed:
        raise ValueError(
            f"{name} must be in [{allowed.start}, {allowed.stop}), so that the change comes within the "
            f"study's epochs ({length}), got {value}"
        )
    return value


def schedules(length: int) -> dict[str, Callable[..., Schedule]]:
    """The schedules by name, for a study of ``length`` epochs.

    >>> schedules(10)["deferred"](8).at(8)
    'majority'
    """

    def deferred_within(epochs: int, target: Target = "majority", start: Target = "natural") -> Schedule:
        return deferred(within_study("epochs", epochs, range(length), length), target, start)

    def progressive_within(
        epochs: int, target: Target = "majority", start: Target = "natural", shape: str = "linear"
    ) -> Schedule:
        # Of 10 epochs the last is epoch 9, which progressive(10) leaves at nine tenths of the way.
        return progressive(within_study("epochs", epochs, range(1, length + 1), length), target, start, shape)

    return {"deferred": deferred_within, "progressive": progressive_within}
