"""Transforms beyond the kernel's record: PyTorch or kornia, after the kernel, on the chosen draws."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gpuaug.images.batch import has_channels_last
from gpuaug.images.levels import clamped, colored, full_precision, shares
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.recipes import Group
from gpuaug.recipe.selection import Selection, both
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.step import Step

LEVELS = 255


class Batched(Transform):
    """Base of the transforms that run after the kernel of their pass.

    Parameters are drawn on the host, as for every transform, and travel with the recipes. On the device the
    chosen draws are gathered, changed together as floats, and put back. Bytes are rounded once, half to even;
    the bytes of other draws stay. ``gpuaug/images/levels.py`` says how floats outside [0, 1] and alpha are
    treated. Nothing waits for the device unless a transform documents it. Bytes may differ by a level between
    devices where the last bits of a float decide.

    A subclass draws in ``draw_parameters`` and implements ``transform_images``, or ``transform_levels`` to
    compute bytes in whole numbers. A subclass that only ``averages`` or moves pixels treats alpha as a color
    and clamps nothing. Subclasses use only the functional layers of PyTorch and kornia, never their random
    generators.
    """

    stage = Stage.BATCHED
    backend = "torch"

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        """Change the group's images ``(m, C, H, W)``, float32 or float64.

        They come without alpha, unless the transform ``averages``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define transform_images")

    def transform_levels(self, levels: Tensor, group: Group) -> Tensor:
        """Change bytes ``(m, C, H, W)``, to bytes."""
        out = self.transform_images(shares(levels.float()), group)
        return out.mul(LEVELS).round().clamp(0, LEVELS).to(torch.uint8)

    def move_masks(self, masks: Tensor, group: Group) -> Tensor:
        """Move the group's masks ``(m, C, H, W)`` as its images, for a transform that ``moves`` pixels."""
        raise NotImplementedError(f"{type(self).__name__} moves pixels and must define move_masks")

    def variants(self, params: dict[str, Any]) -> Tensor | None:
        """int64 ``(n,)``, different for draws that must not share a group, such as those of two filter
        sizes.
        """
        return None

    def write(self, builder: RecipeBuilder, selection: Selection, *none: Any, **parameters: Any) -> None:
        """Write nothing: a batched transform is not in the record."""

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        selection = both(chosen, augmented)
        if step.pass_index != batch.pass_index or selection is False:
            return
        params = self.draw_parameters(batch, step.place)
        variants = self.variants(params)
        if variants is None:
            batch.groups += _group(step.place, 0, selection, params)
            return
        for variant in variants.unique().tolist():
            chosen = both(selection, variants == variant)
            batch.groups += _group(step.place, variant, chosen, params)

    def move_group(self, masks: Tensor, group: Group) -> Tensor:
        whole = masks if masks.dim() == 4 else masks[:, None]
        some = whole if group.rows is None else whole[group.rows]
        with full_precision(masks.device):
            moved = self.move_masks(some, group)
        moved = moved if group.rows is None else whole.index_copy(0, group.rows, moved)
        return moved if masks.dim() == 4 else moved[:, 0]

    def transform_group(self, images: Tensor, group: Group) -> Tensor:
        """Change the group's images, in place where they are bytes."""
        with full_precision(images.device):
            some = images if group.rows is None else images.index_select(0, group.rows)
            count = some.shape[1] if self.averages else colored(some.shape[1])
            changed = some[:, :count]
            if images.is_floating_point():
                out = self.transform_images(
                    changed.to(torch.promote_types(images.dtype, torch.float32)), group
                )
                out = (out if self.averages else clamped(out)).to(images.dtype)
            else:
                out = self.transform_levels(changed, group)
            if count < some.shape[1]:
                out = torch.cat((out, some[:, count:]), dim=1)
            last = has_channels_last(images)
            memory_format = torch.channels_last if last else torch.contiguous_format
            if group.rows is None:
                return out.contiguous(memory_format=memory_format)
            if images.is_floating_point():  # index_copy returns the contiguous order
                return images.index_copy(0, group.rows, out).contiguous(memory_format=memory_format)
            return images.index_copy_(0, group.rows, out)


def _group(place: int, variant: int, selection: Selection, params: dict[str, Tensor]) -> list[Group]:
    """The group of the selected draws, if any; a group of all draws needs no rows."""
    if selection is False:
        return []
    rows: Tensor | None = None
    chosen = params
    if not (selection is True or bool(selection.all())):
        rows = selection.nonzero().flatten()
        if len(rows) == 0:
            return []
        chosen = {name: value[rows] for name, value in params.items()}
    narrow = {
        name: (value.float() if value.is_floating_point() else value).contiguous()
        for name, value in chosen.items()
    }
    return [Group(place, variant, rows, narrow)]
