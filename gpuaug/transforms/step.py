"""The position of a transform in a chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from gpuaug.images.packed import Images
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.recipes import Group, Recipes
from gpuaug.recipe.selection import Selection
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.passes import Geometry


class Placed(Protocol):
    """The members of a transform that a step uses; ``Transform`` documents them."""

    stage: Stage
    backend: str
    geometry: Geometry
    moves: bool
    averages: bool
    graded: bool
    inner_passes: int
    measured: bool
    random_count: int

    def label(self) -> str: ...

    def size_after(self, extent: tuple[int, int] | None) -> tuple[int, int] | None: ...

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None: ...

    def transform_group(self, images: Tensor, group: Group) -> Tensor: ...

    def move_group(self, masks: Tensor, group: Group) -> Tensor: ...

    def finish(
        self,
        images: Images,
        recipes: Recipes,
        memory_format: torch.memory_format,
        before: Sequence[Recipes] = (),
    ) -> Tensor: ...


@dataclass(frozen=True)
class Step:
    """One transform's position in a chain.

    Transforms hold no position themselves, so one transform may be in several chains.

    Attributes:
        leaves: the steps that change pixels, in order.
        by_place: the transforms of the leaves, by place.
        passes: number of passes.
        sized: True if the step may change the size.
        options: the children as options, in the order to write them: position, step, and the other options
            that change the size if this one does. Options that change the size come first, so that the others
            see the size at which all draws leave.
        random_counts: the places whose transforms need random numbers, and how many each needs for a draw.
    """

    transform: Placed
    place: int  # in the chain: a word of its random counters
    pass_index: int  # of a container: that of the cursor where it began
    children: tuple[Step, ...] = ()
    last_pass: int = -1  # of a step of several passes; -1 for one pass
    leaves: list[Step] = field(init=False, repr=False, compare=False)
    by_place: dict[int, Placed] = field(init=False, repr=False, compare=False)
    passes: int = field(init=False, repr=False, compare=False)
    sized: bool = field(init=False, repr=False, compare=False)
    options: list[tuple[int, Step, list[int]]] = field(init=False, repr=False, compare=False)
    random_counts: tuple[list[int], list[int]] = field(init=False, repr=False, compare=False)

    @property
    def pass_numbers(self) -> str:
        """The pass numbers as they are printed, counted from 1."""
        several = self.last_pass > self.pass_index
        return f"{self.pass_index + 1} to {self.last_pass + 1}" if several else str(self.pass_index + 1)

    @property
    def latest_pass(self) -> int:
        return max(self.pass_index, self.last_pass)

    @property
    def runs_in(self) -> str:
        """The kernel's stage, or the backend of a batched transform."""
        transform = self.transform
        stage = transform.stage.name.lower()
        return f"{stage} ({transform.backend})" if transform.stage == Stage.BATCHED else stage

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Step]]:
        """Yield this step and all below it, with their depths, in order."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)

    def __post_init__(self) -> None:
        # Computed here, not on first use: ``forward`` then changes nothing, as torch.compile requires.
        steps = [step for _, step in self.walk()]
        leaves = [step for step in steps if not step.children]
        sized = [number for number, child in enumerate(self.children) if child.sized]
        rest = [number for number in range(len(self.children)) if number not in sized]
        numbered = [step for step in steps if step.transform.random_count]
        derived = {
            "leaves": leaves,
            "by_place": {step.place: step.transform for step in leaves},
            "passes": max(step.latest_pass for step in leaves) + 1,
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

    @property
    def counting_launches(self) -> int:
        """Number of passes that count levels first on CUDA: those with curves that depend on the image."""
        measured = [step for step in self.leaves if step.transform.measured]
        return len({p for step in measured for p in range(step.pass_index, step.latest_pass + 1)})

    def describe(self) -> str:
        """Describe the tree: each transform's pass and stage, and the number of launches."""
        rows = [(f"{'  ' * depth}{step.transform.label()}", step) for depth, step in self.walk()]
        width = max(len(text) for text, step in rows if not step.children) + 2
        lines = [
            text if step.children else f"{text:<{width}}pass {step.pass_numbers}, {step.runs_in}"
            for text, step in rows
        ]
        count = self.passes
        total = f"{count} pass{'es' * (count > 1)}: {count} kernel launch{'es' * (count > 1)} a batch"
        if self.counting_launches:
            total += f", on CUDA up to {self.counting_launches} more, which count levels"
        batched = sum(step.transform.stage == Stage.BATCHED for step in self.leaves)
        if batched:
            total += f", and {batched} batched transform{'s' * (batched > 1)}"
        inner = sum(step.transform.inner_passes for step in self.leaves)
        if inner:
            total += f", with up to {inner} launch{'es' * (inner > 1)} more"
        return "\n".join([*lines, total])
