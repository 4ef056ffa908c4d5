"""The terms that a user adds to a target, such as ``natural + focal + effective_number``: losses, weights of
classes, classifiers trained anew, and how predictions are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch

from gpuaug.losses import (
    BalancedSoftmaxLoss,
    ClassLoss,
    FocalLoss,
    LDAMLoss,
    LogitAdjustedLoss,
    effective_number_weights,
    inverse_weights,
)
from gpuaug.study.arms.expressions import evaluate, root_name
from gpuaug.study.arms.late import within_study
from gpuaug.study.arms.objective import (
    POST_HOC,
    PRIOR_CORRECTED,
    LossOf,
    Objective,
    SmoothedLoss,
    cross_entropy,
)

READINGS = (POST_HOC, PRIOR_CORRECTED)
_SCALE = 30.0  # of LDAM's cosines, its authors'


@dataclass(frozen=True)
class Term:
    """A part of an objective: ``sets`` are its settings. Two terms of an arm may not have the same one."""

    about: str
    sets: Mapping[str, Any] = field(default_factory=dict)


def terms(epochs: int) -> dict[str, Callable[..., Term]]:
    """The terms by name, for a study of so many epochs. A bare name is called without arguments.

    >>> terms(10)["ldam_drw"]().about
    'LDAM of cosines, weights by effective number from epoch 8 on (Cao et al., 2019)'
    """
    # 160 of 200 epochs, as LDAM's authors defer.
    usual = min(max(1, epochs * 4 // 5), epochs - 1)

    def ldam_drw(since: int = usual, max_margin: float = 0.5) -> Term:
        weights = effective_number().sets
        said = f"LDAM of cosines, weights by effective number from epoch {since} on (Cao et al., 2019)"
        make = loss_term(said, lambda samples, drawn, **o: LDAMLoss(samples, max_margin, _SCALE, **o))
        own = {
            "scale": _SCALE,
            "cosine": True,
            "deferred": within_study("since", since, range(epochs), epochs),
        }
        return Term(said, {**make.sets, **own, **weights})

    def decoupled(since: int = usual) -> Term:
        within_study("since", since, range(1, epochs), epochs)
        said = f"from epoch {since} on the classifier alone, anew, on balanced draws (Kang et al., 2020)"
        return Term(said, {"retrained": since})

    return {
        "cross_entropy": lambda: Term("cross-entropy", {"loss": cross_entropy}),
        "class_weights": lambda: Term("weights inverse to the counts", {"weights": inverse_weights}),
        "effective_number": effective_number,
        "focal": focal,
        "ldam_drw": ldam_drw,
        "balanced_softmax": lambda: loss_term(
            "balanced softmax (Ren et al., 2020)", lambda samples, drawn, **o: BalancedSoftmaxLoss(drawn, **o)
        ),
        "logit_adjusted": logit_adjusted,
        "label_smoothing": label_smoothing,
        "decoupled": decoupled,
        POST_HOC: lambda: Term(
            "logits moved to equal shares after training (Menon et al., 2021)", {"reading": POST_HOC}
        ),
        PRIOR_CORRECTED: lambda: Term(
            "logits moved to the training images' shares after training", {"reading": PRIOR_CORRECTED}
        ),
    }


def effective_number(beta: float = 0.9999) -> Term:
    effective_number_weights([1], beta)  # checks it
    weights = partial(effective_number_weights, beta=beta)
    return Term(f"weights by effective number, beta {beta} (Cui et al., 2019)", {"weights": weights})


def focal(gamma: float = 2.0) -> Term:
    said = f"focal loss, gamma {gamma} (Lin et al., 2017)"
    return loss_term(said, lambda samples, drawn, **o: FocalLoss(gamma, **o))


def logit_adjusted(tau: float = 1.0) -> Term:
    said = f"logit-adjusted loss, tau {tau} (Menon et al., 2021)"
    return loss_term(said, lambda samples, drawn, **o: LogitAdjustedLoss(drawn, tau, **o))


def label_smoothing(smoothing: float = 0.1) -> Term:
    return loss_term(
        f"labels smoothed by {smoothing}", lambda samples, drawn, **o: SmoothedLoss(smoothing, **o)
    )


def loss_term(about: str, make: Callable[..., ClassLoss]) -> Term:
    """A term that sets the loss. One for two classes is made here, so that its settings are checked."""
    counts = torch.tensor([3.0, 1.0], dtype=torch.float64)
    make(counts, counts / counts.sum())
    loss: LossOf = make
    return Term(about, {"loss": loss})


def read_terms(texts: Sequence[str], epochs: int) -> tuple[Objective, str]:
    """The objective of some terms, and what it is in words.

    >>> objective, about = read_terms(["focal(1.0)", "effective_number(0.99)"], epochs=10)
    >>> about
    'focal loss, gamma 1.0 (Lin et al., 2017); weights by effective number, beta 0.99 (Cui et al., 2019)'

    Raises:
        ValueError: an unknown term, arguments that one refuses, or two that say the same thing.
    """
    known = terms(epochs)
    objective, said, by = Objective(), [], dict[str, str]()
    for text in texts:
        term: Term = evaluate("term", text, known)
        for name in term.sets:
            if name in by:
                raise ValueError(f"{by[name]} and {text} both say the {_WORDS.get(name, name)} of an arm")
            by[name] = text
        objective = replace(objective, **term.sets)
        said.append(term.about)
    return objective, "; ".join(said)


def is_term(text: str) -> bool:
    """True where a text begins with the name of a term."""
    return root_name(text) in terms(10)


def is_reading(text: str) -> bool:
    """True where a term only sets how predictions are read: training is the same without it."""
    return root_name(text) in READINGS


_WORDS = {"retrained": "classifier"}
