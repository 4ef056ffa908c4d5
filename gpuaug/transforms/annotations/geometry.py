"""Moves masks, boxes and keypoints by the recipes that move the pixels of their image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gpuaug.recipe.layout import BORDERS, FIXED_POINT, NEAREST_HALF, PERSPECTIVE, PERSPECTIVE_UNIT
from gpuaug.recipe.recipes import Recipes
from gpuaug.stages.geometry import nearest_pixels
from gpuaug.transforms.step import Step

# Masks, boxes or keypoints as a call takes them: of all images, or a list with one tv_tensor for each.
Annotation = Tensor | Sequence[Tensor]


class Augmented(NamedTuple):
    """A transformed batch and its annotations: lists if lists came, None if nothing was given."""

    images: Tensor
    masks: Tensor | list[Tensor] | None = None
    boxes: Tensor | list[Tensor] | None = None
    keypoints: Tensor | list[Tensor] | None = None


def move_keypoints(points: Tensor, passes: tuple[Recipes, ...]) -> Tensor:
    """Move points by the geometry of all passes. They may leave the image.

    >>> import gpuaug
    >>> draws = torch.tensor([[0, 1, 7]])
    >>> passes = gpuaug.RandomHorizontalFlip(p=1.0).recipes(draws, (1, 3, 8, 10))
    >>> move_keypoints(torch.tensor([[[0.5, 2.0], [10.0, 8.0]]]), passes)
    tensor([[[9.5000, 2.0000], [0.0000, 8.0000]]])

    Args:
        points: floating ``(n, k, 2)``: x, y in pixels from the image's top left corner, so that the centre of
            the first pixel is at (0.5, 0.5).
        passes: recipes of the ``n`` draws, on the points' device.
    """
    x, y = points.double().unbind(-1)
    for recipes in passes:
        xx, xy, x1, yx, yy, y1 = (
            recipes.field(name)[:, None].double() / FIXED_POINT
            for name in ("xx", "xy", "x1", "yx", "yy", "y1")
        )
        # A record maps output to input; points move from input to output.
        across, down = x - 0.5, y - 0.5
        if recipes.stages & PERSPECTIVE:  # the same line of sight: the divisor is moved to the map
            px, py, p1 = (
                recipes.field(name)[:, None].double() / PERSPECTIVE_UNIT for name in ("px", "py", "p1")
            )
            one = torch.where((recipes.field("stages")[:, None] & PERSPECTIVE) != 0, p1, 1.0)
            xx, xy, yx, yy = xx - across * px, xy - across * py, yx - down * px, yy - down * py
            across, down = across * one, down * one
        across, down = across - x1, down - y1
        area = xx * yy - xy * yx
        x, y = (yy * across - xy * down) / area + 0.5, (xx * down - yx * across) / area + 0.5
    return torch.stack((x, y), dim=-1).to(points.dtype)


def move_boxes(boxes: Tensor, passes: tuple[Recipes, ...]) -> Tensor:
    """Move boxes by the geometry of all passes: each becomes the box around its four moved corners.

    A box is cut off at the image's border, and empty outside. A part that leaves the image in one pass may
    come back in the next.

    >>> import gpuaug
    >>> passes = gpuaug.RandomHorizontalFlip(p=1.0).recipes(torch.tensor([[0, 1, 7]]), (1, 3, 8, 10))
    >>> move_boxes(torch.tensor([[[0.0, 1.0, 3.0, 5.0]]]), passes)
    tensor([[[ 7.,  1., 10.,  5.]]])

    Args:
        boxes: floating ``(n, k, 4)``: left, top, right, bottom in pixels, as in ``move_keypoints``.
        passes: recipes of the ``n`` draws, on the boxes' device.
    """
    left, top, right, bottom = boxes.unbind(-1)
    corners = torch.stack((left, top, right, top, left, bottom, right, bottom), dim=-1)
    moved = move_keypoints(corners.unflatten(-1, (4, 2)).flatten(1, 2), passes)
    corners = moved.view(*boxes.shape[:2], 4, 2)
    low, high = corners.amin(2), corners.amax(2)
    height, width = passes[-1].size
    (left, top), (right, bottom) = low.unbind(-1), high.unbind(-1)
    ends = ((left, width), (top, height), (right, width), (bottom, height))
    return torch.stack([end.clamp(0, limit) for end, limit in ends], dim=-1)


def move_masks(masks: Tensor, passes: tuple[Recipes, ...]) -> Tensor:
    """Move masks by the geometry of all passes, read at the nearest pixel, so that no new value appears.

    Where a zero border shows, the mask is 0.

    >>> import gpuaug
    >>> passes = gpuaug.RandomHorizontalFlip(p=1.0).recipes(torch.tensor([[0, 1, 7]]), (1, 3, 1, 3))
    >>> move_masks(torch.tensor([[[1, 2, 3]]]), passes)
    tensor([[[3, 2, 1]]])

    Args:
        masks: ``(n, H, W)`` or ``(n, C, H, W)`` of any type, of the source images' size.
        passes: recipes of the ``n`` draws, on the masks' device.
    """
    out = masks if masks.dim() == 4 else masks[:, None]
    for recipes in passes:
        *window, border = (
            recipes.field(name)[:, None, None] for name in ("left", "right", "top", "bottom", "border")
        )
        out = _read(out, *nearest_pixels(recipes), tuple(window), border)
    return out if masks.dim() == 4 else out[:, 0]


def read_masks(
    masks: Tensor, column: Tensor, row: Tensor, window: tuple[Tensor | int, ...], border: Tensor
) -> Tensor:
    """Read masks ``(n, C, H, W)`` at the pixels nearest to coordinates ``(n, height, width)``.

    Whole coordinates are pixel centres. Outside the window (left, right, top, bottom) the border applies.

    >>> edge = torch.tensor(BORDERS["edge"])
    >>> column, row = torch.tensor([[[0.4, 0.6, 9.0]]]), torch.zeros(1, 1, 3)
    >>> read_masks(torch.tensor([[[[1, 2, 3]]]]), column, row, (0, 3, 0, 1), edge)
    tensor([[[[1, 2, 3]]]])
    """
    half = NEAREST_HALF / FIXED_POINT  # as images with interpolation="nearest"
    column, row = ((at + half).floor().long() for at in (column, row))
    return _read(masks, column, row, window, border)


def _read(
    masks: Tensor, column: Tensor, row: Tensor, window: tuple[Tensor | int, ...], border: Tensor
) -> Tensor:
    """Read masks like ``read_masks``, at int64 pixels."""
    left, right, top, bottom = window
    column, beside = _resolve(column, left, right, border)
    row, beyond = _resolve(row, top, bottom, border)
    at = row * masks.shape[3] + column
    places = at.flatten(1)[:, None].expand(-1, masks.shape[1], -1)
    out: Tensor = masks.flatten(2).gather(2, places).unflatten(2, at.shape[1:])
    return out.masked_fill((beside | beyond)[:, None], 0)


def _resolve(pixel: Tensor, low: Tensor | int, high: Tensor | int, border: Tensor) -> tuple[Tensor, Tensor]:
    """The pixel to read, and a mask of pixels that are beyond a zero border."""
    outside = (pixel < low) | (pixel >= high)
    period = torch.zeros_like(pixel[:, :1, :1]) + 2 * (high - 1 - low)
    phase = (pixel - low).remainder(period.clamp(min=1))
    reflected = low + torch.minimum(phase, period - phase)
    inside = torch.where(border == BORDERS["reflect"], reflected, pixel).clamp(min=low).clamp(max=high - 1)
    return inside, outside & (border == BORDERS["zero"])


MOVES = {"masks": move_masks, "boxes": move_boxes, "keypoints": move_keypoints}


def move_annotation(name: str, given: Tensor, passes: tuple[Recipes, ...], step: Step) -> Tensor:
    """Move masks, boxes or keypoints, named by ``name``, by the geometry of all passes of a chain.

    This includes the geometry of batched transforms.

    >>> import gpuaug
    >>> flip = gpuaug.RandomHorizontalFlip(p=1.0)
    >>> passes = flip.recipes(torch.tensor([[0, 1, 7]]), (1, 3, 1, 3))
    >>> move_annotation("masks", torch.tensor([[[1, 2, 3]]]), passes, flip.step)
    tensor([[[3, 2, 1]]])

    Args:
        name: "masks", "boxes" or "keypoints".
        given: the annotations of the ``n`` draws.
        passes: recipes of the ``n`` draws, on the annotations' device.
        step: step of the chain.
    """
    if name != "masks":  # ``check_movable`` has left only the kernel's geometry: one box around all passes
        return MOVES[name](given, passes)
    for recipes in passes:
        given = move_masks(given, (recipes,))
        for group in recipes.groups:
            transform = step.by_place[group.place]
            if transform.moves:
                given = transform.move_group(given, group)
    return given


def check_movable(names: Iterable[str], passes: tuple[Recipes, ...], step: Step) -> None:
    """Raise if ``names`` other than masks would have to follow a transform that only masks can follow."""
    points = [name for name in names if name != "masks"]
    for group in (group for recipes in passes for group in recipes.groups):
        transform = step.by_place[group.place]
        if transform.moves and points:
            raise ValueError(f"{', '.join(points)} cannot follow {transform.label()}: only masks can")


def check_annotations(
    given: Mapping[str, Annotation], count: int, size: tuple[int, int] | None
) -> dict[str, Tensor]:
    """Check masks, boxes and keypoints of ``count`` images of one ``size``, (height, width).

    >>> list(check_annotations({"boxes": torch.zeros(2, 5, 4)}, count=2, size=(8, 8)))
    ['boxes']
    """
    forms = {"masks": "(N, [C,] H, W)", "boxes": "(N, k, 4)", "keypoints": "(N, k, 2)"}
    ends = {"masks": size, "boxes": (4,), "keypoints": (2,)}
    checked: dict[str, Tensor] = {}
    for name, value in given.items():
        end = ends[name]
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{name} must be a tensor {forms[name]}, got {type(value).__name__}: use torch.as_tensor"
            )
        if end is None:
            raise ValueError("masks must not be given for images of different sizes")
        if name != "masks" and not value.is_floating_point():
            raise TypeError(f"{name} must be floating, got {value.dtype}")
        fits = value.dim() in ((3, 4) if name == "masks" else (3,))
        if not fits or len(value) != count or tuple(value.shape[-len(end) :]) != end:
            raise ValueError(
                f"{name} must be {forms[name]} of the {count} images, got shape {tuple(value.shape)}"
            )
        checked[name] = value
    return checked
