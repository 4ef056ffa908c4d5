"""Samplers: they decide which samples an epoch draws, how often, and in which order."""

from gpuaug.sampling.balanced import BalancedSampler
from gpuaug.sampling.base import DrawSampler, KeyedSampler
from gpuaug.sampling.batch import BalancedBatchSampler
from gpuaug.sampling.draw import Draw
from gpuaug.sampling.imbalance import make_imbalanced, make_long_tailed
from gpuaug.sampling.labels.datasets import labels_of
from gpuaug.sampling.repeat_factor import RepeatFactorSampler
from gpuaug.sampling.schedules import Schedule, deferred, progressive
from gpuaug.sampling.targets import effective_number, power

__all__ = [
    "BalancedBatchSampler",
    "BalancedSampler",
    "Draw",
    "DrawSampler",
    "KeyedSampler",
    "RepeatFactorSampler",
    "Schedule",
    "deferred",
    "effective_number",
    "labels_of",
    "make_imbalanced",
    "make_long_tailed",
    "power",
    "progressive",
]
