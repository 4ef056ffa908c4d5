"""The cases of ``policies.py``: policies after a crop and a flip, measured curves, and clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from case import Case
from image_files import pink_noise
from torch import Tensor

# Each from uint8 to normalized float32, after RandomResizedCrop to the same side and a random flip:
POLICIES = ("RandAugment", "TrivialAugmentWide", "AugMix")
NUM_OPS, MAGNITUDE = 2, 9
# Each alone, with nothing before or after it:
ALONE = ("Equalize", "AutoContrast", "CLAHE", "mean contrast")
CLIP_LIMIT, TILES = 2.0, (8, 8)
CONTRAST = (0.8, 1.2)
# RandomResizedCrop, random flip, ColorJitter, normalized float32; the frames of a clip are treated alike:
CLIPS = "clips"
SECTIONS = ("policies", "alone", "clips")
JITTER = (0.4, 0.4, 0.4, 0.1)


@dataclass(frozen=True)
class PolicyCase(Case):
    frames: int = 0  # the frames of a clip; 0 for images

    def images(self) -> Tensor:
        """Noise with a photograph's spectrum, in less than the whole range of levels, for measured curves."""
        size, count = (self.side, self.side), self.batch * max(1, self.frames)
        images = np.stack([50 + pink_noise(size, number) // 2 for number in range(count)])
        out = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        return out.unflatten(0, (self.batch, self.frames)) if self.frames else out

    def __str__(self) -> str:
        """
        >>> str(PolicyCase("clips", side=112, batch=16, threads=2, frames=8))
        'clips, 8 frames, 112 px, batch 16, 2 threads'
        """
        plain = super().__str__()
        return plain.replace(", ", f", {self.frames} frames, ", 1) if self.frames else plain


def sections(threads: int, *, small: bool) -> dict[str, list[PolicyCase]]:
    """The cases of each section; ``small`` ones only test that it runs."""
    sizes = ((32, 16),) if small else ((32, 512), (224, 64))
    side, batch = sizes[-1]
    clips = (32, 4, threads, "cpu", 3) if small else (112, 16, threads, "cpu", 16)
    return {
        "policies": [PolicyCase(chain, *size, threads) for chain in POLICIES for size in sizes],
        "alone": [PolicyCase(chain, side, batch, threads) for chain in ALONE],
        "clips": [PolicyCase(CLIPS, *clips)],
    }
