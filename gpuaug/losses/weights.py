"""Class weights, for torch's ``CrossEntropyLoss(weight=...)`` and for the losses here."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gpuaug.losses.counts import Counts, read_counts

__all__ = ["effective_number_weights", "inverse_weights"]


def inverse_weights(class_counts: Counts, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Weight each class inversely to its count: ``w_c = N / (C * n_c)``, with N the sum of the C counts.

    >>> inverse_weights({"cat": 300, "dog": 100})
    tensor([0.6667, 2.0000])
    >>> loss = torch.nn.CrossEntropyLoss(weight=inverse_weights([300, 100]))

    The mean weight over the samples is 1, as with scikit-learn's ``class_weight="balanced"``. Source of the
    idea and its statistics: King and Zeng, "Logistic regression in rare events data", Political Analysis
    2001.

    Args:
        class_counts: ``(C,)``, each at least 1, such as ``sampler.counts_``; or ``sampler.plan_``, for
            weights that correct the imbalance that the draws leave.
        dtype: dtype of the result; torch's loss needs that of the logits.

    Returns:
        ``(C,)`` on the host; move it with ``.to(device)``.

    Raises:
        TypeError, ValueError: if counts are not numbers, have another shape or are out of range.
    """
    counts = read_counts("class_counts", class_counts)
    return (counts.sum() / (len(counts) * counts)).to(dtype)


def effective_number_weights(
    class_counts: Counts, beta: float = 0.9999, *, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Weight each class inversely to its effective number of samples.

    >>> effective_number_weights([1000, 10], beta=0.99)
    tensor([0.1746, 1.8254])
    >>> loss = torch.nn.CrossEntropyLoss(weight=effective_number_weights([1000, 10]))

    The weight is ``w_c = (1 - beta) / (1 - beta^n_c)``, multiplied by a factor that makes the sum C. With
    beta 0 all weights are equal; towards 1 they become inverse to the counts. Source: Cui et al.,
    "Class-balanced loss based on effective number of samples", CVPR 2019: the effective number is ``E_n = (1
    - beta^n) / (1 - beta)``, and the weight ``1 / E_n``.

    Args:
        class_counts: ``(C,)``, each at least 1, such as ``sampler.counts_``.
        beta: in [0, 1); the paper uses 0.9, 0.99, 0.999 and 0.9999.
        dtype: dtype of the result; torch's loss needs that of the logits.

    Returns:
        ``(C,)`` on the host; move it with ``.to(device)``.

    Raises:
        TypeError, ValueError: if counts or beta are not numbers, have another shape or are out of range.
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
