"""Checks of the settings of transforms, and random numbers scaled to their ranges."""

from __future__ import annotations

import math
from functools import lru_cache
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.layout import BORDERS, STEADY
from gpuaug.tracing import traced


def is_number(value: Any) -> bool:
    """Whether a value is a real number, including NumPy's, but not True or False.

    >>> import numpy
    >>> is_number(numpy.float32(0.5)), is_number(3), is_number(True), is_number("3")
    (True, True, False, False)
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, including NumPy's, but not True or False.

    >>> import numpy
    >>> is_whole(numpy.int64(3)), is_whole(3.0), is_whole(numpy.True_)
    (True, False, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool)


def probability(name: str, value: Any) -> float:
    """Check a number in [0, 1].

    >>> probability("p", 0.5)
    0.5
    """
    return number(name, value, 0, 1)


def number(name: str, value: Any, low: float, high: float) -> float:
    """Check a number in [low, high].

    >>> number("sigma", 4, 0.1, 100)
    4.0
    """
    if not is_number(value):
        raise TypeError(f"{name} must be a number in [{low}, {high}], got {type(value).__name__}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be in [{low}, {high}], got {value}")
    return float(value)


def whole(name: str, value: Any, low: int, high: int) -> int:
    """Check a whole number in [low, high].

    >>> whole("holes", 2, 1, 4)
    2
    """
    if not is_whole(value):
        raise TypeError(f"{name} must be an int in [{low}, {high}], got {type(value).__name__}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be in [{low}, {high}], got {value}")
    return int(value)


def span(name: str, value: Any, low: float, high: float) -> tuple[float, float]:
    """Check a number, or an ascending pair (least, most), in [low, high].

    >>> span("gamma", (0.8, 1.25), 0, 10), span("gamma", 2, 0, 10)
    ((0.8, 1.25), (2.0, 2.0))
    """
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or not all(map(is_number, pair)):
        raise TypeError(f"{name} must be a number or a pair of numbers (least, most), got {value!r}")
    if not low <= pair[0] <= pair[1] <= high:
        raise ValueError(f"{name} must be a number or an ascending pair in [{low}, {high}], got {value}")
    return (float(pair[0]), float(pair[1]))


def whole_span(name: str, value: Any, low: int, high: int, *, odd: bool = False) -> tuple[int, int]:
    """Check a whole number, or an ascending pair of them, in [low, high]; with ``odd``, odd numbers.

    >>> whole_span("size", (3, 7), 3, 31, odd=True)
    (3, 7)
    """
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or not all(map(is_whole, pair)):
        raise TypeError(f"{name} must be a whole number or a pair of them (least, most), got {value!r}")
    if not low <= pair[0] <= pair[1] <= high or (odd and not all(v % 2 for v in pair)):
        kind = (
            "an odd number or an ascending pair of odd" if odd else "a whole number or an ascending pair of"
        )
        raise ValueError(f"{name} must be {kind} numbers in [{low}, {high}], got {value}")
    return (int(pair[0]), int(pair[1]))


def around(
    name: str, value: Any, centre: float = 0.0, *, low: float = -math.inf, high: float = math.inf
) -> tuple[float, float]:
    """Check an ascending pair of finite numbers within [low, high].

    One number stands for the pair (centre - number, centre + number), which stops at ``low`` if the centre is
    not 0.

    >>> around("degrees", 15), around("degrees", (0, 90)), around("contrast", 1.5, 1.0, low=0.0)
    ((-15.0, 15.0), (0.0, 90.0), (0.0, 2.5))
    """
    pair = value
    if is_number(value):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be a finite number of at least 0 or a pair, got {value}")
        # A float first: -1 of NumPy's uint8 is 255.
        pair = (max(low, centre - float(value)) if centre else -float(value), centre + float(value))
    least, most = _pair(name, pair)
    if not (low <= least <= most <= high and -math.inf < least and most < math.inf):
        limits = "finite" if math.isinf(high) and math.isinf(low) else f"within [{low}, {high}]"
        raise ValueError(f"{name} must be a pair of ascending numbers, {limits}, got {value}")
    return (least, most)


def shares(name: str, value: Any, count: int) -> tuple[float, ...]:
    """Check ``count`` finite numbers, at least 0, whose sum is above 0.

    >>> shares("weights", [3, 1], 2)
    (3.0, 1.0)
    """
    given = tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(given) != count or not all(map(is_number, given)):
        raise TypeError(f"{name} must be {count} numbers, one for each option, got {value!r}")
    if not all(0 <= share < math.inf for share in given) or sum(given) <= 0:
        raise ValueError(f"{name} must be finite, at least 0, and not all 0, got {value}")
    return tuple(float(share) for share in given)


def level(name: str, value: Any) -> int:
    """Check a level of a byte, an int in [0, 255].

    >>> level("fill", 255)
    255
    """
    return whole(name, value, 0, 255)


def levels(name: str, value: Any) -> tuple[int, ...]:
    """Check a level, or one for each of up to four channels.

    >>> levels("fill", 255), levels("fill", (124, 116, 104))
    ((255,), (124, 116, 104))
    """
    several = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if not (1 <= len(several) <= 4 and all(map(is_whole, several))):
        raise TypeError(
            f"{name} must be an int in [0, 255] or one for each of up to 4 channels, got {value!r}"
        )
    if not all(0 <= one <= 255 for one in several):
        raise ValueError(f"{name} must be in [0, 255], got {value}")
    return tuple(map(int, several))


_INTERPOLATIONS = {"nearest": "nearest", "nearest-exact": "nearest", "bilinear": "bilinear"}


def interpolation_mode(name: str, value: Any) -> str:
    """Check the interpolation: "bilinear", "nearest", or torchvision's ``InterpolationMode``.

    >>> from torchvision.transforms import InterpolationMode
    >>> interpolation_mode("interpolation", InterpolationMode.NEAREST_EXACT)
    'nearest'
    """
    given = getattr(value, "value", value)
    if not isinstance(given, str) or given not in _INTERPOLATIONS:
        raise ValueError(f"{name} must be one of {', '.join(_INTERPOLATIONS)}, got {given!r}")
    return _INTERPOLATIONS[given]


def border(name: str, value: Any) -> str:
    """Check the content beyond an image: one of the record's borders.

    >>> border("padding_mode", "edge")
    'edge'
    """
    if value not in BORDERS:
        raise ValueError(f"{name} must be one of {', '.join(BORDERS)}, got {value!r}")
    return str(value)


def interval(name: str, value: Any, *, low: float = 0.0, high: float = math.inf) -> tuple[float, float]:
    """Check an ascending pair of numbers, finite, above ``low`` and at most ``high``.

    >>> interval("scale", (0.1, 1), high=1)
    (0.1, 1.0)
    """
    least, most = _pair(name, value)
    if not (low < least <= most <= high and math.isfinite(most)):
        limit = f"at most {high}" if math.isfinite(high) else "finite"
        raise ValueError(
            f"{name} must be a pair of ascending numbers above {low} and {limit}, got {tuple(value)}"
        )
    return (least, most)


def _pair(name: str, value: Any) -> tuple[float, float]:
    pair = tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(pair) != 2 or not all(map(is_number, pair)):
        raise TypeError(f"{name} must be a pair of numbers (least, most), got {value!r}")
    return (float(pair[0]), float(pair[1]))


def flag(name: str, value: Any) -> bool:
    """Check True or False.

    >>> flag("per_channel", True)
    True
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, got {type(value).__name__}")
    return value


def bounds(*pairs: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Pairs (least, most) side by side, as ``between`` takes them, for numbers ``(n, pairs)``.

    >>> import torch
    >>> between(bounds((2, 4), (0, 1)), torch.tensor([[0.5, 0.25]], dtype=torch.float64))
    tensor([[3.0000, 0.2500]], dtype=torch.float64)
    """
    return _bounds(pairs) if traced() else _kept_bounds(pairs)


def _bounds(pairs: tuple[tuple[float, float], ...]) -> tuple[Tensor, Tensor]:
    least, most = torch.tensor(pairs, dtype=torch.float64, device="cpu").unbind(1)
    return least, most


@lru_cache(maxsize=1024)
def _kept_bounds(pairs: tuple[tuple[float, float], ...]) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False):
        return _bounds(pairs)


def between(bounds: tuple[float, float] | tuple[Tensor, ...], number: Tensor) -> Tensor:
    """Scale a number in [0, 1) to the range between two bounds, (least, most).

    >>> import torch
    >>> between((2, 4), torch.tensor([0.0, 0.5]))
    tensor([2., 3.])
    """
    low, high = bounds
    return low + number * (high - low)


def whole_between(bounds: tuple[int, int], number: Tensor, step: int = 1) -> Tensor:
    """Scale a number in [0, 1) to a whole number between two bounds, both included.

    >>> import torch
    >>> whole_between((3, 7), torch.tensor([0.0, 0.4, 0.99]), step=2)
    tensor([3, 5, 7])
    """
    low, high = bounds
    return low + step * (number * ((high - low) // step + 1)).long()


def steady(values: Tensor) -> Tensor:
    """Round parameters to steps of 2**-30, which removes differences between machines' sines and cosines.

    >>> import torch
    >>> steady(torch.tensor([0.25, 6e-17], dtype=torch.float64)).tolist()
    [0.25, 0.0]
    """
    return (values * STEADY).round() / STEADY
