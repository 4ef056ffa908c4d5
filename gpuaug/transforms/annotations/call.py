"""The call of a transform on images, with or without masks, boxes and keypoints, tensors or
``tv_tensors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from gpuaug.images.packed import Images, Packed
from gpuaug.recipe.recipes import Recipes
from gpuaug.transforms.annotations.geometry import (
    Annotation,
    Augmented,
    check_annotations,
    check_movable,
    move_annotation,
)
from gpuaug.transforms.annotations.tv_tensors import (
    Gathered,
    MaskPlace,
    has_tv_tensors,
    is_list_of_tv_tensors,
    kind_of,
    like,
    plain,
)
from gpuaug.transforms.step import Step
from gpuaug.travel.to_device import carried, travel


class Applied(Protocol):
    """The members of a transform that a call uses."""

    step: Step

    def apply_recipes(self, images: Images, passes: tuple[Recipes, ...]) -> Tensor: ...


def call_annotated(
    transform: Applied,
    images: Images,
    passes: tuple[Recipes, ...],
    index: Tensor | None,
    given: Mapping[str, Annotation],
) -> Tensor | Augmented:
    """Run recipes, which are on the host, on the images and on their masks, boxes and keypoints.

    ``given`` holds the annotations by name, each of all images. Without any, the result is the images alone.

    Plain tensors are as in a ``Transform``'s call. ``tv_tensors`` are an ``Image`` ``(N, C, H, W)``, a
    ``Mask`` ``(N, [C,] H, W)``, or lists of ``Mask``, ``BoundingBoxes`` or ``KeyPoints``, one for each image.
    Clips ``(N, T, C, H, W)``, or a ``Video``, count as a batch of their frames, and so do their annotations.
    """
    if not isinstance(images, Packed) and images.dim() == 5:
        return _call_with_clips(transform, images, passes, index, given)
    if isinstance(images, Tensor) and kind_of(images) == "Video":
        raise ValueError(
            "images that are a Video must be (N, T, C, H, W), "
            f"got shape {tuple(images.shape)}: give images[None]"
        )
    if has_tv_tensors(images, *given.values()):
        return _call_with_tv_tensors(transform, images, passes, index, given)
    return _call_with_tensors(transform, images, passes, index, given)


def _call_with_clips(
    transform: Applied,
    clips: Tensor,
    passes: tuple[Recipes, ...],
    index: Tensor | None,
    given: Mapping[str, Annotation],
) -> Tensor | Augmented:
    frames, video = clips.shape[1], kind_of(clips) == "Video"
    own = {name: _frames_of(name, value, clips) for name, value in given.items()}
    if index is not None:
        index = (index[:, None] * frames + torch.arange(frames, device="cpu")).flatten()
    images = plain(clips) if video else clips
    out = call_annotated(transform, images.flatten(0, 1), passes, index, own)
    result = out if isinstance(out, Augmented) else Augmented(out)
    moved = {
        name: clips_of(value, frames) if isinstance(value, Tensor) else value
        for name, value in result._asdict().items()
    }
    if video:
        moved["images"] = like(moved["images"], "Video")
    return Augmented(**moved) if given else moved["images"]


def _frames_of(name: str, value: Any, clips: Tensor) -> Any:
    """Annotations of clips as annotations of their frames. Other values than tensors are checked later."""
    if not isinstance(value, Tensor):
        return value
    count, frames = clips.shape[:2]
    if value.dim() < 3 or tuple(value.shape[:2]) != (count, frames):
        raise ValueError(
            f"{name} must begin with (N, T), here ({count}, {frames}), for {count} clips of {frames} frames, "
            f"got shape {tuple(value.shape)}"
        )
    if kind_of(value) == "Mask":
        return like(plain(value).flatten(0, 1), "Mask")
    return value.flatten(0, 1)


def clips_of(value: Tensor, frames: int) -> Tensor:
    """Values of frames ``(N * T, ...)`` as ``(N, T, ...)``.

    >>> clips_of(torch.zeros(6, 3, 8, 8), frames=2).shape
    torch.Size([3, 2, 3, 8, 8])
    """
    if kind_of(value) == "Mask":
        return like(clips_of(plain(value), frames), "Mask")
    clips: Tensor = value.unflatten(0, (len(value) // frames, frames))
    return clips


def _call_with_tensors(
    transform: Applied,
    images: Images,
    passes: tuple[Recipes, ...],
    index: Tensor | None,
    given: Mapping[str, Annotation],
) -> Tensor | Augmented:
    tensors: dict[str, Tensor] = {}
    if given:
        size = None if isinstance(images, Packed) else (images.shape[2], images.shape[3])
        tensors = check_annotations(given, len(images), size)
        check_movable(given, passes, transform.step)
    out = transform.apply_recipes(images, tuple(travel(p, images.device) for p in passes))
    if not given:
        return out
    moved = {}
    for name, value in tensors.items():
        own = value if index is None else value[carried(index, value.device)]
        moved[name] = move_annotation(
            name, own, tuple(travel(p, value.device) for p in passes), transform.step
        )
    return Augmented(out, **moved)


def _call_with_tv_tensors(
    transform: Applied,
    images: Images,
    passes: tuple[Recipes, ...],
    index: Tensor | None,
    given: Mapping[str, Any],
) -> Tensor | Augmented:
    lists = {
        name: _checked_list(name, value, images)
        for name, value in given.items()
        if is_list_of_tv_tensors(value)
    }
    as_mask = [name for name, value in given.items() if kind_of(value) is not None and name not in lists]
    for name in as_mask:
        if name != "masks" or kind_of(given[name]) != "Mask":
            kind = kind_of(given[name])
            raise TypeError(f"{name} must be a list with one tv_tensor for each image, got one {kind}")
    rest = {name: plain(value) for name, value in given.items() if name not in lists}
    as_image = kind_of(images) == "Image"
    source = plain(images) if as_image and isinstance(images, Tensor) else images
    out = _call_with_tensors(transform, source, passes, index, rest)
    result = Augmented(out) if isinstance(out, Tensor) else out
    if as_image:
        result = result._replace(images=like(result.images, "Image"))
    if as_mask and isinstance(result.masks, Tensor):
        result = result._replace(masks=like(result.masks, "Mask"))
    if lists:
        moved = result._asdict() | _move_lists(transform, passes, index, lists)
        result = Augmented(**moved)
    return result if given else result.images


def _move_lists(
    transform: Applied, passes: tuple[Recipes, ...], index: Tensor | None, lists: dict[str, list[Tensor]]
) -> dict[str, list[Tensor]]:
    check_movable(lists, passes, transform.step)
    owners = range(len(next(iter(lists.values())))) if index is None else index.tolist()
    gathered = Gathered(len(owners))
    places = {
        name: [gathered.add(n, values[owner]) for n, owner in enumerate(owners)]
        for name, values in lists.items()
    }
    gathered.finish()
    masks = [
        move_annotation("masks", some, tuple(p.to(some.device) for p in passes), transform.step)
        for some in gathered.masks
    ]
    points = gathered.move_points(passes) if gathered.points else []
    return {
        name: [place.take(masks) if isinstance(place, MaskPlace) else place.take(points) for place in own]
        for name, own in places.items()
    }


def _checked_list(name: str, values: Any, images: Any) -> list[Tensor]:
    wanted = {"masks": "Mask", "boxes": "BoundingBoxes", "keypoints": "KeyPoints"}[name]
    if len(values) != len(images):
        raise ValueError(f"{name} must be one for each of the {len(images)} images, got {len(values)}")
    for position, value in enumerate(values):
        if kind_of(value) != wanted:
            raise TypeError(
                f"{name} must be tv_tensors.{wanted}, got {type(value).__name__} at position {position}"
            )
        height, width = images[position].shape[-2:]
        at = tuple(value.shape[-2:] if wanted == "Mask" else value.canvas_size)
        if at != (height, width):
            raise ValueError(
                f"{name} must be of their images' size, got {at} at position {position}, where the image has "
                f"{(height, width)}"
            )
    return list(values)
