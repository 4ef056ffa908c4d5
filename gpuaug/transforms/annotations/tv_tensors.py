"""torchvision's ``tv_tensors`` as annotations of a transform, and results wrapped as ``tv_tensors`` again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

from gpuaug.images.packed import Packed
from gpuaug.recipe.recipes import Recipes
from gpuaug.transforms.annotations.boxes import boxes_around, corners_of, numbers_of
from gpuaug.transforms.annotations.geometry import move_keypoints

if TYPE_CHECKING:
    from torchvision.tv_tensors import BoundingBoxes

_KINDS = ("Image", "Mask", "BoundingBoxes", "KeyPoints", "Video")


def kind_of(value: Any) -> str | None:
    """The name of a ``tv_tensor``'s class in torchvision; None for other values.

    >>> kind_of(torch.zeros(3)) is None
    True
    """
    # A caller that has a tv_tensor has imported torchvision, which is optional otherwise.
    module = sys.modules.get("torchvision.tv_tensors")
    if module is None or not isinstance(value, module.TVTensor):
        return None
    return next((name for name in _KINDS if isinstance(value, getattr(module, name, ()))), None)


def like(value: Tensor, kind: str) -> Tensor:
    """Wrap a plain tensor as the ``tv_tensor`` ``Image``, ``Mask`` or ``Video``."""
    wrapped: Tensor = value.as_subclass(getattr(sys.modules["torchvision.tv_tensors"], kind))
    return wrapped


def plain(value: Tensor) -> Tensor:
    return value.as_subclass(Tensor)


# ---- Points: boxes and keypoints


@dataclass
class Points:
    """Boxes, or keypoints, of one format, any number for each image of a batch."""

    example: Tensor  # one of them: all have its class, type, format and clamping mode
    values: list[Tensor] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)

    def takes(self, value: Tensor) -> bool:
        return _form_of(value) == _form_of(self.example)

    def add(self, sample: int, value: Tensor) -> int:
        self.values.append(value)
        self.samples.append(sample)
        return len(self.values) - 1

    def moved(self, passes: tuple[Recipes, ...]) -> list[Tensor]:
        """Each value after the geometry of all passes, which are on the host."""
        device, size = self.values[0].device, passes[-1].size
        # For no boxes torchvision also uses shape (1, 0).
        width = 2 if kind_of(self.example) == "KeyPoints" else numbers_of(_format_of(self.example))
        rows = [plain(value).reshape(-1, width) for value in self.values]
        counts = [len(row) for row in rows]
        owner = torch.tensor(self.samples, device="cpu").repeat_interleave(torch.tensor(counts, device="cpu"))
        # Each box or keypoint is a draw of its own, since under perspective each moves differently.
        own = tuple(Recipes(p.records[owner].to(device), p.size, p.stages) for p in passes)
        flat = torch.cat(rows).double()
        if kind_of(self.example) == "KeyPoints":
            points, step = _moved(flat[:, None], own)
            out = points[:, 0] - _from_the_last_pixel(step)
        else:
            form, clamping = _format_of(self.example), getattr(self.example, "clamping_mode", "soft")
            corners, step = _moved(corners_of(flat, form), own)
            out = boxes_around(corners, form, size, clamping, step.det() < 0)
        if not self.example.is_floating_point():
            out = out.mul(1 << 10).round().div(1 << 10).trunc()  # towards 0, as torchvision does
        parts = out.to(self.example.dtype).split(counts)
        wrap = sys.modules["torchvision.tv_tensors"].wrap
        return [
            wrap(part.reshape(value.shape), like=value, canvas_size=size)
            for part, value in zip(parts, self.values, strict=True)
        ]


def _format_of(boxes: BoundingBoxes) -> str:
    name: str = boxes.format.name
    return name


def _form_of(value: Tensor) -> tuple[Any, ...]:
    return (type(value), value.dtype, getattr(value, "format", None), getattr(value, "clamping_mode", None))


def _moved(points: Tensor, passes: tuple[Recipes, ...]) -> tuple[Tensor, Tensor]:
    """Points ``(m, k, 2)`` after the geometry, and the images of two unit steps in their middle, ``(m, 2,
    2)``.

    The steps are one pixel to the right and one down.
    """
    middle = points.mean(dim=1, keepdim=True)
    beside = torch.tensor([[0, 0], [1, 0], [0, 1]], device=points.device)
    moved = move_keypoints(torch.cat((points, middle + beside), dim=1), passes)
    return moved[:, :-3], moved[:, -2:] - moved[:, -3:-2]


def _from_the_last_pixel(step: Tensor) -> Tensor:
    """The offset of keypoints along mirrored axes, ``(m, 2)``.

    torchvision's flips count keypoints in whole pixels, x to width - 1 - x; its boxes, resizes and rotations
    count from the image's border, x to width - x.
    """
    (xx, yx), (xy, yy) = (part.unbind(1) for part in step.unbind(1))
    upright = (xx.abs() >= xy.abs()) & (yy.abs() >= yx.abs())
    straight = (xy.abs() < 1e-9) & (yx.abs() < 1e-9)
    flipped = upright & (straight | (step.det() < 0))
    return torch.stack((flipped & (xx < 0), flipped & (yy < 0)), dim=1).double()


# ---- Masks


@dataclass(frozen=True)
class MaskPlace:
    """The position of a leaf's masks among the gathered ones."""

    group: int
    sample: int | None  # None: those of all samples
    begin: int
    end: int
    flat: bool  # (H, W), not (k, H, W)
    tv: bool

    def take(self, masks: Sequence[Tensor]) -> Tensor:
        whole = masks[self.group]
        some = whole[:, self.begin : self.end] if self.sample is None else whole[self.sample]
        if self.sample is None:
            out = some[:, 0] if self.flat else some
        else:
            out = some[self.begin] if self.flat else some[self.begin : self.end]
        return like(out, "Mask") if self.tv else out


@dataclass(frozen=True)
class PointsPlace:
    """The position of a leaf's boxes or keypoints among the gathered ones."""

    group: int
    number: int

    def take(self, points: Sequence[Sequence[Tensor]]) -> Tensor:
        return points[self.group][self.number]


class Gathered:
    """The masks, boxes and keypoints of a batch, gathered so that each kind moves at once.

    ``masks``: tensors ``(n, k, H, W)``, filled with 0 where a sample has fewer masks or smaller ones.
    ``points``: groups of boxes or keypoints. The caller keeps the places that ``add`` returns.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.masks: list[Tensor] = []
        self.points: list[Points] = []
        self._chunks: dict[Any, list[list[Tensor]]] = {}

    def __bool__(self) -> bool:
        return bool(self._chunks or self.masks or self.points)

    def add(self, sample: int, value: Tensor) -> MaskPlace | PointsPlace:
        """Add one sample's mask, boxes or keypoints, and return their place."""
        kind = kind_of(value)
        if kind in ("BoundingBoxes", "KeyPoints"):
            number = next((n for n, group in enumerate(self.points) if group.takes(value)), len(self.points))
            if number == len(self.points):
                self.points.append(Points(value))
            return PointsPlace(number, self.points[number].add(sample, value))
        return self._add_mask(("by sample", value.dtype), sample, value)

    def add_all(self, values: Sequence[Tensor]) -> MaskPlace | list[Any]:
        """Add one mask for each sample, side by side; returns one place, or one for each if their numbers
        differ.
        """
        key = len(self._chunks), values[0].dtype
        places = [self._add_mask(key, sample, value) for sample, value in enumerate(values)]
        if len({(place.end, place.flat) for place in places}) == 1:
            return replace(places[0], sample=None)
        return places

    def _add_mask(self, key: Any, sample: int, value: Tensor) -> MaskPlace:
        whole = plain(value) if value.dim() > 2 else plain(value)[None]
        chunks = self._chunks.setdefault(key, [[] for _ in range(self.count)])
        begin = sum(map(len, chunks[sample]))
        chunks[sample].append(whole)
        group, tv = list(self._chunks).index(key), kind_of(value) == "Mask"
        return MaskPlace(group, sample, begin, begin + len(whole), value.dim() == 2, tv)

    @property
    def names(self) -> list[str]:
        """The kinds gathered, named like a transform's arguments."""
        names = {"BoundingBoxes": "boxes", "KeyPoints": "keypoints"}
        return [*(["masks"] if self.masks else []), *(names[str(kind_of(p.example))] for p in self.points)]

    def finish(self) -> None:
        """Join the masks, once all are added."""
        self.masks = [_joined(chunks) for chunks in self._chunks.values()]
        self._chunks.clear()

    def move_points(self, passes: tuple[Recipes, ...]) -> list[list[Tensor]]:
        """The values of each group after the geometry of all passes, which are on the host."""
        return [group.moved(passes) for group in self.points]


def _joined(chunks: list[list[Tensor]]) -> Tensor:
    """Join the masks ``(k, H, W)`` of each sample in one tensor ``(n, k, H, W)``."""
    shapes = {tuple(chunk.shape) for some in chunks for chunk in some}
    if len(shapes) == 1 and all(len(some) == 1 for some in chunks):
        stacked: Tensor = default_collate([some[0] for some in chunks])  # in a worker, in shared memory
        return stacked
    first = next(chunk for some in chunks for chunk in some)
    most = max(sum(map(len, some)) for some in chunks)
    height, width = (max(shape[axis] for shape in shapes) for axis in (1, 2))
    out = first.new_zeros(len(chunks), most, height, width)
    for row, some in zip(out, chunks, strict=True):
        begin = 0
        for chunk in some:
            row[begin : begin + len(chunk), : chunk.shape[1], : chunk.shape[2]] = chunk
            begin += len(chunk)
    return out


# ---- Arguments of a call


def has_tv_tensors(*values: Any) -> bool:
    """Whether any argument of a call is a ``tv_tensor``, or a list of them.

    >>> has_tv_tensors(torch.zeros(2, 3, 8, 8), None)
    False
    """
    return any(
        not (value is None or type(value) in (Tensor, Packed))
        and (kind_of(value) is not None or is_list_of_tv_tensors(value))
        for value in values
    )


def is_list_of_tv_tensors(value: Any) -> bool:
    """Whether an argument is a list or tuple that holds a ``tv_tensor``.

    >>> is_list_of_tv_tensors([torch.zeros(4)])
    False
    """
    return isinstance(value, (list, tuple)) and any(kind_of(each) is not None for each in value)
