"""What resampling does to a model's probabilities, taken back."""

from __future__ import annotations

from torch import Tensor

from gpuaug.losses.counts import SHARES, SOME_SHARES, Counts, read_counts
from gpuaug.losses.logit_adjusted import shifted
from gpuaug.tracing import traced

__all__ = ["prior_correction"]


def prior_correction(logits: Tensor, drawn: Counts, natural: Counts) -> Tensor:
    """Logits for classes as often as they naturally are, of a model whose draws had them otherwise:
    ``logits + log(natural) - log(drawn)``.

    >>> import gpuaug, torch
    >>> sampler = gpuaug.BalancedSampler(["cat"] * 300 + ["dog"] * 100)  # draws 300 of either
    >>> logits = torch.zeros(1, 2)  # to the model, both are as likely
    >>> gpuaug.prior_correction(logits, sampler.priors(0), [0.75, 0.25]).softmax(dim=1)
    tensor([[0.7500, 0.2500]])

    Bayes' rule, where draws change how often classes come and not how each of them looks. With two classes it
    moves the threshold. After a very short training the correction can harm: a model that has hardly learnt
    yet has not learnt the draws' shares either, and there is nothing to take back. Source: Saerens, Latinne
    and Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", Neural
    Computation 2002, section 2.2; of logits, Menon et al., ICLR 2021.

    Args:
        logits: ``(..., C)``, floating; log-probabilities are logits too.
        drawn: the classes' shares, ``(C,)``, that the model was trained for: ``sampler.priors(epoch)``, or
            with a loss of ``gpuaug.losses`` its ``loss.prior(sampler.priors(epoch))``. Each above 0: of a
            class that was never drawn a model says nothing.
        natural: the shares where the model is used, each at least 0; a class of 0 gets the logit -inf.

    Both may be counts as well: each is divided by its sum. They are read on the host, so keep them there.

    Returns:
        ``(..., C)`` in the logits' dtype and on their device, with a gradient; half and bfloat16 are computed
        in float32. Where both shares are the same, the logits as they are.

    Raises:
        TypeError: no floating tensor, no numbers. ValueError: shapes that do not agree; shares out of range.
    """
    before = read_counts("drawn", drawn, SHARES)
    after = read_counts("natural", natural, SOME_SHARES)
    if len(before) != len(after):
        raise ValueError(f"drawn and natural must be of the same classes, got {len(before)} and {len(after)}")
    if not traced() and not bool(after.any()):
        raise ValueError(f"natural must be above 0 for a class, got {after.tolist()}")
    after, before = (after / after.sum()).log(), (before / before.sum()).log()
    return shifted(logits, after.to(before.device) - before)
