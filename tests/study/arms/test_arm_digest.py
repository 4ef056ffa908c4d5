"""Digests of arms: one for each training, and nothing of the arm is changed."""

import torch

from gpuaug.losses import FocalLoss
from gpuaug.study.arms.arm_digest import arm_digest
from gpuaug.study.arms.arms import NAMED, Arm, groups, nothing, read_arms
from gpuaug.study.arms.objective import Objective


def test_every_arm_that_a_name_gives_has_a_digest_of_its_training():
    """Those that share a run have one digest, all others their own. Balanced softmax and logit adjustment by
    1 are one loss by two names.
    """
    every = list(dict.fromkeys(name for names in groups(10).values() for name in names))
    named = read_arms([*NAMED, *(name for name in every if name not in NAMED)], epochs=10)
    counts = torch.tensor([3200, 80])
    digests: dict[str, set[str]] = {}
    for name, arm in named.items():
        digests.setdefault(arm_digest(arm, counts, 28, 28, epochs=10), set()).add(arm.run or name)
    alike = [names for names in digests.values() if len(names) > 1]
    assert alike == [{"balanced_softmax", "logit_adjusted"}]
    assert len(digests) > 60


def test_a_loss_that_is_given_at_every_call_stays_as_it_was():
    mine = FocalLoss(2.0)
    arm = Arm("", "natural", nothing, objective=Objective(loss=lambda samples, drawn: mine))
    first = arm_digest(arm, torch.tensor([30, 10]), 28, 28, epochs=2)
    assert mine.reduction == "mean"
    assert arm_digest(arm, torch.tensor([30, 10]), 28, 28, epochs=2) == first
