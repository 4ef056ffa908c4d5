"""Which pass each transform runs in: transforms join the open pass while they keep to the kernel's stage
order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from gpuaug.recipe.layout import MOST_CURVES

if TYPE_CHECKING:
    from gpuaug.transforms.base import Transform


class Stage(IntEnum):
    """The kernel's stages in its fixed order, and what may follow the kernel in the same pass."""

    GEOMETRY = 0
    BLUR = 1
    COLOR = 2
    CURVES = 3
    NOISE = 4
    IMPULSE = 5
    ERASE = 6
    OUTPUT = 7
    BATCHED = 8  # after the kernel: PyTorch on the draws that need it


class Geometry(IntEnum):
    """What the geometry of a pass holds so far; the higher, the less may still join it."""

    NONE = 0
    FLIP = 1
    SIZE = 2  # crops and resizes: they compose into one resampling
    AFFINE = 3  # a map that may turn; a second one would move what the first one left empty
    PAD = 4  # a crop that may reach beyond the image: its border is no resize's edge, so only flips join it


@dataclass(frozen=True)
class PassCursor:
    """How far a plan has come: the pass that is open, its latest stage, what its geometry holds, and how
    many curves its curves."""

    pass_index: int = 0
    stage: Stage = Stage.GEOMETRY
    geometry: Geometry = Geometry.NONE
    curves: int = 0

    def admits(self, stage: Stage, geometry: Geometry) -> bool:
        """Whether a transform of that stage may still join the open pass."""
        if stage == Stage.BATCHED:
            return True  # any number of them, in turn
        if stage != Stage.GEOMETRY:
            # The matrices of several colors multiply, and curves follow one another while there is room.
            again = stage == Stage.COLOR or (stage == Stage.CURVES and self.curves < MOST_CURVES)
            return stage > self.stage or (stage == self.stage and again)
        if geometry == Geometry.PAD or self.geometry == Geometry.PAD:
            return self.stage == Stage.GEOMETRY and min(geometry, self.geometry) <= Geometry.FLIP
        if geometry == self.geometry == Geometry.AFFINE:
            return False
        return self.stage == Stage.GEOMETRY

    def after(self, stage: Stage, geometry: Geometry) -> PassCursor:
        """The cursor once a transform has joined, in a new pass where it has to."""
        start = self if self.admits(stage, geometry) else PassCursor(self.pass_index + 1)
        return PassCursor(
            start.pass_index, stage, max(start.geometry, geometry), start.curves + (stage == Stage.CURVES)
        )

    @staticmethod
    def furthest(cursors: list[PassCursor]) -> PassCursor:
        """Where exclusive options leave the plan: as far as the furthest of them."""
        latest = max(c.pass_index for c in cursors)
        last = [c for c in cursors if c.pass_index == latest]
        return PassCursor(
            *(latest, max(c.stage for c in last)),
            *(max(c.geometry for c in last), max(c.curves for c in last)),
        )


@dataclass(frozen=True)
class Step:
    """One transform's position in a plan. Transforms hold no position themselves, so one may serve in
    several chains.

    Attributes:
        leaves: the steps that do something to pixels, in order.
        by_place: their transforms.
        passes: how many there are.
        sized: whether it may change the size.
        options: the children as options in the order to write them: number, step, and which others change
            the size where this one does. Those that do come first, so that the others see what all draws
            leave at.
        random_counts: the places whose transforms need random numbers, and how many each needs for a draw.
    """

    transform: Transform
    place: int  # in the chain: a word of its random counters
    pass_index: int  # a container's is that of the cursor it began at
    children: tuple[Step, ...] = ()
    leaves: list[Step] = field(init=False, repr=False, compare=False)
    by_place: dict[int, Transform] = field(init=False, repr=False, compare=False)
    passes: int = field(init=False, repr=False, compare=False)
    sized: bool = field(init=False, repr=False, compare=False)
    options: list[tuple[int, Step, list[int]]] = field(init=False, repr=False, compare=False)
    random_counts: tuple[list[int], list[int]] = field(init=False, repr=False, compare=False)

    @property
    def runs_in(self) -> str:
        """The kernel's stage, or what a batched transform uses."""
        transform = self.transform
        stage = transform.stage.name.lower()
        return f"{stage} ({transform.backend})" if transform.stage == Stage.BATCHED else stage

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Step]]:
        """This step and all below it, with their depths, in order."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)

    def __post_init__(self) -> None:
        # All at once and not when first asked for: ``forward`` then changes nothing, as torch.compile wants.
        steps = [step for _, step in self.walk()]
        leaves = [step for step in steps if not step.children]
        sized = [number for number, child in enumerate(self.children) if child.sized]
        rest = [number for number in range(len(self.children)) if number not in sized]
        numbered = [step for step in steps if step.transform.random_count]
        derived = {
            "leaves": leaves,
            "by_place": {step.place: step.transform for step in leaves},
            "passes": max(step.pass_index for step in leaves) + 1,
            "sized": any(step.transform.geometry in (Geometry.SIZE, Geometry.PAD) for step in leaves),
            "options": [
                *((number, self.children[number], [k for k in sized if k != number]) for number in sized),
                *((number, self.children[number], []) for number in rest),
            ],
            "random_counts": (
                [step.place for step in numbered],
                [step.transform.random_count for step in numbered],
            ),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def describe(self) -> str:
        """The tree with each transform's pass and stage, and the number of launches."""
        rows = [(f"{'  ' * depth}{step.transform.label()}", step) for depth, step in self.walk()]
        width = max(len(text) for text, _ in rows) + 2
        lines = [
            text if step.children else f"{text:<{width}}pass {step.pass_index + 1}, {step.runs_in}"
            for text, step in rows
        ]
        count = self.passes
        total = f"{count} pass{'es' * (count > 1)}: {count} kernel launch{'es' * (count > 1)} a batch"
        batched = sum(step.transform.stage == Stage.BATCHED for step in self.leaves)
        if batched:
            total += f", and {batched} batched transform{'s' * (batched > 1)}"
        return "\n".join([*lines, total])
