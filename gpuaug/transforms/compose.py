"""Transforms of transforms: chains, choices and probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import torch
from torch import Tensor

from gpuaug.recipe.layout import Stage
from gpuaug.recipe.selection import Selection, both, others
from gpuaug.transforms.base import Transform, named
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.members import Members
from gpuaug.transforms.passes import PassCursor
from gpuaug.transforms.ranges import probability, shares
from gpuaug.transforms.step import Step

__all__ = ["Compose", "OneOf", "RandomApply"]


class Container(Transform):
    """Base of transforms that only decide which draws their transforms apply to."""

    def __init__(self, transforms: Sequence[Transform], *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        for position, transform in enumerate(transforms):
            if not isinstance(transform, Transform):
                raise TypeError(
                    "transforms must be gpuaug transforms, got "
                    + named(transform, f" at position {position}")
                )
        if len(transforms) == 0:
            raise ValueError("transforms must hold at least one transform, got none")
        self.transforms = Members(transforms)
        self.graded = any(transform.graded for transform in transforms)

    def assign_passes(self, cursor: PassCursor, places: Iterator[int]) -> tuple[Step, PassCursor]:
        place, start, children = next(places), cursor.pass_index, []
        for transform in self.transforms:
            step, cursor = transform.assign_passes(cursor, places)
            children.append(step)
        return Step(self, place, start, tuple(children)), cursor

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        for child in step.children:
            child.transform.write_pass(batch, child, chosen, augmented)

    def __repr__(self) -> str:
        return self.step.describe()


class Compose(Container):
    """Apply transforms one after another, in as few passes as their order allows.

    >>> import gpuaug
    >>> chain = [gpuaug.RandomResizedCrop(32), gpuaug.RandomHorizontalFlip(), gpuaug.Normalize(0.5, 0.5)]
    >>> augment = Compose(chain)
    >>> augment(torch.zeros(2, 3, 48, 48, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])
    >>> print(augment)
    Compose(apply_to='all')
      RandomResizedCrop(size=(32, 32), scale=(0.08, 1.0), ratio=(0.75, 1.33))  pass 1, geometry
      RandomHorizontalFlip(p=0.5)                                              pass 1, geometry
      Normalize(mean=0.5, std=0.5, dtype=float32)                              pass 1, output
    1 pass: 1 kernel launch a batch

    A pass runs the stages geometry, blur, color, curves, noise, impulse, erase, output and batched, in this
    order. A transform of an earlier stage opens the next pass. Batched transforms run after the kernel of
    their pass, any number of them in turn. The crops, resizes and flips of a pass, and one rotation, affine
    or perspective transform, are one resampling. ``eval()`` only resizes and normalises.

    Some pairs also need two passes: ``Pad``, or a crop with padding, beside a crop, resize or rotation; two
    rotations or perspectives; nearest beside bilinear; sharpness beside blur; two noises; more than three
    curves. A policy takes at most one pass for each op.

    Args:
        transforms: at least one; ``Window`` only as the first, ``Normalize`` only as the last.
        apply_to: the draws to augment. "all" is recommended: where only the minority class is augmented, a
            network may learn the marks of augmentation as a label. "copies" augments only the copies that
            over-sampling made, as the articles do; originals are only resized and normalised.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator
            when the chain is built.
        memory_format: memory format of the result. By default that of the images, so channels_last images,
            such as a loader's, stay channels_last. ``view`` cannot flatten a channels_last result: give
            ``torch.contiguous_format`` here, or use ``reshape`` or ``flatten``, which copy.
        noise_per: "clip", or "frame" for new noise in each frame of a clip, as in a camera. This concerns
            ``GaussNoise``, ``MultiplicativeNoise``, ``SaltAndPepper`` and ``ISONoise``. The first frame's
            noise is that of "clip".

    Inside another chain, ``seed``, ``memory_format`` and ``noise_per`` have no effect: the outermost chain's
    count.

    Raises:
        TypeError: if a transform is not one of gpuaug.
        ValueError: if ``transforms`` is empty or in an impossible order, or a setting is none of its values.

    >>> images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8).to(memory_format=torch.channels_last)
    >>> augment = Compose([gpuaug.RandomHorizontalFlip()], memory_format=torch.contiguous_format)
    >>> augment(images).view(2, -1).shape
    torch.Size([2, 192])
    >>> augment = Compose([gpuaug.RandomHorizontalFlip(), gpuaug.GaussNoise()], noise_per="frame")
    >>> augment(torch.zeros(2, 16, 3, 8, 8, dtype=torch.uint8)).shape
    torch.Size([2, 16, 3, 8, 8])
    """

    def __init__(
        self,
        transforms: Sequence[Transform],
        apply_to: str = "all",
        *,
        seed: int | None = None,
        memory_format: torch.memory_format = torch.preserve_format,
        noise_per: str = "clip",
    ) -> None:
        super().__init__(transforms, seed=seed)
        if apply_to not in ("all", "copies"):
            raise ValueError(f"apply_to must be 'all' or 'copies', got {apply_to!r}")
        if noise_per not in ("clip", "frame"):
            raise ValueError(f"noise_per must be 'clip' or 'frame', got {noise_per!r}")
        self.apply_to = apply_to
        self.memory_format = memory_format
        self.noise_per = noise_per

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        if self.apply_to == "copies":
            augmented = both(augmented, batch.copy > 0)
        super().write_pass(batch, step, chosen, augmented)

    def extra_repr(self) -> str:
        per = "" if self.noise_per == "clip" else f", noise_per={self.noise_per!r}"
        return f"apply_to={self.apply_to!r}{per}"


class OneOf(Container):
    """Apply one of several transforms to each draw.

    >>> import gpuaug
    >>> article = OneOf(
    ...     [
    ...         gpuaug.Compose([gpuaug.RandomCrop(20), gpuaug.Resize((32, 32))]),
    ...         gpuaug.RandomHorizontalFlip(p=1.0),
    ...         gpuaug.SaltAndPepper(amount=0.25),
    ...     ],
    ...     by="copy",
    ... )
    >>> article(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    All draws of a batch leave at one size: where one option changes the size, the draws of the others are
    resized to it first.

    Args:
        transforms: the options, at least one. None may hold ``Normalize`` or ``Window``. Options that change
            the size must all lead to the same size, in the same passes.
        by: "random"; or "copy": copies 1, 2, 3, ... of a sample take the options in turn, originals take
            none.
        weights: relative weight of each option, at least 0, with a sum above 0. Default: all equal. Only for
            ``by="random"``.
        p: probability that a draw gets any option, in [0, 1]. Only for ``by="random"``.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError: if a transform is not one of gpuaug, or ``weights`` or ``p`` are not numbers.
        ValueError: if options lead to different sizes; if ``weights`` or ``p`` are out of range, or given
            with ``by="copy"``.

    >>> flips = [gpuaug.RandomHorizontalFlip(p=1.0), gpuaug.RandomVerticalFlip(p=1.0)]
    >>> print(OneOf(flips, weights=[3, 1], p=0.5).label())
    OneOf(by='random', weights=(3.0, 1.0), p=0.5)
    """

    def __init__(
        self,
        transforms: Sequence[Transform],
        by: str = "random",
        weights: Sequence[float] | None = None,
        p: float = 1.0,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(transforms, seed=seed)
        if by not in ("random", "copy"):
            raise ValueError(f"by must be 'random' or 'copy', got {by!r}")
        self.by = by
        self.weights = None if weights is None else shares("weights", weights, len(self.transforms))
        self.p = probability("p", p)
        if by == "copy" and (weights is not None or self.p != 1):
            raise ValueError("weights and p are for by='random': with by='copy' the copy decides")
        self.random_count = 1 if by == "random" else 0
        refuse_output(self)

    def assign_passes(self, cursor: PassCursor, places: Iterator[int]) -> tuple[Step, PassCursor]:
        place = next(places)
        steps, ends = zip(
            *(t.assign_passes(cursor, places) for t in self.transforms), strict=True
        )  # options exclude each other
        check_one_size(steps)
        return Step(self, place, cursor.pass_index, tuple(steps)), PassCursor.furthest(list(ends))

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        served = both(chosen, augmented)
        options, reached = len(step.children), batch.reached
        taken: list[Selection] = [False] * options
        if served is not False:
            option = self._option(batch, step)
            taken = [both(served, option == number) for number in range(options)]
        for number, child, rivals in step.options:
            for rival in rivals:  # an option crops the image itself, not another option's resized one
                batch.reached = both(batch.reached, others(taken[rival]))
            child.transform.write_pass(batch, child, taken[number], augmented)
            batch.reached = reached

    def _option(self, batch: DrawBatch, step: Step) -> Tensor:
        """The position of each draw's option, -1 for none."""
        options = len(step.children)
        if self.by == "copy":
            return torch.where(batch.copy > 0, (batch.copy - 1) % options, -1)
        number = batch.uniform(step.place)[:, 0]
        if self.weights is None:
            option = (number * (options / self.p if self.p else 0.0)).long()
        else:
            ends = torch.tensor(self.weights, dtype=torch.float64, device="cpu").cumsum(0)
            option = torch.searchsorted(ends, number * (ends[-1] / self.p if self.p else 0.0), right=True)
        return option if self.p == 1 else torch.where(number < self.p, option, -1)

    def extra_repr(self) -> str:
        weights = "" if self.weights is None else f", weights={self.weights}"
        return f"by={self.by!r}{weights}{'' if self.p == 1 else f', p={self.p}'}"


class RandomApply(Container):
    """Apply all of the transforms to a draw, or none, with probability ``p``.

    >>> import gpuaug
    >>> blur = RandomApply([gpuaug.GaussianBlur()], p=0.3)
    >>> blur(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Args:
        transforms: a chain of at least one. It may not hold ``Normalize`` or ``Window``. Where it changes the
            size, the other draws are resized to the same size.
        p: probability that the chain is applied, in [0, 1].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError: if a transform is not one of gpuaug, or ``p`` is not a number.
        ValueError: if ``transforms`` is empty or holds ``Normalize`` or ``Window``; if ``p`` is out of range.
    """

    def __init__(self, transforms: Sequence[Transform], p: float = 0.5, *, seed: int | None = None) -> None:
        super().__init__(transforms, seed=seed)
        self.p = probability("p", p)
        self.random_count = 1
        refuse_output(self)

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        served = both(chosen, augmented)
        if served is not False:
            served = both(served, batch.choose(step.place, self.p))
        super().write_pass(batch, step, served, augmented)

    def extra_repr(self) -> str:
        return f"p={self.p}"


def check_one_size(options: Sequence[Step]) -> None:
    """Raise unless all options that change the size leave each pass at the same size, as far as it is
    known.
    """
    sizes = [_sizes(option) for option in options if option.sized]
    for number in sorted(set().union(*sizes)):
        found = dict.fromkeys(size.get(number, "the image's own") for size in sizes)
        found.pop("", None)
        if len(found) > 1:
            raise ValueError(
                "OneOf: options that change the size must leave every pass at the same size, "
                f"got {' and '.join(found)} after pass {number + 1}: end each option's geometry with the "
                "same Resize((height, width)), ahead of its blur, color and noise"
            )


def _sizes(option: Step) -> dict[int, str]:
    """The size after each pass in which an option changes it; "" where it depends on the image."""
    sizes, extent = {}, None
    for step in option.leaves:
        if step.sized:
            extent = step.transform.size_after(extent)
            sizes[step.pass_index] = f"{extent[1]} x {extent[0]}" if extent else ""
    return sizes


def refuse_output(container: Container) -> None:
    """Raise if a container holds ``Normalize`` or ``Window``, which only a chain may hold."""
    for step in container.assign_passes(PassCursor(), count())[0].leaves:
        if step.transform.stage == Stage.OUTPUT:
            raise ValueError(
                f"{type(container).__name__} must not hold Normalize: all draws of a batch share their output"
            )
        if step.transform.stage == Stage.READ:
            raise ValueError(
                f"{type(container).__name__} must not hold Window: all draws are read through one, so that "
                "it comes first in the chain"
            )
