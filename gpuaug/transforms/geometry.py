"""Crops, resizes and flips. A chain of them is one affine map, and one bilinear resampling."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gpuaug.images import check_size
from gpuaug.recipe import BORDERS, Draft
from gpuaug.transforms.base import Job, Transform
from gpuaug.transforms.plan import Geometry, Stage, Step
from gpuaug.transforms.settings import interval, probability

Size = int | tuple[int, int]


class _Sized(Transform):
    """A transform after which every draw has one size; a draw that is not augmented is resized to it."""

    stage = Stage.GEOMETRY
    geometry = Geometry.SIZE

    def __init__(self, size: Size, *, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.size = check_size(size)

    def compile_plain(self, draft: Draft, active: Tensor) -> None:
        draft.resize(*self.size, active=active)

    def extra_repr(self) -> str:
        return f"size={self.size}"


class RandomCrop(_Sized):
    """A window of a fixed size at a random place.

    >>> import gpuaug
    >>> crop = gpuaug.Compose([gpuaug.RandomCrop(20), gpuaug.Resize((32, 32))])  # the article's
    >>> crop(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    A draw that is not augmented (an original under ``apply_to="copies"``, and every draw in evaluation) is
    resized to ``size`` as a whole.

    Args:
        size: (height, width) of the window in pixels, or one number for both.
        padding: pixels that the window may reach beyond the image, on every side.
        padding_mode: what is there: "zero", "edge", or "reflect" (the edge not repeated).

    Raises:
        ValueError: a window larger than the padded image, naming the draw.
    """

    def __init__(self, size: Size, *, padding: int = 0, padding_mode: str = "zero", seed: int = 0) -> None:
        super().__init__(size, seed=seed)
        if isinstance(padding, bool) or not isinstance(padding, int):
            raise TypeError(f"padding must be an int, got {type(padding).__name__}")
        if padding < 0:
            raise ValueError(f"padding must be at least 0 pixels, got {padding}")
        if padding_mode not in BORDERS:
            raise ValueError(f"padding_mode must be one of {', '.join(BORDERS)}, got {padding_mode!r}")
        self.padding, self.padding_mode = padding, padding_mode
        self.geometry = Geometry.PAD if padding else Geometry.SIZE

    def make_params(self, job: Job, step: Step) -> dict[str, Tensor]:
        room_x, room_y = _room(self.size, job.draft, self.padding)
        u = job.uniform(step, 2)
        return {
            "left": (u[:, 0] * (room_x + 1)).long() - self.padding,
            "top": (u[:, 1] * (room_y + 1)).long() - self.padding,
        }

    def compile(self, draft: Draft, active: Tensor, *, left: Tensor, top: Tensor) -> None:
        _check_room(self, draft, active, self.padding)
        if self.padding:
            draft.border(self.padding_mode, active=active)
        draft.crop(left=left, top=top, width=self.size[1], height=self.size[0], active=active)

    def extra_repr(self) -> str:
        pad = f", padding={self.padding}, padding_mode={self.padding_mode!r}" if self.padding else ""
        return f"{super().extra_repr()}{pad}"


class RandomResizedCrop(_Sized):
    """A window of random area and aspect ratio, resized to a fixed size.

    >>> import gpuaug
    >>> gpuaug.RandomResizedCrop(32)(torch.zeros(2, 3, 48, 64, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    The window is drawn as in torchvision (and Szegedy et al., CVPR 2015): ten tries at an area uniform in
    ``scale`` and a ratio log-uniform in ``ratio``; where none fits, the largest central window of an allowed
    ratio. Bilinear, without antialiasing.

    Args:
        size: (height, width) of the result in pixels, or one number for both.
        scale: least and most share of the image's area, in (0, 1].
        ratio: least and most width / height of the window.
    """

    _TRIES = 10

    def __init__(
        self,
        size: Size,
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(size, seed=seed)
        self.scale = interval("scale", scale, high=1.0)
        self.ratio = interval("ratio", ratio)

    def make_params(self, job: Job, step: Step) -> dict[str, Tensor]:
        height, width = job.draft.height[:, None], job.draft.width[:, None]
        u = job.uniform(step, 2 * self._TRIES + 2)
        area = (height * width) * _between(self.scale, u[:, : self._TRIES])
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        ratio = torch.exp(_between((low, high), u[:, self._TRIES : 2 * self._TRIES]))
        w, h = (area * ratio).sqrt().round().long(), (area / ratio).sqrt().round().long()
        fits = (w > 0) & (w <= width) & (h > 0) & (h <= height)

        first = fits.int().argmax(1, keepdim=True)  # where none fits this is 0, and the fallback replaces it
        w, h = w.gather(1, first)[:, 0], h.gather(1, first)[:, 0]
        fallback_w, fallback_h = self._fallback(job.draft)
        none = ~fits.any(1)
        w, h = torch.where(none, fallback_w, w), torch.where(none, fallback_h, h)
        room_x, room_y = job.draft.width - w, job.draft.height - h
        left, top = ((u[:, i] * (room + 1)).long() for i, room in ((-2, room_x), (-1, room_y)))
        return {
            "left": torch.where(none, room_x // 2, left),
            "top": torch.where(none, room_y // 2, top),
            "width": w,
            "height": h,
        }

    def _fallback(self, draft: Draft) -> tuple[Tensor, Tensor]:
        w = torch.minimum(draft.width, (draft.height * self.ratio[1]).round().long().clamp(min=1))
        h = torch.minimum(draft.height, (draft.width / self.ratio[0]).round().long().clamp(min=1))
        return w, h

    def compile(
        self, draft: Draft, active: Tensor, *, left: Tensor, top: Tensor, width: Tensor, height: Tensor
    ) -> None:
        draft.crop(left=left, top=top, width=width, height=height, active=active)
        draft.resize(*self.size, active=active)

    def extra_repr(self) -> str:
        ratio = ", ".join(f"{r:.3g}" for r in self.ratio)
        return f"{super().extra_repr()}, scale={self.scale}, ratio=({ratio})"


class Resize(Transform):
    """Resize every draw, bilinearly, without antialiasing; originals and evaluation too.

    >>> import gpuaug
    >>> gpuaug.Resize(32)(torch.zeros(2, 3, 48, 64, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 42])

    Args:
        size: (height, width) in pixels, or one number for the shorter side, which keeps the aspect ratio (as
            in torchvision).
    """

    stage = Stage.GEOMETRY
    geometry = Geometry.SIZE
    deterministic = True

    def __init__(self, size: Size, *, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.size = check_size(size)
        self.by_shorter_side = isinstance(size, int)

    def compile(self, draft: Draft, active: Tensor) -> None:
        height, width = self.size
        if self.by_shorter_side:
            shorter = torch.minimum(draft.height, draft.width)
            height, width = self.size[0] * draft.height // shorter, self.size[0] * draft.width // shorter
        draft.resize(height, width, active=active)

    def compile_plain(self, draft: Draft, active: Tensor) -> None:
        self.compile(draft, active)

    def extra_repr(self) -> str:
        return f"size={self.size[0] if self.by_shorter_side else self.size}"


class CenterCrop(_Sized):
    """The window in the middle; originals and evaluation too.

    >>> import gpuaug
    >>> gpuaug.CenterCrop(24)(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 24, 24])

    Args:
        size: (height, width) in pixels, or one number for both; at most the image's.
    """

    deterministic = True

    def compile(self, draft: Draft, active: Tensor) -> None:
        _check_room(self, draft, active)
        left, top = (
            (room / 2).round().long() for room in _room(self.size, draft)
        )  # half to even, as torchvision's
        draft.crop(left=left, top=top, width=self.size[1], height=self.size[0], active=active)


class _Flip(Transform):
    stage = Stage.GEOMETRY
    geometry = Geometry.FLIP
    axis: str

    def __init__(self, p: float = 0.5, *, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.p = probability("p", p)

    def make_params(self, job: Job, step: Step) -> dict[str, Tensor]:
        return {"flipped": job.choose(step, self.p)}

    def compile(self, draft: Draft, active: Tensor, *, flipped: Tensor) -> None:
        draft.flip(**{self.axis: active & flipped})

    def extra_repr(self) -> str:
        return f"p={self.p}"


class RandomHorizontalFlip(_Flip):
    """Mirror left and right, with probability ``p``.

    >>> import gpuaug
    >>> gpuaug.RandomHorizontalFlip(p=1.0)(torch.tensor([[[[1, 2]]]], dtype=torch.uint8))
    tensor([[[[2, 1]]]], dtype=torch.uint8)
    """

    axis = "horizontal"


class RandomVerticalFlip(_Flip):
    """Mirror top and bottom, with probability ``p``.

    >>> import gpuaug
    >>> gpuaug.RandomVerticalFlip(p=1.0)(torch.tensor([[[[1], [2]]]], dtype=torch.uint8)).flatten()
    tensor([2, 1], dtype=torch.uint8)
    """

    axis = "vertical"


def _between(bounds: tuple[float, float], u: Tensor) -> Tensor:
    return bounds[0] + u * (bounds[1] - bounds[0])


def _room(size: tuple[int, int], draft: Draft, padding: int = 0) -> tuple[Tensor, Tensor]:
    """How far a window of that size can move to the right and down."""
    return draft.width + 2 * padding - size[1], draft.height + 2 * padding - size[0]


def _check_room(transform: _Sized, draft: Draft, active: Tensor, padding: int = 0) -> None:
    room_x, room_y = _room(transform.size, draft, padding)
    for n in (active & ((room_x < 0) | (room_y < 0))).nonzero().flatten()[:1].tolist():
        raise ValueError(
            f"{type(transform).__name__}: size must be at most the image's with its padding, "
            f"got {transform.size[0]} x {transform.size[1]} for draw {n} "
            f"of {int(draft.height[n])} x {int(draft.width[n])} pixels"
        )
