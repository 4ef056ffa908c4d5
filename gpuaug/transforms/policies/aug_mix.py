"""AugMix: several chains of ops on one image, mixed with the image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gpuaug import random
from gpuaug.images.batch import flat_storage, has_channels_last
from gpuaug.images.levels import full_precision
from gpuaug.ops.mix import MIX_UNIT
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.recipes import Group
from gpuaug.recipe.selection import Selection, both
from gpuaug.tracing import traced
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.policies.dirichlet import dirichlet
from gpuaug.transforms.policies.policy import Policy, check_channels
from gpuaug.transforms.policies.space import AUGMIX, AUGMIX_SHARE, torchvision_space
from gpuaug.transforms.ranges import flag, is_whole, number, whole
from gpuaug.transforms.step import Step

__all__ = ["AugMix"]

BINS = 10
MOST_STEPS = 3  # ops in a chain of random depth
ALL_OPS = ("Brightness", "Color", "Contrast", "Sharpness")
WORD = 2.0**32


class AugMix(Transform):
    """Mix an image with several versions of itself, each made by a random chain of ops.

    >>> import gpuaug
    >>> augment = gpuaug.Compose([gpuaug.AugMix(), gpuaug.Normalize(0.5, 0.5)])
    >>> augment(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Ops, magnitudes, signs and shares are torchvision's; each draw of a batch has its own chains and shares.
    The kernel makes the chains of all draws at once, in at most as many passes as a chain has ops. They are
    mixed in whole numbers, within 0.02 of a level before rounding (0.08 for 17 images). Beyond the image is
    black, and interpolation is bilinear. Masks, boxes and keypoints stay in place. ``print(augment.chains)``
    shows the ops.

    Args:
        severity: the strongest magnitude is bin ``severity - 1`` of 10; in [1, 10].
        mixture_width: number of chains, in [1, 16].
        chain_depth: number of ops in a chain, in [1, 10]; -1 draws 1 to 3 for each chain.
        alpha: parameter of the Dirichlet distributions of the shares, in [0.1, 100].
        all_ops: adds brightness, color, contrast and sharpness to the ops.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Attributes:
        chains: the policy that makes a chain.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if images do not
            have 1, 3 or 4 channels.
    """

    reference = "Hendrycks et al., AugMix, ICLR 2020; torchvision AugMix"
    stage = Stage.BATCHED
    backend = "torch"
    graded = False

    def __init__(
        self,
        severity: int = 3,
        mixture_width: int = 3,
        chain_depth: int = -1,
        alpha: float = 1.0,
        all_ops: bool = True,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.severity = whole("severity", severity, 1, BINS)
        self.mixture_width = whole("mixture_width", mixture_width, 1, 16)
        self.chain_depth = _depth(chain_depth)
        self.alpha = number("alpha", alpha, 0.1, 100)
        self.all_ops = flag("all_ops", all_ops)
        self.chains = Chain(self.severity, self.chain_depth, self.all_ops)
        chain = self.chains.step
        self.inner_passes = chain.passes + chain.counting_launches
        self.random_count = 2 + 3 * self.mixture_width

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        """Draw the shares of the image and of each chain, and the key of each chain."""
        width = self.mixture_width
        beta, shares, keys = batch.uniform(place).split_with_sizes((2, width, 2 * width), 1)
        own, others = dirichlet(beta, self.alpha).split(1, 1)
        shares = torch.cat((own, others * dirichlet(shares, self.alpha)), dim=1)
        return {"shares": shares, "keys": random.join((keys * WORD).long().unflatten(1, (width, 2)))}

    def write(self, builder: RecipeBuilder, selection: Selection, **parameters: Any) -> None:
        """Write nothing: the mix is not in the record."""

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        selection = both(chosen, augmented)
        if step.pass_index != batch.pass_index or selection is False:
            return
        check_channels(self, batch.builder)
        count = len(batch.keys)
        rows = torch.arange(count, device="cpu")
        drawn = self.draw_parameters(batch, step.place)
        if isinstance(selection, Tensor):
            if traced():  # a trace cannot select rows: other draws get only their own image
                itself = torch.eye(1, 1 + self.mixture_width, dtype=torch.float64, device="cpu")
                drawn["shares"] = torch.where(selection[:, None], drawn["shares"], itself)
            else:
                rows = rows[selection]
        if len(rows) == 0:
            return
        extent = batch.builder.extent
        # With several sizes in a pass the whole chain raises an error.
        width, height = extent if isinstance(extent, tuple) else extent[0].tolist()
        frames = torch.arange(batch.frames, device="cpu")  # each frame takes its clip's chains
        keys = drawn["keys"][rows].repeat_interleave(batch.frames, 0).flatten()
        nothing = torch.zeros_like(keys)
        passes = self.chains.make_recipes(
            torch.stack((nothing, nothing, keys), dim=1),
            (count * batch.frames, batch.builder.channels, height, width),
            (rows[:, None] * batch.frames + frames).flatten().repeat_interleave(self.mixture_width),
        )
        # All of an image is one step less than MIX_UNIT, which rounds to the same.
        shares = (drawn["shares"][rows] * MIX_UNIT).round().long().clamp(max=MIX_UNIT - 1)
        batch.groups.append(
            Group(step.place, 0, None if len(rows) == count else rows, {"shares": shares}, passes)
        )

    def transform_group(self, images: Tensor, group: Group) -> Tensor:
        chains, shares = self.chains.apply_recipes(images, group.passes), group.parameters["shares"]
        if not images.is_floating_point():
            return _mixed_bytes(images, chains, group.rows, shares)
        last = has_channels_last(images)
        memory_format = torch.channels_last if last else torch.contiguous_format
        with full_precision(images.device):
            some = images if group.rows is None else images.index_select(0, group.rows)
            out = _mixed_floats(some, chains.unflatten(0, (-1, self.mixture_width)), shares)
            if group.rows is not None:
                out = images.index_copy(0, group.rows, out)
        return out.contiguous(memory_format=memory_format)

    def extra_repr(self) -> str:
        return (
            f"severity={self.severity}, mixture_width={self.mixture_width}, "
            f"chain_depth={self.chain_depth}, alpha={self.alpha}, all_ops={self.all_ops}"
        )


class Chain(Policy):
    """One chain of ops."""

    def __init__(self, severity: int, depth: int, all_ops: bool) -> None:
        names = [name for name in AUGMIX if all_ops or name not in ALL_OPS]
        space = torchvision_space(names, AUGMIX, BINS, range(severity), share=AUGMIX_SHARE)
        slots = MOST_STEPS if depth < 0 else depth
        super().__init__(space, slots, 1 + 3 * slots, seed=0)
        self._severity, self._depth = severity, depth

    def choose(self, numbers: Tensor) -> Tensor:
        op, level, sign = numbers[:, 1:].unflatten(1, (self._slots, 3)).unbind(2)
        op = (op * len(self._space.entries)).long()
        rows = self._space.rows(op, (level * self._severity).long(), sign < 0.5)
        if self._depth > 0:
            return rows
        depth = 1 + (numbers[:, :1] * MOST_STEPS).long()
        return torch.where(torch.arange(self._slots, device="cpu") < depth, rows, self._space.nothing)


def _mixed_bytes(images: Tensor, chains: Tensor, rows: Tensor | None, shares: Tensor) -> Tensor:
    """Mix images in place with their ``chains``, which are the pass's own and change too."""
    (storage, interleaved), (parts, _) = flat_storage(images), flat_storage(chains)
    bytes_of_each = images.shape[1:].numel()
    torch.ops.gpuaug.mix(storage.view(-1, bytes_of_each), rows, parts.view(-1, bytes_of_each), shares)
    if not interleaved:
        return storage.view(images.shape)
    count, channels, height, width = images.shape
    return storage.view(count, height, width, channels).permute(0, 3, 1, 2)


def _mixed_floats(images: Tensor, chains: Tensor, shares: Tensor) -> Tensor:
    """Mix images ``(m, C, H, W)`` with their chains ``(m, width, C, H, W)``."""
    wide = torch.promote_types(images.dtype, torch.float32)
    columns = (shares.to(wide) / MIX_UNIT)[..., None, None, None].unbind(1)
    out = images.to(wide) * columns[0]
    for part, share in zip(chains.unbind(1), columns[1:], strict=True):
        out = torch.addcmul(out, part.to(wide), share)
    return out.to(images.dtype)


def _depth(depth: Any) -> int:
    if is_whole(depth) and depth == -1:
        return -1
    if not is_whole(depth):
        raise TypeError(f"chain_depth must be -1 or an int in [1, 10], got {type(depth).__name__}")
    if not 1 <= depth <= 10:
        raise ValueError(f"chain_depth must be -1 or in [1, 10], got {depth}")
    return int(depth)
