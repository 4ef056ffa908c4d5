"""Which samples an epoch draws, how often, and in which order: labels -> plan -> order -> sampler."""

from gpuaug.sampling.draw import Draw
from gpuaug.sampling.imbalance import make_imbalanced
from gpuaug.sampling.sampler import BalancedSampler

__all__ = ["BalancedSampler", "Draw", "make_imbalanced"]
