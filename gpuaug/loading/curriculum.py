"""The curriculum: it adapts the strength of each class to what the model has learned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from gpuaug import random
from gpuaug.loading.loader import BalancedLoader
from gpuaug.sampling.labels.read import read_labels
from gpuaug.sampling.labels.table import Class
from gpuaug.transforms import PerClass
from gpuaug.transforms.ranges import probability, whole

# Copy numbers from here on mark probes. No sampler reaches them, so that no probe is a draw of training.
PROBES = 1 << 31


class Curriculum:
    """Adapts the augmentation strength of each class: up where the model predicts it well, else down.

    >>> import gpuaug
    >>> images, labels = torch.zeros(12, 3, 8, 8, dtype=torch.uint8), torch.tensor([0] * 9 + [1] * 3)
    >>> by_class = gpuaug.PerClass([gpuaug.RandomAffine(15), gpuaug.ColorJitter(0.4, 0.4, 0.4)], p=0.5)
    >>> augment = gpuaug.Compose([by_class, gpuaug.Normalize(0.5, 0.5)])
    >>> sampler = gpuaug.BalancedSampler(labels)
    >>> loader = gpuaug.BalancedLoader(gpuaug.DeviceDataset(images, labels), sampler, augment)
    >>> curriculum = gpuaug.Curriculum(loader, labels)
    >>> model = lambda images: torch.zeros(len(images), 2)  # always predicts 0
    >>> for epoch in range(3):
    ...     loader.set_epoch(epoch)
    ...     for batch, classes in loader:
    ...         pass  # train the model
    ...     curriculum.update(lambda batch: model(batch).argmax(1))
    >>> curriculum.level_, by_class.strength
    ({0: 3, 1: 0}, tensor([0.3000, 0.0000], dtype=torch.float64))

    Each class has a level, 0 at first. For every level l from 0 to the class's own, :meth:`update` draws
    ``samples * (l + 1)`` images of the class, augments them at level l, and asks the model for their classes.
    If more than ``threshold`` of them are right at each of these levels, the class goes up one level; if not,
    down one.

    At level l of L, the strength in :class:`gpuaug.PerClass` is l / L, and each of its n transforms has the
    probability ``1 - (1 - 1 / n)**l``: that of being chosen at least once when l transforms are chosen with
    replacement, as in the paper. ``p`` of ``PerClass`` is the paper's share of augmented draws, 0.5 there;
    :meth:`update` augments all images. ``level_`` is the level of each class, a dictionary in the sorted
    order of the classes.

    The chosen images are a pure function of (labels, seed, number of updates), so that all ranks find the
    same levels if their models agree. If the models may differ in the last bit, for example by batch norms
    that are not synchronized, let one rank update and the others load its state.

    Source: Ahn et al., "CUDA: Curriculum of data augmentation for long-tailed recognition", ICLR 2023.

    Args:
        loader: a loader whose ``augment`` holds exactly one ``PerClass``. The curriculum sets its tables.
        labels: the class of every sample, non-negative integers, as given to the loader's sampler.
        levels: the highest level L, in [1, 1000].
        samples: the number of images of a class to predict at level 0, in [1, 2**20].
        threshold: the share of right predictions that a level needs, in [0, 1].
        seed: the seed of the choice of images and of their keys, in [0, 2**64).

    Raises:
        TypeError: ``loader`` is not a :class:`BalancedLoader`, or an argument is of another type.
        ValueError: ``loader`` has no ``PerClass`` or several, ``labels`` are not integers or not one for each
            sample, or a number is out of its range.
    """

    def __init__(
        self,
        loader: BalancedLoader,
        labels: Any,
        *,
        levels: int = 10,
        samples: int = 10,
        threshold: float = 0.6,
        seed: int = 0,
    ) -> None:
        if not isinstance(loader, BalancedLoader):
            raise TypeError(f"loader must be a gpuaug.BalancedLoader, got {type(loader).__name__}")
        found = [m for m in loader.augment.modules() if isinstance(m, PerClass)] if loader.augment else []
        if loader.augment is None or len(found) != 1:
            raise ValueError(f"loader.augment must hold one gpuaug.PerClass, got {len(found)}")
        self._table = read_labels(labels)
        if len(self._table.members) != len(loader.dataset):
            raise ValueError(
                f"labels must have one entry for each of the {len(loader.dataset)} samples of the loader, "
                f"got {len(self._table.members)}"
            )
        if not all(isinstance(name, int) for name in self._table.classes):
            raise ValueError("labels must be integers, as the loader yields them, got strings")
        self.loader, self.by_class, self._augment = loader, found[0], loader.augment
        self.levels = whole("levels", levels, 1, 1000)
        self.samples = whole("samples", samples, 1, 1 << 20)
        self.threshold = probability("threshold", threshold)
        self.seed = random.check_seed(seed)
        self._level = torch.zeros(len(self._table.classes), dtype=torch.int64, device="cpu")
        self._updates = 0
        self._apply()

    @property
    def level_(self) -> dict[Class, int]:
        """The level of each class, in the sorted order of the classes."""
        return dict(zip(self._table.classes, self._level.tolist(), strict=True))

    def update(self, predict: Callable[[Tensor], Tensor]) -> None:
        """Predicts images of every class and moves the levels. Call it once an epoch, after ``model.eval()``.

        Args:
            predict: a function from a batch of the loader's images, on the loader's device, to their classes,
                int64 ``(N,)``.

        Raises:
            ValueError: ``predict`` returns another shape.
        """
        number, level = self._probes()
        draws = self._draws(number)
        right = []
        with torch.no_grad(), self._probing():
            for images, labels in self.loader.serve(draws, level):
                classes = predict(images)
                if classes.shape != labels.shape:
                    raise ValueError(
                        f"predict must return one class for each image, {tuple(labels.shape)}, "
                        f"got shape {tuple(classes.shape)}"
                    )
                right.append((classes == labels).cpu())
        self._move(number, level, torch.cat(right))

    def state_dict(self) -> dict[str, Any]:
        """Returns the levels and the number of updates: the whole state between two epochs."""
        return {"levels": self.levels, "level": self._level.tolist(), "updates": self._updates}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restores a state.

        Args:
            state_dict: a state that :meth:`state_dict` returned.

        Raises:
            ValueError: the state is of another number of classes or levels.
        """
        level = torch.tensor(state_dict["level"], dtype=torch.int64, device="cpu")
        if level.shape != self._level.shape or state_dict["levels"] != self.levels:
            raise ValueError(
                f"state_dict must be of {len(self._level)} classes and {self.levels} levels, "
                f"got {len(level)} and {state_dict['levels']}"
            )
        self._level, self._updates = level, state_dict["updates"]
        self._apply()

    @contextmanager
    def _probing(self) -> Iterator[None]:
        """Within it, every draw is augmented at the level that is given in place of its label."""
        training = self._augment.training
        self._augment.train()
        try:
            with self.by_class.as_levels(*self._tables(torch.arange(self.levels + 1, device="cpu"))):
                yield
        finally:
            self._augment.train(training)

    def _probes(self) -> tuple[Tensor, Tensor]:
        """The class number and the level of every image to predict."""
        steps = torch.arange(self.levels + 1, device="cpu")
        asked = steps <= self._level[:, None]  # (classes, levels + 1)
        number, level = asked.nonzero().unbind(1)
        times = self.samples * (level + 1)
        return number.repeat_interleave(times), level.repeat_interleave(times)

    def _draws(self, number: Tensor) -> Tensor:
        """Draws of random samples of the given classes, with replacement; int64 ``(n, 3)``."""
        each, copy = torch.arange(len(number), device="cpu"), torch.full_like(number, PROBES)
        choice, key = (random.draw_keys(self.seed, self._updates, each, copy + of) for of in (0, 1))
        (share,) = random.uniform(choice, [0], [1])
        place = (share[:, 0] * self._table.counts[number]).long()
        index = self._table.members[self._table.starts[number] + place].long()
        return torch.stack((index, copy, key), dim=1)

    def _move(self, number: Tensor, level: Tensor, right: Tensor) -> None:
        counts = torch.zeros(2, len(self._level), self.levels + 1, dtype=torch.int64, device="cpu")
        for count, of in zip(counts, (right.long(), torch.ones_like(level)), strict=True):
            count.index_put_((number, level), of, accumulate=True)
        known = ((counts[0] > self.threshold * counts[1]) | (counts[1] == 0)).all(1)
        self._level = (self._level + torch.where(known, 1, -1)).clamp(0, self.levels)
        self._updates += 1
        self._apply()

    def _apply(self) -> None:
        # One row for each label; labels may have gaps.
        labels = [int(name) for name in self._table.classes]
        rows = torch.zeros(max(labels) + 1, dtype=torch.int64, device="cpu")
        rows[labels] = self._level
        self.by_class.set_tables(*self._tables(rows))

    def _tables(self, level: Tensor) -> tuple[Tensor, Tensor]:
        count = len(self.by_class.transforms)
        chance = 1 - (1 - 1 / count) ** level.double()
        return level.double() / self.levels, chance[:, None].expand(-1, count)

    def __repr__(self) -> str:
        return f"Curriculum(levels={self.levels}, samples={self.samples}, threshold={self.threshold})"
