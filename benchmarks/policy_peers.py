"""The chains of ``policy_cases.py`` in each library.

Each function is a context manager that returns a ``Run``, as in ``peers.py``. A library that has no such
chain is not in its row of ``PEERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from case import MEAN, STD
from policy_cases import (
    ALONE,
    CLIP_LIMIT,
    CLIPS,
    CONTRAST,
    JITTER,
    MAGNITUDE,
    NUM_OPS,
    POLICIES,
    TILES,
    PolicyCase,
)
from processes import Sample, run_per_sample
from timing import Run
from torch import Tensor, nn

Library = Callable[[PolicyCase, Tensor], AbstractContextManager[Run]]


# ---- Whole batches


def gpuaug_chain(case: PolicyCase) -> nn.Module:
    import gpuaug

    alone = {
        "Equalize": lambda: gpuaug.Equalize(),
        "AutoContrast": lambda: gpuaug.AutoContrast(),
        "CLAHE": lambda: gpuaug.CLAHE(CLIP_LIMIT, TILES),
        "mean contrast": lambda: gpuaug.RandomMeanContrast(CONTRAST),
    }
    if case.chain in alone:
        return alone[case.chain]()
    inner = {
        "RandAugment": lambda: gpuaug.RandAugment(NUM_OPS, MAGNITUDE),
        "TrivialAugmentWide": lambda: gpuaug.TrivialAugmentWide(),
        "AugMix": lambda: gpuaug.AugMix(),
        CLIPS: lambda: gpuaug.ColorJitter(*JITTER, contrast_about="mean"),
    }
    window = [gpuaug.RandomResizedCrop(case.side), gpuaug.RandomHorizontalFlip()]
    return gpuaug.Compose([*window, inner[case.chain](), gpuaug.Normalize(MEAN, STD)])


@contextmanager
def gpuaug_batch(case: PolicyCase, images: Tensor) -> Iterator[Run]:
    """gpuaug: parameters, recipes, the kernel's passes, and batched transforms."""
    augment = gpuaug_chain(case)
    yield Run(lambda: augment(images))


def kornia_chain(case: PolicyCase) -> nn.Module:
    import kornia.augmentation as K
    from kornia.augmentation.auto import RandAugment, TrivialAugment

    alone = {
        "Equalize": lambda: K.RandomEqualize(p=1.0),
        "AutoContrast": lambda: K.RandomAutoContrast(p=1.0),
        "CLAHE": lambda: K.RandomClahe((CLIP_LIMIT, CLIP_LIMIT), TILES, p=1.0),
        "mean contrast": lambda: K.ColorJitter(contrast=CONTRAST),  # its RandomContrast is about black
    }
    if case.chain in alone:
        return alone[case.chain]()
    policies = {"RandAugment": lambda: RandAugment(NUM_OPS, MAGNITUDE), "TrivialAugmentWide": TrivialAugment}
    # kornia recommends "slice" for efficiency.
    window = [
        K.RandomResizedCrop((case.side, case.side), align_corners=False, cropping_mode="slice"),
        K.RandomHorizontalFlip(p=0.5),
    ]
    normalize = K.Normalize(torch.tensor(MEAN), torch.tensor(STD))
    return K.AugmentationSequential(*window, policies[case.chain](), normalize, data_keys=["input"])


@contextmanager
def kornia_batch(case: PolicyCase, images: Tensor) -> Iterator[Run]:
    """kornia. For policies, the conversion of bytes to floats is timed; for single transforms it is not."""
    augment = kornia_chain(case)
    ready = images.float().div(255) if case.chain in ALONE else None

    @torch.no_grad()
    def batch() -> Tensor:
        return augment(images.float().div(255) if ready is None else ready)

    yield Run(batch)


# ---- One image or clip at a time


def torchvision_sample(case: PolicyCase) -> Sample:
    from torchvision.transforms import v2

    alone = {
        "Equalize": lambda: v2.RandomEqualize(p=1.0),
        "AutoContrast": lambda: v2.RandomAutocontrast(p=1.0),
        "mean contrast": lambda: v2.ColorJitter(contrast=CONTRAST),
    }
    if case.chain in alone:
        return torch.from_numpy, alone[case.chain]()
    bilinear = {"interpolation": v2.InterpolationMode.BILINEAR}  # as in gpuaug and kornia
    inner = {
        "RandAugment": lambda: v2.RandAugment(NUM_OPS, MAGNITUDE, **bilinear),
        "TrivialAugmentWide": lambda: v2.TrivialAugmentWide(**bilinear),
        "AugMix": lambda: v2.AugMix(**bilinear),
        CLIPS: lambda: v2.ColorJitter(*JITTER),
    }
    window = [v2.RandomResizedCrop(case.side), v2.RandomHorizontalFlip()]
    output = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    return torch.from_numpy, v2.Compose([*window, inner[case.chain](), *output])


def torchvision_batch(case: PolicyCase, images: Tensor) -> AbstractContextManager[Run]:
    return run_per_sample(torchvision_sample, case, images.numpy())


@contextmanager
def torchvision_threads(case: PolicyCase, images: Tensor) -> Iterator[Run]:
    """torchvision in this process, whose threads share the work of each operation."""
    prepare, transform = torchvision_sample(case)
    prepared = [prepare(one) for one in images.numpy()]
    yield Run(lambda: torch.stack([transform(one) for one in prepared]))


OURS = "gpuaug"
TORCHVISION: dict[str, Library] = {"torchvision": torchvision_batch}
KORNIA: dict[str, Library] = {"kornia": kornia_batch}
PEERS: dict[str, dict[str, Library]] = {
    **{chain: {**TORCHVISION, **KORNIA} for chain in (*POLICIES, *ALONE)},
    "AugMix": TORCHVISION,
    "CLAHE": KORNIA,
    CLIPS: {**TORCHVISION, "torchvision, threads": torchvision_threads},
}
