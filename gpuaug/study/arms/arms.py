"""The arms of the study: ways to meet the imbalance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

import gpuaug
from gpuaug.sampling import deferred, effective_number, power
from gpuaug.sampling.schedules import Schedule
from gpuaug.sampling.targets import Target
from gpuaug.study.arms.chains import read_chain
from gpuaug.study.arms.expressions import evaluate, parts_of_sum, root_name, tidy
from gpuaug.study.arms.late import schedules
from gpuaug.study.arms.objective import Objective
from gpuaug.study.arms.techniques import TECHNIQUES
from gpuaug.study.arms.terms import is_reading, is_term, read_terms, terms
from gpuaug.study.spelling import did_you_mean
from gpuaug.transforms import Transform
from gpuaug.transforms.mixes.base import Mix


@dataclass(frozen=True)
class Arm:
    """One way to meet the imbalance.

    Args:
        about: the arm in words.
        target: the draws of an epoch, as ``BalancedSampler`` takes it.
        transforms: from the height and width of the images to the transforms of a draw.
        apply_to: the draws that are transformed, "all" or "copies".
        curriculum: whether a ``gpuaug.Curriculum`` moves the strength of the ``PerClass`` among the
            transforms.
        mix: from the number of samples of each class to the mix of the batches.
        objective: the loss, and how predictions are read.
        run: the arm whose runs these are, where arms share their training: those that are the same by two
            names, and those that differ in the reading alone. None is the arm itself.
    """

    about: str
    target: Target | Schedule
    transforms: Callable[[int, int], list[Transform]]
    apply_to: str = "all"
    curriculum: bool = False
    mix: Callable[[Tensor], Mix] | None = None
    objective: Objective = field(default_factory=Objective)
    run: str | None = None

    @property
    def changes(self) -> bool:
        """True where draws or objective depend on the number of the epoch."""
        return isinstance(self.target, Schedule) or self.objective.changes

    def augment(self, height: int, width: int, seed: int) -> gpuaug.Compose:
        """The arm's transform, from uint8 images to floats in [-1, 1]."""
        return gpuaug.Compose(
            [*self.transforms(height, width), gpuaug.Normalize(0.5, 0.5)],
            apply_to=self.apply_to,
            seed=seed,
            memory_format=torch.channels_last,
        )


def nothing(height: int, width: int) -> list[Transform]:
    return []


def article_copies(height: int, width: int) -> list[Transform]:
    """Crop, flip and noise in turn: copies 1, 4, 7, ... are crops."""
    crop, noise = (TECHNIQUES[name](height, width) for name in ("crop", "salt_and_pepper"))
    return [gpuaug.OneOf([crop, gpuaug.RandomHorizontalFlip(p=1.0), noise], by="copy")]


def flip_and_resized_crop(height: int, width: int) -> list[Transform]:
    # Milder than the 0.08 of ImageNet training, which would cut the small images of a study to a few pixels.
    return [gpuaug.RandomResizedCrop((height, width), scale=(0.6, 1.0)), gpuaug.RandomHorizontalFlip()]


def by_class(height: int, width: int) -> list[Transform]:
    """Flip and resized crop, and techniques that a curriculum makes stronger."""
    stronger = [
        gpuaug.RandomAffine(30, translate=(0.2, 0.2), scale=(0.7, 1.3), shear=20),
        gpuaug.RandomVerticalFlip(),
        gpuaug.GaussianBlur(sigma=(0.1, 1.5)),
        gpuaug.ColorJitter(brightness=0.8, contrast=0.8, saturation=0.8),
        gpuaug.RandomInvert(),
        gpuaug.CutOut(max(1, min(height, width) // 2)),
    ]
    # Half of the draws, as in the paper.
    return [*flip_and_resized_crop(height, width), gpuaug.PerClass(stronger, p=0.5)]


# In the order of the tables. An empty target keeps every class's own count.
ARMS = {
    "imbalanced": Arm("the samples as they are", {}, nothing, run="natural"),
    "undersampled": Arm("every class as often as the smallest", "minority", nothing, run="minority"),
    "duplicates": Arm("every class as often as the largest, unchanged", "majority", nothing, run="majority"),
    "copies": Arm(
        "the same, copies cropped, flipped or noised", "majority", article_copies, apply_to="copies"
    ),
    "all": Arm("the same, every draw cropped and flipped", "majority", flip_and_resized_crop),
}

# More arms that are a name.
CURRICULUM = "the same, and more of other techniques for a class the better it is known (Ahn et al., 2023)"
MIXED = "every class as often as the largest; each image mixed with another of its batch, by"
PASTED = "the samples as they are; half of them with a box of another, the rarer its class the likelier"
REMIXED = "the samples as they are; mixup whose label leans to the rarer class"
BLENDED = "the samples as they are, each mixed a little with one of a balanced class"


def balanced_mixup(counts: Tensor) -> Mix:
    """Balanced mixup with partners of all images, as in the paper: a batch may lack a class."""
    return gpuaug.BalancedMixUp(counts, partners="plan")


NAMED = {
    **ARMS,
    "curriculum": Arm(CURRICULUM, "majority", by_class, curriculum=True),
    "mixup": Arm(f"{MIXED} mixup", "majority", nothing, mix=lambda counts: gpuaug.MixUp()),
    "cutmix": Arm(f"{MIXED} CutMix", "majority", nothing, mix=lambda counts: gpuaug.CutMix()),
    "cmo": Arm(f"{PASTED} (Park et al., 2022)", {}, nothing, mix=gpuaug.CMO),
    "remix": Arm(f"{REMIXED} (Chou et al., 2020)", {}, nothing, mix=gpuaug.Remix),
    "balanced_mixup": Arm(f"{BLENDED} (Galdran et al., 2021)", {}, nothing, mix=balanced_mixup),
}

# Targets of all epochs. A bare name is called without arguments.
CONSTANT: dict[str, Callable[..., Target]] = {
    **{name: lambda name=name: name for name in ("natural", "majority", "minority", "mean", "median")},
    "power": power,
    "effective_number": effective_number,
}


def targets(epochs: int) -> dict[str, Callable[..., Target | Schedule]]:
    """The targets by name, for a study of so many epochs."""
    return {**CONSTANT, **schedules(epochs)}


# Named arms that only draw, as people write them beside a loss.
AS_TARGETS = {"imbalanced": "natural", "undersampled": "minority", "duplicates": "majority"}
USUAL_TARGET, USUAL_DRAWS = "majority", "all"

# Named arms that may stand for a chain: those that do something to images.
RECIPES = {name: arm for name, arm in NAMED.items() if arm.transforms is not nothing or arm.mix is not None}


def groups(epochs: int) -> dict[str, list[str]]:
    """The arms that one name stands for, in a study of so many epochs.

    >>> groups(10)["schedules"]
    ['power(0.5)', 'effective_number(0.999)', 'progressive(10)', 'deferred(8)']
    """
    return {
        "balancing": ["imbalanced", "undersampled", "duplicates"],
        "techniques": list(TECHNIQUES),
        # Deferred by 160 of 200 epochs, as in its paper.
        "schedules": [
            "power(0.5)",
            "effective_number(0.999)",
            f"progressive({epochs})",
            f"deferred({epochs * 4 // 5})",
        ],
        "losses": [
            "natural",
            "class_weights",
            "natural + effective_number",
            "focal",
            "label_smoothing",
            "ldam_drw",
            "balanced_softmax",
            "logit_adjusted",
            "post_hoc",
            "decoupled",
        ],
    }


def read_arms(
    texts: Sequence[str], *, epochs: int = 10, target: str = USUAL_TARGET, apply_to: str = USUAL_DRAWS
) -> dict[str, Arm]:
    """The arms that the texts name, in their order.

    >>> list(read_arms(["imbalanced", "crop+hflip", "natural: hflip", "hflip @ copies", "deferred(3)"]))
    ['imbalanced', 'crop + hflip', 'natural: hflip', 'hflip @ copies', 'deferred(3)']

    Args:
        texts: names of ``NAMED``, of ``groups``, ``TARGET``, ``CHAIN`` or ``TARGET: CHAIN``, the last two
            also with ``@ copies``; see ``read_arm``.
        epochs: of the study, for the groups and for what begins late.
        target, apply_to: of chains that say nothing of it.

    Raises:
        ValueError: no arm, one named twice, or a text that is none of these.
    """
    known = groups(epochs)
    arms: dict[str, Arm] = {}
    for text in (one for given in texts for one in known.get(given, [given])):
        name, arm = read_arm(text, epochs=epochs, target=target, apply_to=apply_to)
        if name in arms:
            raise ValueError(f"arms must be different, got {name} twice")
        arms[name] = arm
    if not arms:
        raise ValueError("arms must be at least one, got none")
    return arms


def read_arm(
    text: str, *, epochs: int = 10, target: str = USUAL_TARGET, apply_to: str = USUAL_DRAWS
) -> tuple[str, Arm]:
    """One arm and its name, which is the shortest text that gives the same arm again.

    >>> name, arm = read_arm("crop + hflip(1)", target="power(0.5)")
    >>> name, arm.apply_to
    ('power(0.5): crop + hflip(1)', 'all')
    >>> read_arm("natural + logit_adjusted: all")[0], read_arm("deferred(3): mixup")[0]
    ('logit_adjusted: all', 'deferred(3): mixup')

    The text is ``HEAD: CHAIN @ DRAWS``. The head is a target, terms (``gpuaug.study.arms.terms``), or a
    target and terms joined by ``+``; terms alone are of natural draws. The chain may be the name of an arm
    that does something to images.
    """
    if text in NAMED:
        return text, NAMED[text]
    rest, at, augmented = text.partition("@")
    head, colon, chain = rest.partition(":")
    if not colon:
        head, chain = (rest, "") if _is_head(rest) else (target, rest)
    recipe = RECIPES.get(chain.strip())
    usual = recipe.apply_to if recipe else apply_to if chain else USUAL_DRAWS
    augmented = augmented.strip() if at else usual
    try:
        parts = [tidy(part) for part in parts_of_sum(head)]
        drawn = parts.pop(0) if not is_term(parts[0]) or _is_target(parts[0]) else "natural"
        wanted = evaluate("target", drawn, targets(epochs))
        objective, trained_by = read_terms(parts, epochs)
        if objective.retrained is not None:
            wanted = _balanced_late(drawn, wanted, objective.retrained)
        transforms = recipe.transforms if recipe else read_chain(chain) if chain else nothing
    except (SyntaxError, ValueError) as error:
        names = [*NAMED, *groups(1), *targets(10), *terms(10), *TECHNIQUES]
        asked = text.strip()
        meant = did_you_mean(names, asked) if asked.isidentifier() and asked not in names else ""
        first = root_name(rest.partition(":")[0])
        if first in AS_TARGETS:
            meant = f"; as a target {first} is called {AS_TARGETS[first]}"
        raise ValueError(
            f"arms must be names of {', '.join(NAMED)}, groups ({', '.join(groups(1))}), targets, losses or "
            f"chains; got {text!r}{meant or f': {error}'}"
        ) from error
    if at and recipe and recipe.mix:
        raise ValueError(f"arms that mix images mix those of every draw, without an '@', got {text!r}")
    if augmented not in ("all", "copies"):
        raise ValueError(f"arms must end in '@ all' or '@ copies', or in neither, got {text!r}")
    chained = chain.strip() if recipe else getattr(transforms, "text", "")
    ending = augmented if augmented != (recipe.apply_to if recipe else USUAL_DRAWS) else ""
    name = _name(drawn, parts, chained, ending)
    if name in NAMED:
        return name, NAMED[name]
    draws = "every draw" if augmented == "all" else "copies"
    about = [f"target {drawn}", trained_by, f"{draws}: {chained}" if chained else "unchanged"]
    arm = replace(
        recipe or Arm("", {}, nothing),
        about="; ".join(filter(None, about)),
        target=wanted,
        transforms=transforms,
        apply_to=augmented,
        objective=objective,
    )
    same = [part for part in parts if not is_reading(part)]
    return name, arm if same == parts else replace(arm, run=_name(drawn, same, chained, ending))


def _name(drawn: str, parts: list[str], chained: str, ending: str) -> str:
    """The shortest text that gives the arm again."""
    own = "natural" if chained in RECIPES and RECIPES[chained].target == {} else USUAL_TARGET
    alone = drawn == "natural" and parts and not _is_target(parts[0])
    head = " + ".join(parts if alone else [drawn, *parts])
    if chained and not parts and drawn == own:
        head = ""
    words = [f"{head}:" if head and chained else head, chained, f"@ {ending}" if ending else ""]
    return " ".join(filter(None, words))


def _balanced_late(drawn: str, target: Target | Schedule, since: int) -> Schedule:
    if isinstance(target, Schedule):
        raise ValueError(f"decoupled must follow draws of one target, got {drawn}")
    return deferred(since, USUAL_TARGET, target)


def _is_head(text: str) -> bool:
    return _is_target(text) or is_term(text)


def _is_target(text: str) -> bool:
    return root_name(text) in targets(10) or text.partition("+")[0].strip().replace(".", "", 1).isdigit()
