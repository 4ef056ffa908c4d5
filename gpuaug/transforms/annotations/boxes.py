"""Bounding boxes in torchvision's formats to four corners, and back."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# The formats without rotation: to left, top, right, bottom, and back.
_TO_ENDS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, ...]]] = {
    "XYXY": lambda left, top, right, bottom: (left, top, right, bottom),
    "XYWH": lambda left, top, width, height: (left, top, left + width, top + height),
    "CXCYWH": lambda x, y, width, height: (
        x - width / 2,
        y - height / 2,
        x + width / 2,
        y + height / 2,
    ),
}
_FROM_ENDS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, ...]]] = {
    "XYXY": lambda left, top, right, bottom: (left, top, right, bottom),
    "XYWH": lambda left, top, right, bottom: (left, top, right - left, bottom - top),
    "CXCYWH": lambda left, top, right, bottom: (
        (left + right) / 2,
        (top + bottom) / 2,
        right - left,
        bottom - top,
    ),
}
_CORNERS = "XYXYXYXY"


def numbers_of(form: str) -> int:
    """The number of values of a box in a format.

    >>> numbers_of("XYWH"), numbers_of("XYWHR"), numbers_of("XYXYXYXY")
    (4, 5, 8)
    """
    return 8 if form == _CORNERS else 4 if form in _TO_ENDS else 5


def corners_of(boxes: Tensor, form: str) -> Tensor:
    """The corners of boxes: top left, top right, bottom right, bottom left before any rotation.

    >>> corners_of(torch.tensor([[1.0, 2.0, 4.0, 6.0]], dtype=torch.float64), "XYWH").tolist()
    [[[1.0, 2.0], [5.0, 2.0], [5.0, 8.0], [1.0, 8.0]]]

    Args:
        boxes: float64 ``(m, 4)``, ``(m, 5)`` or ``(m, 8)``, by format.
        form: name of a ``torchvision.tv_tensors.BoundingBoxFormat``.

    Returns:
        float64 ``(m, 4, 2)``: x, y in pixels from the image's top left corner.
    """
    if form in _TO_ENDS:
        left, top, right, bottom = _TO_ENDS[form](*boxes.unbind(1))
        flat = torch.stack((left, top, right, top, right, bottom, left, bottom), dim=1)
    else:
        flat = _convert(boxes, form, _CORNERS)
    corners: Tensor = flat.unflatten(1, (4, 2))
    return corners


def boxes_around(
    corners: Tensor, form: str, size: tuple[int, int], clamping: str | None, mirrored: Tensor
) -> Tensor:
    """Boxes of a format around moved corners, as torchvision's transforms leave them.

    >>> moved = torch.tensor([[[7.0, 1.0], [3.0, 1.0], [3.0, 5.0], [7.0, 5.0]]], dtype=torch.float64)
    >>> boxes_around(moved, "XYWH", (8, 10), "soft", torch.tensor([True])).tolist()
    [[3.0, 1.0, 4.0, 4.0]]

    Args:
        corners: float64 ``(m, 4, 2)``.
        form: as in ``corners_of``.
        size: (height, width) of the image, at whose border boxes are cut off.
        clamping: torchvision's ``clamping_mode``; None cuts nothing off.
        mirrored: boolean ``(m,)``, the boxes whose corners now run the other way round.
    """
    height, width = size
    if form in _FROM_ENDS:
        low, high = corners.aminmax(dim=1)
        ends = torch.cat((low, high), dim=1)
        if clamping is not None:
            ends = torch.stack(
                [end.clamp(0, limit) for end, limit in zip(ends.unbind(1), (width, height) * 2, strict=True)],
                dim=1,
            )
        return torch.stack(_FROM_ENDS[form](*ends.unbind(1)), dim=1)
    turned = torch.where(mirrored[:, None, None], corners[:, [1, 0, 3, 2]], corners)
    flat = _rectangles(turned).flatten(1)
    if clamping is not None and len(flat):
        from torchvision.transforms.v2 import functional

        flat = functional.clamp_bounding_boxes(
            flat, format=_format(_CORNERS), canvas_size=size, clamping_mode=clamping
        )
    return _convert(flat, _CORNERS, form)


def _rectangles(corners: Tensor) -> Tensor:
    """The smallest rectangle around each parallelogram ``(m, 4, 2)``, along its longer side.

    A rectangle does not change.
    """
    across, down = corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]
    upright = torch.stack((down[:, 1], -down[:, 0]), dim=1)  # across, where down is the longer side
    longer = across.norm(dim=1) >= down.norm(dim=1)
    along = torch.where(longer[:, None], across, upright)
    length = along.norm(dim=1, keepdim=True)
    x = torch.where(length > 0, along / length.clamp(min=1e-300), torch.tensor([1.0, 0.0]).to(along))
    y = torch.stack((-x[:, 1], x[:, 0]), dim=1)
    middle = corners.mean(dim=1, keepdim=True)
    away = corners - middle
    half_width = (away * x[:, None]).sum(2).abs().amax(1)[:, None] * x
    half_height = (away * y[:, None]).sum(2).abs().amax(1)[:, None] * y
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return middle + torch.stack([i * half_width + j * half_height for i, j in signs], dim=1)


def _convert(boxes: Tensor, old: str, new: str) -> Tensor:
    # Rotated formats are torchvision's own, so their users have torchvision.
    from torchvision.transforms.v2 import functional

    if old == new:
        return boxes
    converted: Tensor = functional.convert_bounding_box_format(
        boxes, old_format=_format(old), new_format=_format(new)
    )
    return converted


def _format(name: str) -> object:
    from torchvision.tv_tensors import BoundingBoxFormat

    return BoundingBoxFormat[name]
