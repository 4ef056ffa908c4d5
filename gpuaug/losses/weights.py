"""Weights of the classes, for torch's ``CrossEntropyLoss(weight=...)`` and for the losses here."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gpuaug.losses.counts import Counts, read_counts

__all__ = ["effective_number_weights", "inverse_weights"]


def inverse_weights(class_counts: Counts, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """A class's weight falls as its count grows: ``w_c = N / (C * n_c)``, N the sum of the C counts.

    >>> inverse_weights({"cat": 300, "dog": 100})
    tensor([0.6667, 2.0000])
    >>> loss = torch.nn.CrossEntropyLoss(weight=inverse_weights([300, 100]))

    The mean over the samples is 1, as in scikit-learn's ``class_weight="balanced"``; the idea, and its
    statistics: King and Zeng, "Logistic regression in rare events data", Political Analysis 2001.

    Args:
        class_counts: ``(C,)``, each at least 1, such as ``sampler.counts_`` (or ``sampler.plan_``, where the
            weights are to make up for what the draws leave).
        dtype: of the result; torch's loss asks for that of the logits.

    Returns:
        ``(C,)`` on the host: ``.to(device)``.

    Raises:
        TypeError, ValueError: see ``read_counts``.
    """
    counts = read_counts("class_counts", class_counts)
    return (counts.sum() / (len(counts) * counts)).to(dtype)


def effective_number_weights(
    class_counts: Counts, beta: float = 0.9999, *, dtype: torch.dtype = torch.float32
) -> Tensor:
    """A class's weight falls as its effective number of samples grows: ``w_c = (1 - beta) / (1 - beta^n_c)``,
    times a factor that makes the sum C.

    >>> effective_number_weights([1000, 10], beta=0.99)
    tensor([0.1746, 1.8254])
    >>> loss = torch.nn.CrossEntropyLoss(weight=effective_number_weights([1000, 10]))

    0 gives every class the same weight; towards 1 they become inverse to the counts. Source: Cui et al.,
    "Class-balanced loss based on effective number of samples", CVPR 2019: the effective number
    ``E_n = (1 - beta^n) / (1 - beta)``, and the weight ``1 / E_n``.

    Args:
        class_counts: ``(C,)``, each at least 1, such as ``sampler.counts_``.
        beta: in [0, 1); the paper uses 0.9, 0.99, 0.999 and 0.9999.
        dtype: of the result; torch's loss asks for that of the logits.

    Returns:
        ``(C,)`` on the host: ``.to(device)``.

    Raises:
        TypeError, ValueError: see ``read_counts``; beta out of its range.
    """
    counts = read_counts("class_counts", class_counts)
    if isinstance(beta, bool) or not isinstance(beta, (int, float)):
        raise TypeError(f"beta must be a number, got {type(beta).__name__}")
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be in [0, 1), got {beta}")
    # expm1 keeps the digits that 1 - beta^n loses where beta is almost 1.
    effective = -torch.expm1(counts * math.log(beta)) if beta else torch.ones_like(counts)
    weights = 1 / effective
    return (weights * (len(weights) / weights.sum())).to(dtype)
