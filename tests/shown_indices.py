"""Samples whose pixels show their index, and a loader of them."""

import multiprocessing
import os

import numpy as np
import torch

from gpuaug import BalancedLoader, BalancedSampler
from gpuaug.recipe.layout import Stage
from gpuaug.transforms import Transform

LABELS = [0] * 9 + [1] * 3  # 18 draws an epoch
BAD = 10


class Samples:
    """Constant images that show their index. ``fault``, if any, is called when sample ``BAD`` is read."""

    def __init__(self, fault=None):
        self.fault = fault

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, index):
        if index == BAD and self.fault is not None:
            self.fault()
        return np.full((3, 4, 3), index, np.uint8), LABELS[index]


class ProcessNumbers(Samples):
    def __getitem__(self, index):
        return super().__getitem__(index)[0], os.getpid()


def make(dataset=None, augment=None, batch_size=4, *, sampler=None, **options):
    return BalancedLoader(
        Samples() if dataset is None else dataset,
        BalancedSampler(LABELS, seed=1) if sampler is None else sampler,
        augment,
        batch_size,
        **options,
    )


def indices(loader):
    """The samples of an epoch in order, as their pixels show them."""
    return [index for images, _ in loader for index in images[:, 0, 0, 0].tolist()]


def expected(loader, start=0, stop=None):
    return loader.sampler.draws(start, stop)[:, 0].tolist()


def no_children():
    return multiprocessing.active_children() == []


class Recorder(Transform):
    """Keeps what it is given, and changes nothing."""

    stage = Stage.GEOMETRY

    def __init__(self):
        super().__init__()
        self.made, self.applied = [], []

    def recipes(self, draws, source, index=None, labels=None):
        self.made.append((draws, source, index))
        return ("recipes", len(draws))

    def apply_recipes(self, images, passes):
        self.applied.append((images, passes))
        return torch.zeros(passes[1])
