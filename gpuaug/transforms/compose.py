"""Transforms of transforms: chains, choices and chances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import torch
from torch import Tensor

from gpuaug.recipe.layout import Stage
from gpuaug.recipe.selection import Selection, both, others
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.members import Members
from gpuaug.transforms.passes import PassCursor
from gpuaug.transforms.ranges import probability, shares
from gpuaug.transforms.step import Step

__all__ = ["Compose", "OneOf", "RandomApply"]


class Container(Transform):
    """A transform that says which draws its transforms apply to, and does nothing else."""

    def __init__(self, transforms: Sequence[Transform], *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        for position, transform in enumerate(transforms):
            if not isinstance(transform, Transform):
                raise TypeError(
                    f"transforms must be gpuaug transforms, got {type(transform).__name__} "
                    f"at position {position}"
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
    """Transforms one after another, in as few passes as their order allows.

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

    The stage order of a pass is geometry, blur, color, curves, noise, impulse, erase, output, batched; a
    transform that steps back in it opens the next pass. Batched transforms follow the kernel of their pass,
    any number of them in turn. The crops, resizes, flips and one rotation, affine or perspective transform of
    a pass are one resampling. The next pass is opened too by ``Pad`` or a crop with padding beside a crop,
    resize or rotation, a second rotation or perspective, nearest beside bilinear, sharpness beside blur, a
    second noise, and a fourth curve. A policy takes a pass for each op at the most. ``eval()`` resizes and
    normalises only.

    Args:
        transforms: at least one; ``Window`` only as the first, ``Normalize`` only as the last.
        apply_to: the draws to augment: "all" (recommended: a network may learn the marks of augmentation as
            a label where only the minority has them), or only the "copies" that over-sampling made (the
            articles' scheme). The others are only resized and normalised.
        seed: of the keys, when used without draws; in [0, 2**64). None: drawn from PyTorch's default
            generator, now.
        memory_format: of the result; by default that of the images, so that channels_last images, such as a
            loader's, stay so. ``view`` cannot flatten a channels_last result: give
            ``torch.contiguous_format`` here, or use ``reshape`` or ``flatten``, which copy.
        noise_per: "clip", or "frame" to make the noise of each frame of a clip anew, as a camera does:
            ``GaussNoise``, ``MultiplicativeNoise``, ``SaltAndPepper`` and ``ISONoise``. The first frame's
            noise is the clip's. This, ``memory_format`` and ``seed`` are those of the outermost chain alone.

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
    """One of several transforms for each draw.

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

    All draws of a batch leave at one size: where one option changes the size, the draws of another
    are resized to it first.

    Args:
        transforms: the options, at least one; none may hold ``Normalize``. Those that change the size must
            all come to the same one, in the same passes.
        by: "random"; or "copy": copies 1, 2, 3, ... of a sample take the options in turn, and an original
            none.
        weights: how likely each option is beside the others, at least 0, with a sum above 0; by default all
            are equally likely. For ``by="random"`` alone.
        p: probability that a draw gets an option at all, in [0, 1]. For ``by="random"`` alone.

    Raises:
        ValueError: options that come to different sizes; weights or p out of range, or with ``by="copy"``.

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
        )  # options exclude one another
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
            for rival in rivals:  # a draw's crop is of the image itself, not of what another option resized
                batch.reached = both(batch.reached, others(taken[rival]))
            child.transform.write_pass(batch, child, taken[number], augmented)
            batch.reached = reached

    def _option(self, batch: DrawBatch, step: Step) -> Tensor:
        """The number of each draw's option, -1 for none."""
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
    """All of the transforms, or none, for each draw.

    >>> import gpuaug
    >>> blur = RandomApply([gpuaug.GaussianBlur()], p=0.3)
    >>> blur(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Args:
        transforms: a chain, at least one; none may be ``Normalize``. Where it changes the size, the other
            draws are resized to that.
        p: probability, in [0, 1].
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
    """Raise unless those that change the size leave each pass at the same one, as far as that is known."""
    sizes = [_sizes(option) for option in options if option.sized]
    for number in sorted(set().union(*sizes)):
        found = dict.fromkeys(size.get(number, "the image's own") for size in sizes)
        found.pop("", None)
        if len(found) > 1:
            raise ValueError(
                "OneOf: options that change the size must leave every pass at the same, "
                f"got {' and '.join(found)} after pass {number + 1}: end each option's geometry with the "
                "same Resize((height, width)), ahead of its blur, color and noise"
            )


def _sizes(option: Step) -> dict[int, str]:
    """By pass, the size that an option leaves at where it changes it; "" where the image decides."""
    sizes, extent = {}, None
    for step in option.leaves:
        if step.sized:
            extent = step.transform.size_after(extent)
            sizes[step.pass_index] = f"{extent[1]} x {extent[0]}" if extent else ""
    return sizes


def refuse_output(container: Container) -> None:
    """Raise where a container holds ``Normalize`` or ``Window``, which a chain alone may."""
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
