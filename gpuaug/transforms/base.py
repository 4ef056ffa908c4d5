"""The base of all transforms: keys of draws to parameters, parameters to a recipe, recipe to pixels."""

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
    """Base of all transforms, which are called on a batch of images.

    A transform alone, or a ``Compose`` of several, is called on a batch:

    >>> import gpuaug
    >>> images = torch.randint(256, (4, 3, 32, 32), dtype=torch.uint8)
    >>> flip = gpuaug.RandomHorizontalFlip(p=0.5, seed=1)
    >>> flip(images).shape
    torch.Size([4, 3, 32, 32])

    With ``draws`` (from a sampler) an image is a pure function of its sample, its key and the transform.
    Without draws, the transform counts the images that it has seen and makes their keys from its ``seed``;
    each image counts as copy 1. Two transforms, and a ``DataLoader``'s workers, epochs and ranks, then get
    different keys; ``gpuaug.transforms.own_draws`` has the details. In a chain only the outermost transform's
    seed counts.

    A subclass names its ``stage``, draws its parameters in ``draw_parameters`` and writes them in ``write``.
    Settings are fixed once a transform is built: setting one raises ``AttributeError``.

    Args:
        seed: seed of the keys in calls without draws, in [0, 2**64); the same seed repeats them. Default:
            drawn from PyTorch's generator when the transform is built, so that ``torch.manual_seed`` repeats
            a run.

    Attributes:
        seed: the given or drawn seed.
        seen: number of images that came without draws.

    Raises:
        TypeError, ValueError: if ``seed`` is no whole number, or out of range.
    """

    stage: Stage
    backend = "kernel"
    reference = ""  # the paper, standard or library that it follows
    geometry = Geometry.NONE
    interpolation: str | None = None  # of pixels between others, if it reads any
    moves = False  # moves pixels in a way that the record does not express
    averages = False  # only averages or moves pixels, so no value leaves the range; geometry implies it
    deterministic = False  # applies to originals and in evaluation too: Resize, CenterCrop and Normalize
    graded = True  # has parameters that a PerClass's strength scales
    measured = False  # depends on the image: on CUDA one more launch counts its levels
    inner_passes = 0  # launches that a transform adds by itself, at most
    random_count = 0  # random numbers that each draw needs, at most

    # ---- Defined by subclasses

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        """Draw all random parameters from the draws' keys: tensors ``(n, ...)``, or one value for all draws.

        ``place`` is the transform's position in its chain, and selects its random numbers.
        """
        return {}

    def write(self, builder: RecipeBuilder, selection: Selection, *none: Any, **parameters: Any) -> None:
        """Write into the builder, for the draws of ``selection``."""
        raise NotImplementedError(f"{type(self).__name__} must define write")

    def write_plain(self, builder: RecipeBuilder, selection: Selection) -> None:
        """Write for draws that are not augmented: transforms that change the size resize, others do
        nothing.
        """

    def size_after(self, extent: tuple[int, int] | None) -> tuple[int, int] | None:
        """(width, height) of an image of ``extent`` after the transform, if it changes the size.

        None if the size is not known.
        """
        return None

    def label(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"

    # ---- Overridden by batched transforms and Normalize

    def transform_group(self, images: Tensor, group: Group) -> Tensor:
        """Run a batched transform on a group's draws, after the kernel; ``images`` are the pass's own."""
        raise NotImplementedError(f"{type(self).__name__} runs in the kernel")

    def move_group(self, masks: Tensor, group: Group) -> Tensor:
        """Move the masks of a group as a batched transform moves its images."""
        raise NotImplementedError(f"{type(self).__name__} moves masks by its record")

    def finish(
        self,
        images: Images,
        recipes: Recipes,
        memory_format: torch.memory_format,
        before: Sequence[Recipes] = (),
    ) -> Tensor:
        """Run the last pass, after those ``before``; ``Normalize`` overrides this."""
        return functional.augment(images, recipes, memory_format=memory_format, before=before)

    # ---- Its position in a chain

    def _after_init(self) -> None:
        # Not in forward, where a graph of torch.compile would depend on whether the step exists.
        self.step = self.assign_passes(PassCursor(), count())[0]
        super()._after_init()

    def assign_passes(self, cursor: PassCursor, places: Iterator[int]) -> tuple[Step, PassCursor]:
        """Take the next place, in the first pass from the cursor on that has room.

        Returns the step, and the cursor behind it.
        """
        self.check_not_last(cursor)
        cursor = cursor.after(self.stage, self.geometry, self.interpolation)
        return Step(self, next(places), cursor.pass_index), cursor

    def check_not_last(self, cursor: PassCursor) -> None:
        """Raise if the chain has already ended with ``Normalize``."""
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


def named(value: object, place: str = "") -> str:
    """The type and place of what was given instead of a transform, and how to translate it; for messages."""
    name, library = type(value).__name__, type(value).__module__.partition(".")[0]
    if library not in ("torchvision", "albumentations"):
        return name + place
    return f"{name}{place}; gpuaug.from_{library}(chain) translates a chain of {library}"
