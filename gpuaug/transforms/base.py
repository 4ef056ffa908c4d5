"""What every transform is: parameters from the draws' keys on the host, a recipe from the parameters, pixels
from the recipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, overload

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_module_registration_hook

from gpuaug import functional, random
from gpuaug.images.batch import check_images
from gpuaug.images.packed import Images, Packed, Source, source_of
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.recipes import Group, Recipes
from gpuaug.recipe.selection import Selection, both, others
from gpuaug.transforms import advice
from gpuaug.transforms.annotations.geometry import MOVES, Annotation, Augmented, check_annotations
from gpuaug.transforms.annotations.tv_tensors import call as called
from gpuaug.transforms.annotations.tv_tensors import is_foreign
from gpuaug.transforms.own_draws import OwnDraws, given_or_drawn
from gpuaug.transforms.passes import Geometry, PassCursor, Stage, Step
from gpuaug.transforms.settled import Settled


class DrawBatch:
    """The draws of one batch, and the pass and builder that transforms write into."""

    pass_index: int
    builder: RecipeBuilder
    groups: list[Group]  # what batched transforms do after the kernel
    reached: Selection = True  # whom a change of the size reaches; not those whose option has one of its own
    strength: Tensor | None = None  # of each draw, float64 (n,) in (0, 1], while a PerClass writes; None: 1

    def __init__(self, draws: Tensor, plan: Step, labels: Tensor | None = None) -> None:
        self._draws, self._plan, self.labels = draws, plan, labels
        self.keys = draws[:, 2]
        self._uniform: tuple[Tensor, ...] | None = None

    @property
    def copy(self) -> Tensor:
        return self._draws[:, 1]

    def uniform(self, step: Step) -> Tensor:
        """A draw's random numbers at this place, float64 ``(n, step.transform.random_count)`` in [0, 1)."""
        places, counts = self._plan.random_counts
        if self._uniform is None:  # those of the whole plan, once a transform asks for some
            self._uniform = random.uniform(self.keys, places, counts)
        return self._uniform[places.index(step.place)]

    def choose(self, step: Step, p: float) -> Selection:
        """Whom a chance of ``p`` falls on."""
        return p > 0 if p in (0, 1) else self.uniform(step)[:, 0] < p

    def grade(self, value: Tensor, neutral: float | tuple[float, ...] | Tensor = 0.0) -> Tensor:
        """A parameter ``(n, ...)``, brought nearer to the ``neutral`` one, which changes nothing, the weaker
        a draw is. At strength 1 it stays as it is, to the bit.
        """
        if self.strength is None:
            return value
        if isinstance(neutral, tuple):
            neutral = value.new_tensor(neutral)
        return value - (value - neutral) * (1 - self.strength).view(-1, *(1,) * (value.dim() - 1))

    def grade_whole(self, value: Tensor, neutral: int, step: int = 1) -> Tensor:
        """The same for int64, in steps from the neutral one; halves go to the even number."""
        if self.strength is None:
            return value
        return neutral + step * self.grade((value - neutral) / step).round().long()


class Transform(Settled, nn.Module):
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
    moves = False  # pixels, in a way that the record does not say
    deterministic = False  # Resize, CenterCrop and Normalize also serve originals and evaluation
    graded = True  # has parameters that a PerClass's strength scales
    random_count = 0  # random ones for each draw, at most
    memory_format = torch.preserve_format
    step: Step  # the plan with this transform as the outermost

    def __init__(self, *, seed: int | None = None) -> None:
        super().__init__()
        self.seed = given_or_drawn(seed)
        self._kept: dict[Any, Any] = {}  # tables for the next batches, remade where a copy needs them

    def _settle(self) -> None:
        # Not in forward, where a graph of torch.compile would depend on what was there already.
        self.step = self.assign_passes(PassCursor(), count())[0]
        if "_own" not in self.__dict__:
            self._own = OwnDraws(self.seed, self._kinds)
        super()._settle()

    @property
    def _kinds(self) -> str:
        return " ".join(f"{depth} {type(step.transform).__name__}" for depth, step in self.step.walk())

    @property
    def seen(self) -> int:
        return self._own.seen

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "step"} | {"_kept": {}}
        if "memory_format" in state:  # torch.save cannot pickle one
            state["memory_format"] = str(self.memory_format).removeprefix("torch.")
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "memory_format" in state:
            state = {**state, "memory_format": getattr(torch, state["memory_format"])}
        super().__setstate__(state)
        self._settle()

    # ---- What a subclass gives

    def draw_parameters(self, batch: DrawBatch, step: Step) -> dict[str, Any]:
        """All randomness, from the draws' keys: tensors ``(n, ...)``, and what is the same for all."""
        return {}

    def write(self, builder: RecipeBuilder, selection: Selection, *none: Any, **parameters: Any) -> None:
        """Write into the builder, for the draws that ``selection`` names."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it does to a draw")

    def write_plain(self, builder: RecipeBuilder, selection: Selection) -> None:
        """What a draw gets that is not augmented: a transform that changes the size resizes, others do
        nothing.
        """

    def leaves_at(self, extent: tuple[int, int] | None) -> tuple[int, int] | None:
        """(width, height) after it, for one that changes the size, of an image of ``extent``; None where that
        is not known.
        """
        return None

    def label(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"

    # ---- Planning

    def assign_passes(self, cursor: PassCursor, places: Iterator[int]) -> tuple[Step, PassCursor]:
        """Take a place in the passes after what the cursor has seen; the step, and the cursor that
        follows.
        """
        if cursor.stage == Stage.OUTPUT:
            raise ValueError(f"Normalize must be the last transform, got {self.label()} after it")
        cursor = cursor.after(self.stage, self.geometry)
        return Step(self, next(places), cursor.pass_index), cursor

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        """Write this transform into the batch's pass; for draws that it does not serve, only its size."""
        if step.pass_index != batch.pass_index:
            return
        selection = chosen if self.deterministic else both(chosen, augmented)
        if selection is not False:
            self.write(batch.builder, selection, **self.draw_parameters(batch, step))
        if selection is not True:
            self.write_plain(batch.builder, both(others(selection), batch.reached))

    # ---- Running

    if TYPE_CHECKING:  # nn.Module's call may give anything

        @overload
        def __call__(
            self,
            images: Images,
            draws: Tensor | None = None,
            *,
            index: Tensor | None = None,
            labels: Tensor | None = None,
        ) -> Tensor: ...

        @overload
        def __call__(
            self,
            images: Images,
            draws: Tensor | None = None,
            *,
            index: Tensor | None = None,
            labels: Tensor | None = None,
            masks: Annotation,
            boxes: Annotation | None = None,
            keypoints: Annotation | None = None,
        ) -> Augmented: ...

        @overload
        def __call__(
            self,
            images: Images,
            draws: Tensor | None = None,
            *,
            index: Tensor | None = None,
            labels: Tensor | None = None,
            masks: Annotation | None = None,
            boxes: Annotation,
            keypoints: Annotation | None = None,
        ) -> Augmented: ...

        @overload
        def __call__(
            self,
            images: Images,
            draws: Tensor | None = None,
            *,
            index: Tensor | None = None,
            labels: Tensor | None = None,
            masks: Annotation | None = None,
            boxes: Annotation | None = None,
            keypoints: Annotation,
        ) -> Augmented: ...

        @overload
        def __call__(
            self,
            images: Images,
            draws: Tensor | None = None,
            *,
            index: Tensor | None = None,
            labels: Tensor | None = None,
            masks: Annotation | None = None,
            boxes: Annotation | None = None,
            keypoints: Annotation | None = None,
        ) -> Tensor | Augmented: ...

        def __call__(self, *given: Any, **named: Any) -> Tensor | Augmented: ...

    def forward(
        self,
        images: Images,
        draws: Tensor | None = None,
        *,
        index: Tensor | None = None,
        labels: Tensor | None = None,
        masks: Annotation | None = None,
        boxes: Annotation | None = None,
        keypoints: Annotation | None = None,
    ) -> Tensor | Augmented:
        """Transform a batch.

        Args:
            images: ``(N, C, H, W)``, uint8 (one kernel launch a pass) or floating in [0, 1] (differentiable).
                Or N uint8 images of different sizes, from ``gpuaug.pack``.
            draws: int64 ``(n, 3)`` on the host: index, copy, key. ``n`` is N, or the length of ``index``.
            index: int64 ``(n,)`` on the host: draw k reads ``images[index[k]]``, gathered in the kernel.
            labels: integers or booleans ``(n,)`` on the host, the class of each draw; for ``PerClass``
                alone.
            masks, boxes, keypoints: of the N images, ``(N, [C,] H, W)``, ``(N, k, 4)`` and ``(N, k, 2)``, to
                follow the geometry; ``gpuaug.transforms.annotations.geometry`` says how. Or torchvision's
                ``tv_tensors``: a ``Mask``, or lists of ``Mask``, ``BoundingBoxes`` or ``KeyPoints``, one for
                each image.

        Returns:
            ``(n, C, height, width)``: uint8 (floats stay floats), or as ``Normalize`` says, in the images'
            memory format: where they are channels_last, ``view`` needs ``Compose``'s ``memory_format=``. With
            masks, boxes or keypoints an ``Augmented`` of all. What came as a ``tv_tensor`` is one again.

        Raises:
            ValueError: draws or index of another shape, an index out of range, a crop larger than an image
                (naming the draw), images of different sizes that do not leave the geometry at one.
            TypeError: images, draws, index or labels of another type.
        """
        if not isinstance(images, Packed):
            check_images(images)
        if draws is None:
            draws = self._own.take(len(images if index is None else index))
        passes = self.recipes(draws, source_of(images), index, labels)
        named = {"masks": masks, "boxes": boxes, "keypoints": keypoints}
        given = {name: value for name, value in named.items() if value is not None}
        if is_foreign(images, *given.values()):
            return called(self, images, passes, index, given)
        return self.followed(images, passes, index, given)

    def followed(
        self,
        images: Images,
        passes: tuple[Recipes, ...],
        index: Tensor | None,
        given: Mapping[str, Annotation],
    ) -> Tensor | Augmented:
        """The images after the recipes, with the masks, boxes and keypoints that are ``given`` by name."""
        tensors: dict[str, Tensor] = {}
        if given:
            size = None if isinstance(images, Packed) else (images.shape[2], images.shape[3])
            tensors = check_annotations(given, len(images), size)
            self.check_moves(passes, given)
        out = self.apply_recipes(images, tuple(travel(p, images.device) for p in passes))
        if not given:
            return out
        moved = {}
        for name, value in tensors.items():
            own = value if index is None else value[carried(index, value.device)]
            moved[name] = self.moved(name, own, tuple(travel(p, value.device) for p in passes))
        return Augmented(out, **moved)

    def moved(self, name: str, given: Tensor, passes: tuple[Recipes, ...]) -> Tensor:
        """Masks, boxes or keypoints, as ``name`` says, after the geometry of all passes, on their device."""
        for recipes in passes:
            given = MOVES[name](given, (recipes,))
            for group in recipes.groups:
                transform = self.step.by_place[group.place]
                if transform.moves:
                    given = transform.follow(given, group)
        return given

    def check_moves(self, passes: tuple[Recipes, ...], names: Iterable[str]) -> None:
        """Raise where ``names`` other than masks would have to follow what only masks can."""
        points = [name for name in names if name != "masks"]
        for group in (group for recipes in passes for group in recipes.groups):
            transform = self.step.by_place[group.place]
            if transform.moves and points:
                raise ValueError(f"{', '.join(points)} cannot follow {transform.label()}: only masks can")

    def recipes(
        self, draws: Tensor, source: Source, index: Tensor | None = None, labels: Tensor | None = None
    ) -> tuple[Recipes, ...]:
        """The recipes of the draws, on the host: one for each pass. No pixel is needed, so a loader makes
        them ahead of time.

        ``source`` is the shape ``(N, C, H, W)`` of the source images, or they themselves where they are
        packed; the other arguments are those of a call.
        """
        one: Source  # the same images, or one like them
        if isinstance(source, Packed):
            count, channels, one = len(source), source.channels, source
        else:
            count, channels, *_ = source
            one = (1, *source[1:])
        check_draws(draws, count, index)
        if draws.shape[0] == 0:  # size and stages are those of any draw
            first = torch.zeros(1, dtype=torch.int64, device="cpu")
            passes = self.recipes(first.new_zeros(1, 3), one, first, first)
            return tuple(p._replace(records=p.records[:0], groups=()) for p in passes)
        plan = self.step
        batch = DrawBatch(draws, plan, labels)
        made: list[Recipes] = []
        for pass_index in range(plan.passes):
            if isinstance(source, Packed):
                builder = RecipeBuilder.of_packed(source, index)
            else:
                builder = RecipeBuilder.of_batch(source, index)
            builder.samples = draws[:, 0]
            batch.pass_index, batch.builder, batch.groups = pass_index, builder, []
            self.write_pass(batch, plan, True, self.training)
            size = _one_size(builder)
            recipes = builder.recipes(size)
            made.append(recipes._replace(groups=tuple(batch.groups)) if batch.groups else recipes)
            # What this pass gives, the next one takes.
            source, index = (draws.shape[0], channels, *size), None
        return tuple(made)

    def apply_recipes(self, images: Images, passes: tuple[Recipes, ...]) -> Tensor:
        """Execute recipes that are on the images' device: launches on the current stream, and waits for
        nothing.
        """
        advice.on_images(images, self)
        for recipes in passes[:-1]:
            images = functional.augment(images, recipes, memory_format=self.memory_format)
            images = self._serve_groups(images, recipes)
        images = self.step.leaves[-1].transform.finish(images, passes[-1], self.memory_format)
        return self._serve_groups(images, passes[-1])

    def _serve_groups(self, images: Tensor, recipes: Recipes) -> Tensor:
        for group in recipes.groups:
            images = self.step.by_place[group.place].serve(images, group)
        return images

    def serve(self, images: Tensor, group: Group) -> Tensor:
        """What a batched transform does after the kernel; ``images`` are the pass's own."""
        raise NotImplementedError(f"{type(self).__name__} runs in the kernel")

    def follow(self, masks: Tensor, group: Group) -> Tensor:
        """Move the masks of a group, where a batched transform moves its images."""
        raise NotImplementedError(f"{type(self).__name__} moves nothing that the record does not say")

    def finish(self, images: Images, recipes: Recipes, memory_format: torch.memory_format) -> Tensor:
        """Run the last pass; ``Normalize`` has its own way."""
        return functional.augment(images, recipes, memory_format=memory_format)


def _note_place(module: nn.Module, name: str, member: nn.Module | None) -> None:
    """Transforms of one kind and seed differ by their numbers in the list that holds them."""
    if isinstance(member, Transform) and isinstance(module, (nn.Sequential, nn.ModuleList)):
        names = list(module._modules)
        place = names.index(name) if name in names else len(names)
        member._own = OwnDraws(member.seed, member._kinds, place, member.seen)


# nn.Sequential tells its modules nothing, so it is asked to.
register_module_module_registration_hook(_note_place)


def travel(recipes: Recipes, device: torch.device) -> Recipes:
    """Recipes on their way to the device: one asynchronous copy from pinned memory, where that makes
    sense.
    """
    if device.type == "cuda":
        return recipes.pin_memory().to(device, non_blocking=True)
    return recipes if device.type == "cpu" else recipes.to(device)


def carried(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host on the device, which is not waited for."""
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def _one_size(builder: RecipeBuilder) -> tuple[int, int]:
    """(height, width) of every draw after its geometry."""
    extent = builder.extent
    if isinstance(extent, tuple):
        return (extent[1], extent[0])
    width, height = (int(v) for v in extent[0].tolist())
    for n in (extent != extent[0]).any(1).nonzero().flatten()[:1].tolist():
        other_width, other_height = (int(v) for v in extent[n].tolist())
        raise ValueError(
            f"all draws must have one size after the geometry, got {height} x {width} for "
            f"{builder.name_of(0)} and {other_height} x {other_width} for {builder.name_of(n)}: end the "
            "geometry with Resize((height, width)) or RandomResizedCrop, ahead of blur and noise"
        )
    return (height, width)


def check_draws(draws: Tensor, images: int, index: Tensor | None = None) -> None:
    """Raise unless ``draws`` are int64 ``(n, 3)`` on the host, one for each image, or for each of ``index``.

    >>> check_draws(torch.zeros(4, 3, dtype=torch.int64), images=4)
    """
    check_host_integers("draws", draws, "(n, 3)")
    if draws.dim() != 2 or draws.shape[1] != 3:
        raise ValueError(f"draws must have shape (n, 3): index, copy, key; got {tuple(draws.shape)}")
    count = draws.shape[0]
    if index is None:
        if count != images:
            raise ValueError(f"draws must be as many as the images, got {count} draws for {images} images")
        return
    check_host_integers("index", index, "(n,)")
    if index.shape != (count,):
        raise ValueError(f"index must have shape ({count},), one for each draw, got {tuple(index.shape)}")
    for n in ((index < 0) | (index >= images)).nonzero().flatten()[:1].tolist():
        raise ValueError(f"index must be in [0, {images}), got {int(index[n])} for draw {n}")


def check_host_integers(name: str, value: Any, shape: str) -> None:
    if not isinstance(value, Tensor) or value.dtype != torch.int64:
        kind = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} must be an int64 tensor {shape}, got {kind}")
    if not value.is_cpu:
        raise RuntimeError(f"{name} must be on the host, where parameters are drawn, got {value.device}")
