"""Logit adjustment: in the loss, and after training."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from gpuaug.losses.base import ClassLoss, finite_number
from gpuaug.losses.counts import SHARES, Counts, read_counts

__all__ = ["LogitAdjustedLoss", "logit_adjustment"]


class LogitAdjustedLoss(ClassLoss):
    """Cross-entropy of ``logits + tau * log(prior)``: a rare class must win by a margin.

    >>> loss = LogitAdjustedLoss({"cat": 300, "dog": 100})
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor(0.8370)

    In the example logits of zero cost as much as the classes' own shares, the mean of -log(0.75) and
    -log(0.25). With tau 1 the model learns logits for equal shares, and predicts without the adjustment.
    Source: Menon et al., "Long-tail learning via logit adjustment", ICLR 2021.

    Args:
        class_counts: ``(C,)``, each above 0, of the data that the loss is trained on: ``sampler.plan_``, or
            ``sampler.counts_`` where the draws are natural. Only their ratios count, so
            ``sampler.priors(epoch)`` works too.
        tau: factor of the adjustment, finite and at least 0; 0 is cross-entropy.
        weight: weight of each class, ``(C,)``, finite and above 0. Default: all classes weigh 1.
        deferred: first epoch in which ``weight`` applies, at least 0; see ``set_epoch``.
        reduction: "mean" (weighted, as in torch's ``CrossEntropyLoss``), "sum" or "none".

    Raises:
        TypeError, ValueError: if a setting is of another type, shape or range; when called, as in
            ``ClassLoss``, which also describes shapes and dtypes.
    """

    def __init__(
        self,
        class_counts: Counts,
        tau: float = 1.0,
        *,
        weight: Counts | None = None,
        deferred: int = 0,
        reduction: str = "mean",
    ) -> None:
        counts = read_counts("class_counts", class_counts, SHARES)
        super().__init__(classes=len(counts), weight=weight, deferred=deferred, reduction=reduction)
        self.tau = finite_number("tau", tau)
        self.register_buffer("adjustment", _log_shares(counts) * self.tau, persistent=False)

    adjustment: Tensor  # float64 (C,): what is added to the logits

    def each(self, scores: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(scores + self.adjustment.to(scores.dtype), label, reduction="none")

    def _carried(self, shares: Tensor) -> Tensor:
        # In logarithms: for a large tau, shares to the power of tau leave the range of float64.
        carried = (shares.log() - self.adjustment.cpu()).softmax(dim=0)
        return carried.clamp(min=torch.finfo(carried.dtype).tiny)

    def extra_repr(self) -> str:
        return f"tau={self.tau}, {super().extra_repr()}"


def logit_adjustment(logits: Tensor, class_counts: Counts, tau: float = 1.0) -> Tensor:
    """Adjust the logits of a model trained with plain cross-entropy: ``logits - tau * log(prior)``.

    >>> logits = torch.tensor([[1.0, 0.0]])  # a cat, unless dogs are seen as often as cats
    >>> logit_adjustment(logits, {"cat": 300, "dog": 100}).argmax(dim=1)
    tensor([1])

    With tau 1, ``prior_correction`` to equal shares gives the same probabilities. Source: Menon et al.,
    "Long-tail learning via logit adjustment", ICLR 2021.

    Args:
        logits: ``(..., C)``, floating.
        class_counts: ``(C,)``, each above 0, of the data that the model was trained on; only their ratios
            count.
        tau: factor of the adjustment, finite and at least 0.

    Returns:
        ``(..., C)`` in the logits' dtype; half and bfloat16 are computed in float32.

    Raises:
        TypeError, ValueError: if logits, counts or tau are of another type, shape or range.
    """
    counts = read_counts("class_counts", class_counts, SHARES)
    return shifted(logits, -finite_number("tau", tau) * _log_shares(counts))


def shifted(logits: Tensor, shift: Tensor) -> Tensor:
    """Add a number for each class, ``(C,)``, to logits ``(..., C)``, in the logits' dtype.

    >>> shifted(torch.zeros(1, 2), torch.tensor([0.5, 0.0]))
    tensor([[0.5000, 0.0000]])
    """
    if not isinstance(logits, Tensor):
        raise TypeError(f"logits must be a tensor (..., C), got {type(logits).__name__}")
    if not logits.is_floating_point():
        raise TypeError(f"logits must be floating, got {logits.dtype}")
    if logits.dim() == 0 or logits.shape[-1] != len(shift):
        raise ValueError(f"logits must be (..., {len(shift)}), got shape {tuple(logits.shape)}")
    dtype = torch.promote_types(logits.dtype, torch.float32)
    return (logits.to(dtype) + shift.to(logits.device, dtype)).to(logits.dtype)


def _log_shares(counts: Tensor) -> Tensor:
    return (counts / counts.sum()).log()
