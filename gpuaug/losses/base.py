"""The common part of the losses: labels of mixes, class weights that may be deferred, means, dtypes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor, nn

from gpuaug.losses.counts import SHARES, Counts, read_counts
from gpuaug.losses.targets import Targets, check_logits, read_targets

REDUCTIONS = ("mean", "sum", "none")


class ClassLoss(nn.Module):
    """Base of the losses; a subclass computes the loss of one label for each row (``each``).

    >>> class HingeLoss(ClassLoss):
    ...     def each(self, scores: Tensor, label: Tensor) -> Tensor:
    ...         return (1 - scores.gather(1, label[:, None])[:, 0]).clamp(min=0)
    >>> loss = HingeLoss(classes=2, weight=[1.0, 3.0], deferred=0, reduction="mean")
    >>> loss(torch.tensor([[0.5, 0.0], [0.0, 0.9]]), torch.tensor([0, 1]))
    tensor(0.2000)

    The following holds for all losses.

    Shapes and dtypes: ``logits`` are floating ``(n, C)``. Half and bfloat16 are computed in float32, with and
    without autocast, and give a float32 result; float64 stays float64. ``targets`` are class numbers ``(n,)``
    of any integer dtype, in the order of the counts. Or they are the targets of a mix, ``(y1, y2, lam)``,
    each ``(n,)``: the loss of a row is then ``lam * loss(y1) + (1 - lam) * loss(y2)``. Other soft labels are
    refused.

    Units: nats.

    Mean: as in torch's ``CrossEntropyLoss``, the sum of weighted losses divided by the sum of their weights.
    The weight of a row with two labels is ``lam * weight[y1] + (1 - lam) * weight[y2]``. Without rows the
    mean is NaN.

    Weights: with ``deferred``, every class weighs 1 until ``set_epoch`` reaches this epoch, like the
    sampler's schedule of the same name. ``state_dict`` holds the epoch; all else is settings.

    Args:
        classes: number of classes C; None if only the logits determine it.
        weight: weight of each class, ``(C,)``, finite and above 0.
        deferred: first epoch in which the weights apply, at least 0.
        reduction: "mean", "sum" or "none".

    Raises:
        TypeError: if a setting, the logits or the targets are of another type or dtype.
        ValueError: if counts, weights or settings are out of range; when called, if shapes do not fit or a
            label is no class. A GPU is not waited for: there, and under ``torch.compile``, such a label makes
            the loss NaN.
        RuntimeError: when called, if tensors are on two devices: use ``loss.to(device)``.
    """

    def __init__(self, *, classes: int | None, weight: Counts | None, deferred: int, reduction: str) -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction must be one of {', '.join(REDUCTIONS)}, got {reduction!r}")
        self.reduction = reduction
        self.deferred = _epoch("deferred", deferred)
        if deferred and weight is None:
            raise ValueError(f"deferred must be 0 without a weight to defer, got {deferred}")
        table = None if weight is None else read_counts("weight", weight, SHARES)
        if table is not None and classes is not None and len(table) != classes:
            raise ValueError(f"weight must have an entry for each of {classes} classes, got {len(table)}")
        self.classes = classes if table is None else len(table)
        self.register_buffer("weight", table, persistent=False)
        # A buffer whose values change: torch.compile need not recompile when the weights begin.
        self.register_buffer("_now", None if table is None else table.clone(), persistent=False)
        self.set_epoch(0)

    weight: Tensor | None
    _now: Tensor | None

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, 0, 1, ..., of the next batches; ``deferred`` weights apply from their epoch on."""
        self.epoch = _epoch("epoch", epoch)
        if self._now is not None and self.weight is not None:
            self._now.copy_(self.weight if epoch >= self.deferred else torch.ones_like(self.weight))

    def forward(self, logits: Tensor, targets: Targets) -> Tensor:
        """Compute the loss of ``logits`` ``(n, C)``: a scalar, or ``(n,)`` for ``reduction="none"``."""
        scores = check_logits(logits, self.classes)
        self._check_device(scores)
        losses, weights = torch.zeros_like(scores[:, 0]), torch.zeros_like(scores[:, 0])
        for label, share in read_targets(targets, scores):
            weight = torch.ones_like(losses) if self._now is None else self._now.to(scores.dtype)[label]
            weight = weight if share is None else share * weight
            # A label without a share costs nothing, also where its logit is -inf and its loss infinite.
            losses = losses + (weight * self.each(scores, label)).masked_fill(weight == 0, 0)
            weights = weights + weight
        if self.reduction == "none":
            return losses
        return losses.sum() if self.reduction == "sum" else losses.sum() / weights.sum()

    @abstractmethod
    def each(self, scores: Tensor, label: Tensor) -> Tensor:
        """Compute the loss of each row, ``(n,)``, from scores ``(n, C)`` and labels int64 ``(n,)`` in [0,
        C).
        """

    def prior(self, drawn: Counts) -> Tensor:
        """The class shares that the logits of a model trained with this loss carry, for ``prior_correction``.

        >>> from gpuaug.losses import FocalLoss
        >>> FocalLoss(gamma=0.0, weight=[1.0, 3.0]).prior([0.75, 0.25])
        tensor([0.5000, 0.5000], dtype=torch.float64)

        They are the draws' shares, multiplied by the weights of the current epoch and divided by the loss's
        own adjustment. This holds for cross-entropy, weighted and adjusted. Focal loss, LDAM and smoothed
        labels also make probabilities more or less certain, which no shift of a prior can take back.

        Args:
            drawn: the shares of the classes among the draws, or their counts, ``(C,)`` and above 0.

        Returns:
            float64 ``(C,)`` on the host; the sum is 1.

        Raises:
            TypeError, ValueError: if ``drawn`` is not numbers, has another length or is out of range.
        """
        shares = read_counts("drawn", drawn, SHARES)
        if self.classes is not None and len(shares) != self.classes:
            raise ValueError(
                f"drawn must have an entry for each of {self.classes} classes, got {len(shares)}"
            )
        shares = shares if self._now is None else shares * self._now.cpu()
        shares = self._carried(shares)
        return shares / shares.sum()

    def _carried(self, shares: Tensor) -> Tensor:
        """Apply the loss's own adjustment to the shares, before they are divided by their sum."""
        return shares

    def get_extra_state(self) -> dict[str, int]:
        return {"epoch": self.epoch}

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.set_epoch(state["epoch"])

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> ClassLoss:
        # The tables move with the model, but keep their precision when it becomes half: log-shares and
        # margins of three digits would change the loss.
        tables = {name: table for name, table in self._buffers.items() if table is not None}
        super()._apply(fn, recurse)
        for name, table in tables.items():
            moved = self._buffers[name]
            if moved is not None:
                self._buffers[name] = table.to(moved.device)
        return self

    def _check_device(self, scores: Tensor) -> None:
        for table in self._buffers.values():
            if table is not None and table.device != scores.device:
                raise RuntimeError(
                    f"logits and the loss must be on one device, got {scores.device} and {table.device}: "
                    "loss.to(device)"
                )

    def extra_repr(self) -> str:
        weights = "" if self.weight is None else f"weight={_short(self.weight)}, deferred={self.deferred}, "
        return f"{weights}reduction={self.reduction!r}"


def _short(table: Tensor) -> list[float]:
    return [round(value, 4) for value in table.tolist()]


def _epoch(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):  # NumPy's too, as with samplers
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{name} must be at least 0, got {value}")
    return int(value)


def finite_number(name: str, value: Any, *, above: bool = False) -> float:
    """Check a finite number of at least 0, or with ``above`` above 0.

    >>> finite_number("gamma", 2)
    2.0
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    number = float(value)
    if not (number > 0 if above else number >= 0) or number == float("inf"):
        raise ValueError(f"{name} must be finite and {'above' if above else 'at least'} 0, got {value}")
    return number
