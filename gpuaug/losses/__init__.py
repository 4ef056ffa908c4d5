"""Losses for imbalanced classes that PyTorch does not have, and corrections of a model's prior.

For label smoothing, class weights and plain cross-entropy use torch's ``CrossEntropyLoss``; this module makes
its weights. A sampler's counts are accepted as they are:

>>> import gpuaug, torch
>>> sampler = gpuaug.BalancedSampler([0] * 300 + [1] * 10, target="natural")
>>> loss = gpuaug.losses.LogitAdjustedLoss(sampler.plan_)
>>> weighted = torch.nn.CrossEntropyLoss(weight=gpuaug.losses.inverse_weights(sampler.counts_))
>>> images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 0, 1, 0])
>>> mixed, targets = gpuaug.MixUp()(images, labels)
>>> loss(torch.zeros(4, 2), targets).shape
torch.Size([])
"""

from gpuaug.losses.balanced_softmax import BalancedSoftmaxLoss
from gpuaug.losses.base import ClassLoss
from gpuaug.losses.correction import prior_correction
from gpuaug.losses.cosine_classifier import CosineClassifier
from gpuaug.losses.focal import FocalLoss
from gpuaug.losses.ldam import LDAMLoss
from gpuaug.losses.logit_adjusted import LogitAdjustedLoss, logit_adjustment
from gpuaug.losses.weights import effective_number_weights, inverse_weights

__all__ = [
    "BalancedSoftmaxLoss",
    "ClassLoss",
    "CosineClassifier",
    "FocalLoss",
    "LDAMLoss",
    "LogitAdjustedLoss",
    "effective_number_weights",
    "inverse_weights",
    "logit_adjustment",
    "prior_correction",
]
