"""What every transform is: parameters from the draws' keys on the host, a recipe from the parameters, pixels
from the recipe.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import torch
from torch import Tensor

from gpuaug import functional
from gpuaug.images.packed import Images
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.recipes import Group, Recipes
from gpuaug.recipe.selection import Selection, both, others
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.passes import Geometry, PassCursor
from gpuaug.transforms.runnable import Runnable
from gpuaug.transforms.step import Step


class Transform(Runnable):
    """Base of all transforms. A subclass names its ``stage``, draws its parameters in ``draw_parameters`` and
    writes them in ``write``.

    A transform alone, or a ``Compose`` of several, is called on a batch:

    >>> import gpuaug
    >>> images = torch.randint(256, (4, 3, 32, 32), dtype=torch.uint8)
    >>> flip = gpuaug.RandomHorizontalFlip(p=0.5, seed=1)
    >>> flip(images).shape
    torch.Size([4, 3, 32, 32])

    With ``draws`` (what the sampler gives) an image is a pure function of its sample, its key and the
    transform. Without, the transform counts the images that it has seen and makes their keys from its
    ``seed``; each counts as copy 1. Two transforms, a ``DataLoader``'s workers, its epochs and ranks then get
    different keys; ``gpuaug.transforms.own_draws`` says what repeats.

    Args:
        seed: of those keys, in [0, 2**64); the same one repeats them. None: drawn from PyTorch's default
            generator when the transform is built, so that ``torch.manual_seed`` repeats a run.

    Attributes:
        seed: the given or drawn one.
        seen: how many images came without draws.

    Settings are fixed once a transform is built: setting one raises ``AttributeError``.
    """

    stage: Stage
    backend = "kernel"
    reference = ""  # the paper, standard or library that it follows
    geometry = Geometry.NONE
    interpolation: str | None = None  # how it reads between pixels, where it does
    moves = False  # pixels, in a way that the record does not say
    averages = (
        False  # makes no new value, as pixels are averaged or moved; of geometry it goes without saying
    )
    deterministic = False  # applies to originals and in evaluation too: Resize, CenterCrop and Normalize
    graded = True  # has parameters that a PerClass's strength scales
    measured = False  # goes by the image itself: on CUDA a launch more counts its levels
    inner_passes = 0  # launches that a transform adds by itself, at most
    random_count = 0  # random numbers that each draw needs, at most

    # ---- What a subclass gives

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        """Draw all that is random from the draws' keys: tensors ``(n, ...)``, and what is the same for all.

        ``place`` is the transform's in its chain, and says which random numbers are its own.
        """
        return {}

    def write(self, builder: RecipeBuilder, selection: Selection, *none: Any, **parameters: Any) -> None:
        """Write into the builder, for the draws that ``selection`` names."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it does to a draw")

    def write_plain(self, builder: RecipeBuilder, selection: Selection) -> None:
        """What a draw gets that is not augmented: a transform that changes the size resizes, others do
        nothing.
        """

    def size_after(self, extent: tuple[int, int] | None) -> tuple[int, int] | None:
        """(width, height) after it, for one that changes the size, of an image of ``extent``; None where that
        is not known.
        """
        return None

    def label(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"

    # ---- What batched transforms and Normalize do otherwise

    def transform_group(self, images: Tensor, group: Group) -> Tensor:
        """Do to a group's draws, after the kernel, what a batched transform does; ``images`` are the pass's
        own.
        """
        raise NotImplementedError(f"{type(self).__name__} runs in the kernel")

    def move_group(self, masks: Tensor, group: Group) -> Tensor:
        """Move the masks of a group, where a batched transform moves its images."""
        raise NotImplementedError(f"{type(self).__name__} moves nothing that the record does not say")

    def finish(
        self,
        images: Images,
        recipes: Recipes,
        memory_format: torch.memory_format,
        before: Sequence[Recipes] = (),
    ) -> Tensor:
        """Run the last pass, after those ``before``; ``Normalize`` has its own way."""
        return functional.augment(images, recipes, memory_format=memory_format, before=before)

    # ---- Its position in a chain

    def _after_init(self) -> None:
        # Not in forward, where a graph of torch.compile would depend on what was there already.
        self.step = self.assign_passes(PassCursor(), count())[0]
        super()._after_init()

    def assign_passes(self, cursor: PassCursor, places: Iterator[int]) -> tuple[Step, PassCursor]:
        """Take the next place, in the first pass from the cursor on that has room. Gives the step, and the
        cursor behind it.
        """
        self.check_not_last(cursor)
        cursor = cursor.after(self.stage, self.geometry, self.interpolation)
        return Step(self, next(places), cursor.pass_index), cursor

    def check_not_last(self, cursor: PassCursor) -> None:
        """Raise where the chain has ended, with ``Normalize``."""
        if cursor.stage == Stage.OUTPUT:
            raise ValueError(f"Normalize must be the last transform, got {self.label()} after it")

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        if step.pass_index != batch.pass_index:
            return
        selection = chosen if self.deterministic else both(chosen, augmented)
        if selection is not False:
            self.write(batch.builder, selection, **self.draw_parameters(batch, step.place))
        if selection is not True:
            self.write_plain(batch.builder, both(others(selection), batch.reached))
