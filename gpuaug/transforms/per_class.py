"""Strength and choice of transforms by the class of a draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.selection import Selection, both
from gpuaug.transforms.base import Transform
from gpuaug.transforms.compose import Container, refuse_output
from gpuaug.transforms.draw_batch import DrawBatch, check_host_integers
from gpuaug.transforms.ranges import probability
from gpuaug.transforms.step import Step

__all__ = ["PerClass"]

Table = Tensor | Sequence[Any] | float


class PerClass(Container):
    """Apply transforms with the strength and probabilities of the draw's class.

    >>> import gpuaug
    >>> by_class = gpuaug.PerClass(
    ...     [gpuaug.RandomRotation(30), gpuaug.ColorJitter(0.5, 0.5, 0.5)],
    ...     strength=[0.2, 1.0],  # class 0 turns by 6 degrees at most, class 1 by 30
    ...     op_probability=[[0.5, 0.5], [1.0, 0.25]],
    ... )
    >>> augment = gpuaug.Compose([by_class, gpuaug.Normalize(0.5, 0.5)])
    >>> images, labels = torch.zeros(4, 3, 32, 32, dtype=torch.uint8), torch.tensor([0, 1, 1, 0])
    >>> augment(images, labels=labels).shape
    torch.Size([4, 3, 32, 32])

    A ``BalancedLoader`` passes its labels on; other callers give the classes of the draws as ``labels``. Each
    transform is applied to a draw independently, with the probability of its class.

    Strength 1 leaves a transform as it was built. A lower strength moves the drawn parameters proportionally
    towards the values that change nothing: angles and shifts towards 0, factors towards 1, a crop's area
    towards the whole image. Draws of strength 0 are left alone. Transforms without such parameters
    (``graded`` is False: flips, grey, invert, channel dropout and shuffle, sepia, equalize, CLAHE, ...) keep
    their form, and strength multiplies their probability.

    Both tables may be set at any time. Batches that a loader has already fetched keep the old ones.

    Args:
        transforms: at least one. None may hold ``Normalize`` or ``Window``.
        strength: ``(C,)`` in [0, 1], or one number for all classes.
        op_probability: ``(C, n)`` in [0, 1], for each of the ``n`` transforms, or one number for all.
        p: probability that a draw gets any of them, in [0, 1].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Attributes:
        strength, op_probability: copies as float64 tensors on the host, ``(C,)`` and ``(C, n)``, or ``()``.

    Raises:
        TypeError: if a transform is not one of gpuaug, or ``p`` is not a number; when called, if labels are
            not integers.
        ValueError: if a table has another shape or is out of range; when called, if a table has classes but
            no labels come, or if labels are out of [0, C).
    """

    def __init__(
        self,
        transforms: Sequence[Transform],
        strength: Table = 1.0,
        op_probability: Table = 1.0,
        p: float = 1.0,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(transforms, seed=seed)
        refuse_output(self)
        self._strength = self._op_probability = torch.ones((), dtype=torch.float64, device="cpu")
        self.set_tables(strength, op_probability)
        self.p = probability("p", p)
        self._chance = self.p  # the current probability that a draw gets any transform
        self.random_count = 1 + len(self.transforms)

    @property
    def strength(self) -> Tensor:
        return self._strength.clone()

    @strength.setter
    def strength(self, table: Table) -> None:
        self.set_tables(table, self._op_probability)

    @property
    def op_probability(self) -> Tensor:
        return self._op_probability.clone()

    @op_probability.setter
    def op_probability(self, table: Table) -> None:
        self.set_tables(self._strength, table)

    def set_tables(self, strength: Table, op_probability: Table) -> None:
        """Set both tables at once, for another number of classes."""
        strength = _table("strength", strength, ("C",))
        op_probability = _table("op_probability", op_probability, ("C", len(self.transforms)))
        if strength.dim() and op_probability.dim() and len(strength) != len(op_probability):
            raise ValueError(
                "strength and op_probability must have one row for each class, "
                f"got {len(strength)} and {len(op_probability)} rows"
            )
        self._strength, self._op_probability = strength, op_probability

    @contextmanager
    def as_levels(self, strength: Tensor, op_probability: Tensor) -> Iterator[None]:
        """Use other tables for a while: labels are their rows, and ``p`` is 1."""
        kept = self._strength, self._op_probability, self._chance
        self.set_tables(strength, op_probability)
        self._chance = 1.0
        try:
            yield
        finally:
            self._strength, self._op_probability, self._chance = kept

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        served, outer = both(chosen, augmented), batch.strength
        if served is False:
            super().write_pass(batch, step, False, augmented)
            return
        strength, chance = self._of_draws(batch)
        number = batch.uniform(step.place)
        served = both(served, (number[:, 0] < self._chance) & (strength > 0))
        batch.strength = strength if outer is None else strength * outer
        for column, child in enumerate(step.children):
            probable = chance[:, column] if child.transform.graded else chance[:, column] * batch.strength
            child.transform.write_pass(
                batch, child, both(served, number[:, 1 + column] < probable), augmented
            )
        batch.strength = outer

    def _of_draws(self, batch: DrawBatch) -> tuple[Tensor, Tensor]:
        """Strength ``(n,)`` and probabilities ``(n, transforms)`` of the draws."""
        strength, chance, count = self._strength, self._op_probability, len(batch.keys)
        if strength.dim() or chance.dim():
            labels = _checked(batch, len(strength if strength.dim() else chance), self)
            strength, chance = (
                table.index_select(0, labels) if table.dim() else table for table in (strength, chance)
            )
        return strength.expand(count), chance.expand(count, len(self.transforms))

    def extra_repr(self) -> str:
        def brief(table: Tensor) -> str:
            if table.dim() == 0:
                return f"{float(table):g}"
            return f"{float(table.min()):.3g} to {float(table.max()):.3g} by class"

        return f"strength={brief(self._strength)}, op_probability={brief(self._op_probability)}, p={self.p}"


def _table(name: str, value: Table, shape: tuple[str | int, ...]) -> Tensor:
    table = torch.as_tensor(value, dtype=torch.float64, device=getattr(value, "device", "cpu"))
    known = table.dim() == len(shape) and len(table) > 0 and table.shape[1:] == tuple(shape[1:])
    if table.dim() and not known:
        wanted = "(C,)" if len(shape) == 1 else f"(C, {shape[1]}), a column for each transform,"
        raise ValueError(f"{name} must be a number or {wanted} got shape {tuple(table.shape)}")
    if not bool(((table >= 0) & (table <= 1)).all()):
        raise ValueError(f"{name} must be in [0, 1], got {value}")
    if not table.is_cpu:
        raise RuntimeError(f"{name} must be on the host, where parameters are drawn, got {table.device}")
    # A copy, as NumPy shares its memory: later changes of the caller's value are no setting.
    return table.clone()


def _checked(batch: DrawBatch, classes: int, transform: PerClass) -> Tensor:
    labels = batch.labels
    if labels is None:
        raise ValueError(
            f"labels must be given, one for each draw, got None: {transform.label()} needs classes"
        )
    if isinstance(labels, Tensor) and not (labels.is_floating_point() or labels.is_complex()):
        labels = labels.long()  # samplers accept booleans and short integers too
    check_host_integers("labels", labels, "(n,)")
    if labels.shape != batch.keys.shape:
        raise ValueError(f"labels must have shape {tuple(batch.keys.shape)}, got {tuple(labels.shape)}")
    if torch.compiler.is_compiling():
        # index_select checks when the graph runs, but some backends count negative labels from the end.
        return torch.where(labels < 0, classes, labels)
    for n in ((labels < 0) | (labels >= classes)).nonzero().flatten()[:1].tolist():
        raise ValueError(
            f"labels must be in [0, {classes}), got {int(labels[n])} for {batch.builder.name_of(n)}"
        )
    return labels
