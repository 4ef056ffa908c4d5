"""Decides which ops of a draw share a pass: an op joins the open pass if the result keeps their order.

A pass has one geometry, then sharpening, one color matrix, then curves; batched ops follow. An op that steps
back in this order may still join where the two commute:

- A shift by whole pixels commutes with all ops that change each pixel by itself and leave black black, since
  a shift fills with black.
- A warp, which interpolates, commutes up to rounding with a matrix that leaves black black and clamps
  nothing.
- Shifts add up, unless one takes back pixels that another has pushed out of the image.

Any other op opens the draw's next pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache

import torch
from torch import Tensor

from gpuaug.recipe.layout import MOST_CURVES, Stage
from gpuaug.tracing import traced, untraced


class Kind(IntEnum):
    """The properties of an op that decide its place in a pass."""

    NOTHING = 0
    WARP = 1  # geometry that interpolates
    LEFT = 2  # moves by whole pixels
    RIGHT = 3
    UP = 4
    DOWN = 5
    FADE = 6  # a color matrix without a constant that keeps every pixel between black and white
    GLARE = 7  # a color matrix that may leave this range, and is clamped
    CURVE = 8  # a curve that keeps black
    LIFT = 9  # a curve that changes black, or depends on the whole image
    SHARPEN = 10  # depends on the pixels around
    BATCHED = 11  # after the kernel


# The stage that runs an op of a kind.
STAGES = {
    **dict.fromkeys((Kind.WARP, Kind.LEFT, Kind.RIGHT, Kind.UP, Kind.DOWN), Stage.GEOMETRY),
    **dict.fromkeys((Kind.FADE, Kind.GLARE), Stage.COLOR),
    **dict.fromkeys((Kind.CURVE, Kind.LIFT), Stage.CURVES),
    Kind.SHARPEN: Stage.BLUR,
    Kind.BATCHED: Stage.BATCHED,
}
MOST_LISTED = 3  # ops of a draw whose passes come from one table
_OPPOSITE = {Kind.LEFT: Kind.RIGHT, Kind.RIGHT: Kind.LEFT, Kind.UP: Kind.DOWN, Kind.DOWN: Kind.UP}


@dataclass(frozen=True)
class OpenPass:
    """The contents of a draw's open pass.

    >>> OpenPass().after(Kind.WARP).admits(Kind.CURVE), OpenPass().after(Kind.CURVE).admits(Kind.WARP)
    (True, False)
    """

    warped: bool = False  # or has other geometry that no op can join
    moved: frozenset[Kind] = frozenset()
    sharpened: bool = False
    mixed: bool = False  # by a color matrix
    clamped: bool = False
    curves: int = 0
    lifted: bool = False  # black may have changed
    batched: bool = False

    def admits(self, kind: Kind) -> bool:
        if kind in (Kind.NOTHING, Kind.BATCHED):
            return True
        if self.batched:
            return False
        if kind == Kind.WARP:
            return not (self.warped or self.moved or self.sharpened or self.clamped or self.curves)
        if kind in _OPPOSITE:
            return not (self.warped or self.sharpened or self.lifted or _OPPOSITE[kind] in self.moved)
        if kind == Kind.SHARPEN:
            return not (self.sharpened or self.mixed or self.curves)
        if kind in (Kind.FADE, Kind.GLARE):
            return not (self.clamped or self.curves)
        return self.curves < MOST_CURVES

    def after(self, kind: Kind) -> OpenPass:
        """The pass with one more op: this pass, or the next one with the op as its first."""
        start = self if self.admits(kind) else OpenPass()
        return replace(
            start,
            warped=start.warped or kind == Kind.WARP,
            moved=start.moved | ({kind} & _OPPOSITE.keys()),
            sharpened=start.sharpened or kind == Kind.SHARPEN,
            mixed=start.mixed or kind in (Kind.FADE, Kind.GLARE),
            clamped=start.clamped or kind == Kind.GLARE,
            curves=start.curves + (kind in (Kind.CURVE, Kind.LIFT)),
            lifted=start.lifted or kind == Kind.LIFT,
            batched=start.batched or kind == Kind.BATCHED,
        )


def _automaton() -> tuple[Tensor, Tensor]:
    """For each reachable state and each kind: the next state, and 1 if the op opens a pass."""
    states = [OpenPass(), OpenPass(warped=True)]
    following, opened = [], []
    for state in states:  # the list grows in the loop
        after = [state.after(kind) for kind in Kind]
        states += [new for new in dict.fromkeys(after) if new not in states]
        following.append([states.index(new) for new in after])
        opened.append([int(not state.admits(kind)) for kind in Kind])
    return torch.tensor(following, device="cpu"), torch.tensor(opened, device="cpu")


_FOLLOWING, _OPENED = _automaton()


def passes_of(kinds: Tensor, warped: bool = False) -> Tensor:
    """The pass of every op, counted from 0.

    >>> passes_of(torch.tensor([[Kind.WARP, Kind.CURVE], [Kind.CURVE, Kind.WARP], [Kind.LIFT, Kind.LIFT]]))
    tensor([[0, 0],
            [0, 1],
            [0, 0]])

    Args:
        kinds: int64 ``(n, ops)``, on the host: the ops of each draw in turn.
        warped: True if pass 0 already has geometry that these ops cannot join.

    Returns:
        int64 ``(n, ops)``.
    """
    slots = kinds.shape[1]
    if slots > MOST_LISTED or traced():
        return _walked(kinds, warped)
    listed, places = _listed(slots, warped)
    return listed[(kinds * places).sum(1)]


@cache
def _listed(slots: int, warped: bool) -> tuple[Tensor, Tensor]:
    """The passes of all sequences of so many ops, and the factor of each op's kind in a sequence's number."""
    with untraced():
        places = torch.tensor([len(Kind) ** slot for slot in range(slots)], device="cpu")
        kinds = torch.arange(len(Kind) ** slots, device="cpu")[:, None] // places % len(Kind)
        return _walked(kinds, warped), places


def _walked(kinds: Tensor, warped: bool) -> Tensor:
    state, number, passes = torch.full_like(kinds[:, 0], int(warped)), torch.zeros_like(kinds[:, 0]), []
    for kind in kinds.unbind(1):
        number = number + _OPENED[state, kind]
        state = _FOLLOWING[state, kind]
        passes.append(number)
    return torch.stack(passes, dim=1)
