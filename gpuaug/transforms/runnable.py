"""Runs a transform on a batch: recipes from the draws' keys on the host, pixels from the recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_module_registration_hook

from gpuaug import functional
from gpuaug.images.batch import check_images, check_order, has_channels_last
from gpuaug.images.levels import full_precision
from gpuaug.images.packed import Images, Packed, Source, source_of
from gpuaug.ops.in_turn import run_in_turn
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.frames import frame_keys, recipes_of_frames
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.reading import read_through
from gpuaug.recipe.recipes import Reading, Recipes
from gpuaug.recipe.selection import Selection
from gpuaug.tracing import traced
from gpuaug.transforms import advice, sixteen_bits
from gpuaug.transforms.annotations.call import call_annotated, clips_of
from gpuaug.transforms.annotations.geometry import Annotation, Augmented
from gpuaug.transforms.draw_batch import DrawBatch, check_draws
from gpuaug.transforms.fixed_settings import FixedSettings
from gpuaug.transforms.own_draws import OwnDraws, given_or_drawn
from gpuaug.transforms.step import Step


class Runnable(FixedSettings, nn.Module):
    """Base of ``Transform``: implements the call, which is the same for all transforms.

    A subclass provides ``step``, its step as the outermost transform, and ``write_pass``.
    """

    step: Step
    memory_format = torch.preserve_format
    noise_per = "clip"

    def __init__(self, *, seed: int | None = None) -> None:
        super().__init__()
        self.seed = given_or_drawn(seed)
        self._kept: dict[Any, Any] = {}  # tables for later batches; a copy makes its own

    def _after_init(self) -> None:
        if "_own" not in self.__dict__:
            self._own = OwnDraws(self.seed, self._kinds)
        super()._after_init()

    @property
    def _kinds(self) -> str:
        return " ".join(f"{depth} {type(step.transform).__name__}" for depth, step in self.step.walk())

    @property
    def seen(self) -> int:
        return self._own.seen

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        state = {name: value for name, value in state.items() if name != "step"} | {"_kept": {}}
        if "memory_format" in state:  # torch.save cannot pickle one
            state["memory_format"] = str(self.memory_format).removeprefix("torch.")
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "memory_format" in state:
            state = {**state, "memory_format": getattr(torch, state["memory_format"])}
        super().__setstate__(state)
        self._after_init()

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        """Write the batch's pass for the ``chosen`` draws, if the step is in this pass.

        Draws that are ``augmented`` get the whole transform, the others what a draw gets in evaluation.
        """
        raise NotImplementedError(f"{type(self).__name__} must define write_pass")

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
            images: ``(N, C, H, W)``. uint8 takes one kernel launch for each pass; on CUDA one more where
                curves depend on the image. Floats in [0, 1] take the differentiable path. uint16 and int16
                need ``Window`` to become levels. Or N images of different sizes, from ``gpuaug.pack``. C is
                at most 64; color transforms need 1, 3 or 4. Or N clips of T frames, ``(N, T, C, H, W)``: all
                frames of a clip are transformed alike; ``Compose`` may renew the noise for each frame
                (``noise_per``).
            draws: int64 ``(n, 3)`` on the host: index, copy, key. ``n`` is N, or the length of ``index``.
            index: int64 ``(n,)`` on the host: draw k reads ``images[index[k]]``, gathered in the kernel.
            labels: integers or booleans ``(n,)`` on the host, the class of each draw; only for ``PerClass``.
            masks, boxes, keypoints: annotations of the N images, ``(N, [C,] H, W)``, ``(N, k, 4)`` and ``(N,
                k, 2)``, that move with the geometry, as ``gpuaug.transforms.annotations.geometry`` describes.
                Or torchvision's ``tv_tensors``: a ``Mask``, or lists of ``Mask``, ``BoundingBoxes`` or
                ``KeyPoints``, one for each image. Annotations of clips have T after N; lists have one entry
                for each frame, clip after clip.

        Returns:
            ``(n, [T,] C, height, width)``: uint8 (floats stay floats), or the dtype of ``Normalize``, in the
            images' memory format: where they are channels_last, ``view`` needs ``Compose``'s
            ``memory_format=``. With masks, boxes or keypoints an ``Augmented`` of all. A ``tv_tensor`` stays
            a ``tv_tensor``.

        Raises:
            ValueError: if draws or index have another shape, an index is out of range, a crop is larger than
                an image (the message names the draw), or images of different sizes still differ after the
                geometry.
            TypeError: if images, draws, index or labels are of another type.
        """
        if not isinstance(images, Packed):
            check_images(images, clips=True, values=True)
            check_order(images)
            advice.on_clips(images)
        if draws is None:
            draws = self._own.take(len(images if index is None else index))
        passes = self.recipes(draws, source_of(images), index, labels)
        named = {"masks": masks, "boxes": boxes, "keypoints": keypoints}
        given = {name: value for name, value in named.items() if value is not None}
        return call_annotated(self, images, passes, index, given)

    def recipes(
        self, draws: Tensor, source: Source, index: Tensor | None = None, labels: Tensor | None = None
    ) -> tuple[Recipes, ...]:
        """Make the recipes of the draws, on the host: one for each pass.

        This needs no pixels, so a loader makes recipes ahead of time. ``source`` is the shape ``(N, C, H,
        W)`` of the source images, or the images themselves if they are packed. The other arguments are those
        of a call. For clips ``(N, T, C, H, W)`` the recipes are those of all frames, clip after clip.
        """
        one: Source  # the packed images, or the shape of one image
        if isinstance(source, Packed):
            count, one = len(source), source
        else:
            count, one = source[0], (1, *source[1:])
        check_draws(draws, count, index)
        if draws.shape[0] == 0:  # size and stages do not depend on the draws
            first = torch.zeros(1, dtype=torch.int64, device="cpu")
            passes = self.recipes(first.new_zeros(1, 3), one, first, first)
            return tuple(_of_no_draw(recipes) for recipes in passes)
        return self.make_recipes(draws, source, index, labels)

    def make_recipes(
        self, draws: Tensor, source: Source, index: Tensor | None = None, labels: Tensor | None = None
    ) -> tuple[Recipes, ...]:
        """Make the recipes of at least one draw, without checking the arguments."""
        channels = source.channels if isinstance(source, Packed) else source[-3]
        batch = DrawBatch(draws, self.step.random_counts, labels)
        frames = None if isinstance(source, Packed) or len(source) == 4 else source[1]
        batch.frames = frames or 1
        keys = frame_keys(batch.keys, frames) if frames and self.noise_per == "frame" else None
        made: list[Recipes] = []
        kept_size = None  # of the previous pass, in whose result draws may stay
        for pass_index in range(self.step.passes):
            builder = RecipeBuilder.of_source(source, index)
            builder.samples = draws[:, 0]
            batch.pass_index, batch.builder, batch.groups = pass_index, builder, []
            self.write_pass(batch, self.step, True, self.training)
            size = _one_size(builder)
            recipes = builder.recipes(size)
            if builder.ends is not None:
                recipes = read_through(recipes, builder.ends, source)
            recipes = recipes._replace(groups=tuple(batch.groups)) if batch.groups else recipes
            # The next pass reads the result of this one.
            if frames:
                recipes = recipes_of_frames(recipes, frames, channels, keys)
                source = (len(draws), frames, channels, *size)
            else:
                source = (len(draws), channels, *size)
            if size == kept_size and not self._normalizes(pass_index):
                recipes = _of_changed(recipes)
            made.append(recipes)
            index, kept_size = None, size
        return tuple(made)

    def apply_recipes(self, images: Images, passes: tuple[Recipes, ...]) -> Tensor:
        """Execute recipes on the images' device: launches on the current stream, and waits for nothing."""
        if not isinstance(images, Packed) and images.dim() == 5:
            return clips_of(self.apply_recipes(images.flatten(0, 1), passes), images.shape[1])
        advice.on_images(images, self.step.leaves)
        if (kept := sixteen_bits.kept(images, self.step)) is not None and isinstance(images, Tensor):
            out = self._run(sixteen_bits.shares_of(images), passes)
            return out if self._normalizes(len(passes) - 1) else sixteen_bits.values_of(out, kept)
        return self._run(images, passes)

    def _run(self, images: Images, passes: tuple[Recipes, ...]) -> Tensor:
        several = _together(images, passes)
        rest = passes[len(several) :]
        out = self._run_together(images, several, len(rest) == 0)
        return self._run(out, rest) if len(rest) else out

    def _run_together(self, images: Images, passes: tuple[Recipes, ...], last: bool) -> Tensor:
        *before, recipes = passes
        rows = None if before else recipes.rows
        if isinstance(images, Tensor) and rows is not None and not _is_captured(images):
            out = self._change_rows(images, recipes, rows)
        elif last:
            out = self.step.leaves[-1].transform.finish(images, recipes, self.memory_format, before)
        else:
            out = functional.augment(images, recipes, memory_format=self.memory_format, before=before)
        return self._transform_groups(out, recipes)

    def _normalizes(self, pass_index: int) -> bool:
        """Whether a pass ends in floats, which it makes for all draws."""
        last = self.step.leaves[-1]
        return last.pass_index == pass_index and last.transform.stage == Stage.OUTPUT

    def _change_rows(self, images: Tensor, recipes: Recipes, rows: Tensor) -> Tensor:
        """Run a pass on some draws of the previous pass's result; the others stay."""
        if len(rows) == 0:
            return images
        some = recipes._replace(records=recipes.records.index_select(0, rows))
        out = functional.augment(images, some, memory_format=self.memory_format)
        if images.is_floating_point():
            last = has_channels_last(images)
            memory_format = torch.channels_last if last else torch.contiguous_format
            with full_precision(images.device):
                return images.index_copy(0, rows, out).contiguous(memory_format=memory_format)
        return images.index_copy_(0, rows, out)

    def _transform_groups(self, images: Tensor, recipes: Recipes) -> Tensor:
        for group in recipes.groups:
            images = self.step.by_place[group.place].transform_group(images, group)
        return images


def _together(images: Images, passes: tuple[Recipes, ...]) -> tuple[Recipes, ...]:
    """The first passes, as many as one op may run: batched transforms need the result of their pass."""
    if not run_in_turn(images, passes[0].records.device):
        return passes[:1]
    ends = (number for number, recipes in enumerate(passes, start=1) if recipes.groups)
    return passes[: next(ends, len(passes))]


def _is_captured(images: Tensor) -> bool:
    """Whether a CUDA graph is being captured, which will replay other records and so other rows."""
    return images.is_cuda and torch.cuda.is_current_stream_capturing()


def _of_changed(recipes: Recipes) -> Recipes:
    """The same recipes, only for the draws that have a stage."""
    if traced():
        return recipes
    rows = recipes.field("stages").nonzero().flatten()
    return recipes if len(rows) == len(recipes.records) else recipes._replace(rows=rows)


def _of_no_draw(recipes: Recipes) -> Recipes:
    reading = None if recipes.reading is None else Reading(recipes.reading.windows[:0], 0)
    return recipes._replace(records=recipes.records[:0], groups=(), rows=None, reading=reading)


def _note_place(module: nn.Module, name: str, member: nn.Module | None) -> None:
    """Make transforms of one kind and seed differ by their positions in the list that holds them."""
    if isinstance(member, Runnable) and isinstance(module, (nn.Sequential, nn.ModuleList)):
        names = list(module._modules)
        place = names.index(name) if name in names else len(names)
        member._own = OwnDraws(member.seed, member._kinds, place, member.seen)


# nn.Sequential does not tell modules their positions, so this hook does.
register_module_module_registration_hook(_note_place)


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
