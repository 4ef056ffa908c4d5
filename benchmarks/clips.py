"""Clips beside torchvision v2, which draws once for each clip that it is given: milliseconds a batch.

python benchmarks/clips.py --clips 16 --frames 16 --side 112
"""

from __future__ import annotations

import argparse

import torch
from timing import Run, summary, take_turns
from torch import Tensor
from torchvision.transforms import v2

import gpuaug

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
JITTER = (0.4, 0.4, 0.4, 0.1)


def gpuaug_chain(side: int) -> gpuaug.Compose:
    return gpuaug.Compose(
        [
            *(gpuaug.RandomResizedCrop(side), gpuaug.RandomHorizontalFlip(), gpuaug.ColorJitter(*JITTER)),
            gpuaug.Normalize(MEAN, STD),
        ]
    )


def torchvision_chain(side: int) -> v2.Compose:
    return v2.Compose(
        [
            *(v2.RandomResizedCrop(side), v2.RandomHorizontalFlip(), v2.ColorJitter(*JITTER)),
            *(v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)),
        ]
    )


def runs_of(clips: Tensor) -> dict[str, Run]:
    own, theirs = (chain(clips.shape[-1]) for chain in (gpuaug_chain, torchvision_chain))
    return {
        "gpuaug": Run(lambda: own(clips)),
        "torchvision, a clip at a time": Run(lambda: torch.stack([theirs(clip) for clip in clips])),
        "torchvision, one draw for all": Run(lambda: theirs(clips)),
    }


def check(clips: Tensor) -> None:
    """Raise unless all give what is asked for, and each frame is as if it came alone."""
    for name, run in runs_of(clips).items():
        out = run.images()
        if out.shape != clips.shape or out.dtype != torch.float32:
            raise RuntimeError(f"{name} gives {out.dtype} {tuple(out.shape)}")
    chain, draws = gpuaug_chain(clips.shape[-1]), torch.arange(3 * len(clips)).view(-1, 3)
    alone = torch.stack([chain(frames, draws) for frames in clips.unbind(1)], dim=1)
    if not torch.equal(chain(clips, draws), alone):
        raise RuntimeError("a frame differs from the same frame alone")


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    for name, default in (("clips", 16), ("frames", 16), ("side", 112), ("threads", 2), ("rounds", 9)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    generator = torch.Generator().manual_seed(0)
    shape = (asked.clips, asked.frames, 3, asked.side, asked.side)
    clips = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    check(clips)
    found = {
        name: summary(taken)["us"] / 1e3
        for name, taken in take_turns(runs_of(clips), asked.rounds, 0.5).items()
    }
    for name, milliseconds in found.items():
        print(f"{name:32}{milliseconds:9.2f} ms{milliseconds / found['gpuaug']:8.1f} x")


if __name__ == "__main__":
    main()
