"""The arguments of a loss: logits, and class numbers or the two labels of a mix."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.tracing import traced

Targets = Tensor | tuple[Tensor, Tensor, Tensor]


def check_logits(logits: Tensor, classes: int | None) -> Tensor:
    """Check logits ``(n, C)``, and convert them to float32; float64 stays float64.

    >>> check_logits(torch.zeros(3, 2, dtype=torch.bfloat16), 2).dtype
    torch.float32

    Raises:
        TypeError: if logits are not a floating tensor.
        ValueError: if they have another shape or number of classes.
    """
    if not isinstance(logits, Tensor):
        raise TypeError(f"logits must be a tensor (n, C), got {type(logits).__name__}")
    if not logits.is_floating_point():
        raise TypeError(f"logits must be floating, got {logits.dtype}")
    if logits.dim() != 2 or logits.shape[1] == 0:
        raise ValueError(f"logits must be (n, C), got shape {tuple(logits.shape)}")
    if classes is not None and logits.shape[1] != classes:
        raise ValueError(f"logits must have the {classes} classes of the loss, got {logits.shape[1]}")
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def read_targets(targets: Targets, scores: Tensor) -> list[tuple[Tensor, Tensor | None]]:
    """Read the labels of ``scores``, each with its share: one without a share, or the two of a mix.

    >>> scores = torch.zeros(2, 3)
    >>> read_targets(torch.tensor([2, 0]), scores)
    [(tensor([2, 0]), None)]
    >>> read_targets((torch.tensor([2, 0]), torch.tensor([1, 1]), torch.tensor([0.75, 1.0])), scores)
    [(tensor([2, 0]), tensor([0.7500, 1.0000])), (tensor([1, 1]), tensor([0.2500, 0.0000]))]

    Labels become int64 in [0, C). On the host, a label out of this range is refused. A GPU is not waited for:
    there, and under ``torch.compile``, the share of such a label is NaN, and so is the loss.
    """
    if isinstance(targets, tuple | list):
        if len(targets) != 3 or not all(isinstance(part, Tensor) for part in targets):
            raise TypeError(
                f"targets must be three tensors (y1, y2, lam) where they are a {type(targets).__name__}, as "
                "gpuaug's mixes give them"
            )
        first, second, share = targets
        share = _check_share(share, scores)
        return [_checked(first, share, scores), _checked(second, 1 - share, scores)]
    if not isinstance(targets, Tensor):
        raise TypeError(f"targets must be a tensor (n,), or (y1, y2, lam), got {type(targets).__name__}")
    return [_checked(targets, None, scores)]


def _check_share(share: Tensor, scores: Tensor) -> Tensor:
    _check_place("lam", share, scores)
    if not share.is_floating_point():
        raise TypeError(f"lam must be floating, got {share.dtype}")
    if share.is_cpu and not traced():
        for n in (~((share >= 0) & (share <= 1))).nonzero().flatten()[:1].tolist():
            raise ValueError(f"lam must be in [0, 1], got {float(share[n])} at position {n}")
    return share.to(scores.dtype)


def _checked(label: Tensor, share: Tensor | None, scores: Tensor) -> tuple[Tensor, Tensor | None]:
    if label.is_floating_point() or label.is_complex():
        raise TypeError(
            f"targets must be integers (n,), got {label.dtype} {tuple(label.shape)}; soft labels come as "
            "(y1, y2, lam)"
        )
    _check_place("targets", label, scores)
    classes = scores.shape[1]
    label = label.long()
    known = (label >= 0) & (label < classes)
    if label.is_cpu and not traced():
        for n in (~known).nonzero().flatten()[:1].tolist():
            raise ValueError(f"targets must be in [0, {classes}), got {int(label[n])} at position {n}")
        return label, share
    share = torch.ones_like(label, dtype=scores.dtype) if share is None else share
    return label.clamp(0, classes - 1), torch.where(known, share, torch.nan)


def _check_place(name: str, given: Tensor, scores: Tensor) -> None:
    if given.shape != scores.shape[:1]:
        raise ValueError(
            f"{name} must be ({len(scores)},), one for each row of logits, got {tuple(given.shape)}"
        )
    if given.device != scores.device:
        raise RuntimeError(f"logits and {name} must be on one device, got {scores.device} and {given.device}")
