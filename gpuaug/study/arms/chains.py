"""A chain of transforms as one line of text: techniques and gpuaug's transforms, joined by ``+``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import gpuaug
from gpuaug.study.arms.expressions import evaluate, tidy
from gpuaug.study.arms.techniques import TECHNIQUES
from gpuaug.transforms import Compose, Transform, exports

# Every transform but what makes floats of bytes, which the study does itself.
CLASSES: dict[str, type[Transform]] = {
    name: kind
    for name, kind in sorted(vars(exports).items())
    if name != "Normalize" and isinstance(kind, type) and issubclass(kind, Transform)
}


@dataclass(frozen=True)
class Chain:
    """The transforms that ``text`` names, for images of any (height, width).

    >>> Chain("hflip + SaltAndPepper(amount=0.1)")(32, 32)
    [RandomHorizontalFlip(p=0.5), SaltAndPepper(amount=0.1, salt_vs_pepper=0.6)]
    """

    text: str

    def __call__(self, height: int, width: int) -> list[Transform]:
        chain = evaluate("transform", self.text, names(height, width), join=_join)
        if not isinstance(chain, (Transform, _Joined)):
            raise ValueError(f"transform must name transforms, got {self.text!r}")
        return chain.parts if isinstance(chain, _Joined) else [chain]


def read_chain(text: str) -> Chain:
    """The chain in one spelling, checked on images of 64 x 64 pixels.

    >>> read_chain("crop+hflip( 1 )")
    Chain(text='crop + hflip(1)')

    Raises:
        ValueError: an unknown name, or arguments that a transform refuses.
    """
    gpuaug.Compose(Chain(text)(64, 64))
    return Chain(tidy(text))


def names(height: int, width: int) -> dict[str, Callable[..., Transform]]:
    """The names that a chain may hold, for images of a size."""
    techniques = {name: partial(technique, height, width) for name, technique in TECHNIQUES.items()}
    return {**techniques, **{name: _whole(make) for name, make in CLASSES.items()}}


@dataclass(frozen=True)
class _Joined:
    """A chain that is not yet a transform, so that ``a + b + c`` stays flat."""

    parts: list[Transform]


def _join(left: Transform | _Joined, right: Transform | _Joined) -> _Joined:
    for side in (left, right):
        if not isinstance(side, (Transform, _Joined)):
            raise ValueError(f"+ joins transforms, got {side!r}")
    return _Joined([part for side in (left, right) for part in _parts(side)])


def _parts(side: Transform | _Joined) -> list[Transform]:
    return side.parts if isinstance(side, _Joined) else [side]


def _whole(make: Callable[..., Transform]) -> Callable[..., Transform]:
    """The class, where the elements of a list may be chains: ``OneOf([crop + hflip, blur])``."""

    def build(*positional: object, **named: object) -> Transform:
        return make(*map(_composed, positional), **{name: _composed(value) for name, value in named.items()})

    return build


def _composed(value: object) -> object:
    if isinstance(value, list):
        return [_composed(element) for element in value]
    return Compose(value.parts) if isinstance(value, _Joined) else value
