"""What the losses share: labels of mixes, weights of the classes that may be deferred, means, dtypes."""

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
    """Base of the losses; a subclass says what one label of one row costs (``each``).

    >>> class HingeLoss(ClassLoss):
    ...     def each(self, scores: Tensor, label: Tensor) -> Tensor:
    ...         return (1 - scores.gather(1, label[:, None])[:, 0]).clamp(min=0)
    >>> loss = HingeLoss(classes=2, weight=[1.0, 3.0], deferred=0, reduction="mean")
    >>> loss(torch.tensor([[0.5, 0.0], [0.0, 0.9]]), torch.tensor([0, 1]))
    tensor(0.2000)

    What holds for all of them:

    Shapes and dtypes: ``logits`` are floating ``(n, C)``. Half and bfloat16 are computed in float32, with and
    without autocast, and so is the result; float64 stays. ``targets`` are class numbers ``(n,)``, of any
    integer dtype, in the order of the counts. Or they are what a mix gives, ``(y1, y2, lam)``, each ``(n,)``:
    then a row costs ``lam * loss(y1) + (1 - lam) * loss(y2)``. Other soft labels are refused.

    Units: nats.

    Mean: as that of torch's ``CrossEntropyLoss``, the sum of weighted losses over the sum of their weights;
    the weight of a row of two labels is ``lam * weight[y1] + (1 - lam) * weight[y2]``. Of no rows it is NaN.

    Weights: with ``deferred``, every class weighs 1 until ``set_epoch`` says that epoch, as with the
    sampler's schedule of that name. ``state_dict`` has the epoch; all else is settings.

    Errors: TypeError for other dtypes, ValueError for other shapes, for counts, weights and settings out of
    range and for labels that are no class. RuntimeError for tensors on two devices: ``loss.to(device)``. A
    GPU is not waited for: there, and under ``torch.compile``, a label that is no class makes the loss NaN.

    Args:
        classes: C, None where only the logits say.
        weight: of each class, ``(C,)``, finite and above 0.
        deferred: the first epoch whose classes have their weights, at least 0.
        reduction: "mean", "sum" or "none".
    """

    def __init__(self, *, classes: int | None, weight: Counts | None, deferred: int, reduction: str) -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction must be of {', '.join(REDUCTIONS)}, got {reduction!r}")
        self.reduction = reduction
        self.deferred = _epoch("deferred", deferred)
        if deferred and weight is None:
            raise ValueError(f"deferred must be 0 where there is no weight to defer, got {deferred}")
        table = None if weight is None else read_counts("weight", weight, SHARES)
        if table is not None and classes is not None and len(table) != classes:
            raise ValueError(f"weight must be one for each of the {classes} classes, got {len(table)}")
        self.classes = classes if table is None else len(table)
        self.register_buffer("weight", table, persistent=False)
        # A buffer that changes its values: torch.compile need not compile anew when the weights begin.
        self.register_buffer("_now", None if table is None else table.clone(), persistent=False)
        self.set_epoch(0)

    weight: Tensor | None
    _now: Tensor | None

    def set_epoch(self, epoch: int) -> None:
        """Says which epoch, 0, 1, ..., the next batches are of: ``deferred`` weights wait for theirs."""
        self.epoch = _epoch("epoch", epoch)
        if self._now is not None and self.weight is not None:
            self._now.copy_(self.weight if epoch >= self.deferred else torch.ones_like(self.weight))

    def forward(self, logits: Tensor, targets: Targets) -> Tensor:
        """The loss of ``logits`` ``(n, C)``: a scalar, or ``(n,)`` for ``reduction="none"``."""
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
        """What each row costs, ``(n,)``, of scores ``(n, C)`` and labels int64 ``(n,)`` in [0, C)."""

    def prior(self, drawn: Counts) -> Tensor:
        """The shares of the classes that the logits of a model carry which this loss trained: what
        ``prior_correction`` takes back.

        >>> from gpuaug.losses import FocalLoss
        >>> FocalLoss(gamma=0.0, weight=[1.0, 3.0]).prior([0.75, 0.25])
        tensor([0.5000, 0.5000], dtype=torch.float64)

        They are the draws' shares, times the weights that hold in the epoch, over what a loss adjusts for.
        That is so for cross-entropy, weighted and adjusted. Focal loss, LDAM and smoothed labels also make
        probabilities more or less certain, which no shift of a prior takes back.

        Args:
            drawn: the shares of the classes among the draws, or their counts, ``(C,)`` and above 0.

        Returns:
            float64 ``(C,)`` on the host; the sum is 1.
        """
        shares = read_counts("drawn", drawn, SHARES)
        if self.classes is not None and len(shares) != self.classes:
            raise ValueError(f"drawn must be one for each of the {self.classes} classes, got {len(shares)}")
        shares = shares if self._now is None else shares * self._now.cpu()
        shares = self._carried(shares)
        return shares / shares.sum()

    def _carried(self, shares: Tensor) -> Tensor:
        """What the loss itself makes of the shares, before they are divided by their sum."""
        return shares

    def get_extra_state(self) -> dict[str, int]:
        return {"epoch": self.epoch}

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.set_epoch(state["epoch"])

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> ClassLoss:
        # The tables move with the model, but keep their precision where it becomes half: log-shares and
        # margins of three digits would be another loss.
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
    """A finite number of at least 0, or above it.

    >>> finite_number("gamma", 2)
    2.0
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    number = float(value)
    if not (number > 0 if above else number >= 0) or number == float("inf"):
        raise ValueError(f"{name} must be finite and {'above' if above else 'at least'} 0, got {value}")
    return number
