"""Correction of a model's probabilities for resampled training data."""

from __future__ import annotations

from torch import Tensor

from gpuaug.losses.counts import SHARES, SOME_SHARES, Counts, read_counts
from gpuaug.losses.logit_adjusted import shifted
from gpuaug.tracing import traced

__all__ = ["prior_correction"]


def prior_correction(logits: Tensor, drawn: Counts, natural: Counts) -> Tensor:
    """Correct logits for class shares that differ between training draws and use.

    >>> import gpuaug, torch
    >>> sampler = gpuaug.BalancedSampler(["cat"] * 300 + ["dog"] * 100)  # draws 300 of either
    >>> logits = torch.zeros(1, 2)  # to the model, both are as likely
    >>> gpuaug.prior_correction(logits, sampler.priors(0), [0.75, 0.25]).softmax(dim=1)
    tensor([[0.7500, 0.2500]])

    The result is ``logits + log(natural) - log(drawn)``: Bayes' rule, for draws that change how often classes
    come but not how each class looks. With two classes it moves the threshold. After a very short training
    the correction can harm: a model that has hardly learnt anything has not learnt the draws' shares either.
    Source: Saerens, Latinne and Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities", Neural Computation 2002, section 2.2; for logits, Menon et al., ICLR 2021.

    Args:
        logits: ``(..., C)``, floating; log-probabilities are logits too.
        drawn: shares of the classes that the model was trained for, ``(C,)``: ``sampler.priors(epoch)``, or
            with a loss of ``gpuaug.losses``, ``loss.prior(sampler.priors(epoch))``. Each is above 0, since a
            model knows nothing of a class that was never drawn. Counts are divided by their sum. Keep them on
            the host, where they are read.
        natural: shares where the model is used, ``(C,)``, each at least 0, or counts; a class of 0 gets the
            logit -inf.

    Returns:
        ``(..., C)`` in the logits' dtype and on their device, with a gradient; half and bfloat16 are computed
        in float32. Equal shares leave the logits as they are.

    Raises:
        TypeError: if logits are not a floating tensor, or shares are not numbers.
        ValueError: if shapes do not agree or shares are out of range.
    """
    before = read_counts("drawn", drawn, SHARES)
    after = read_counts("natural", natural, SOME_SHARES)
    if len(before) != len(after):
        raise ValueError(f"drawn and natural must have the same classes, got {len(before)} and {len(after)}")
    if not traced() and not bool(after.any()):
        raise ValueError(f"natural must be above 0 for at least one class, got {after.tolist()}")
    after, before = (after / after.sum()).log(), (before / before.sum()).log()
    return shifted(logits, after.to(before.device) - before)
