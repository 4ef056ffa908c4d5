"""torchvision is optional: without it no sample is a tv_tensor, and everything else is as before."""

import os
import subprocess
import sys

PROGRAM = """
import sys
sys.modules["torchvision"] = None  # importing it fails
import torch
import gpuaug
from shown_indices import LABELS, Samples, expected, indices, make

loader = make(augment=gpuaug.RandomHorizontalFlip(), num_workers=1)
assert indices(loader) == expected(loader)

class Masked(Samples):
    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return {"image": image, "mask": torch.arange(12).view(3, 4), "label": label}

(batch,) = make(Masked(), gpuaug.RandomHorizontalFlip(1.0), 18, masks=True)
assert torch.equal(batch["mask"], torch.arange(12).view(3, 4).flip(1).expand(18, 3, 4))
assert type(batch["mask"]) is torch.Tensor
out = gpuaug.CenterCrop(2)(torch.zeros(1, 3, 4, 4), masks=torch.zeros(1, 4, 4), boxes=torch.zeros(1, 2, 4))
assert out.masks.shape == (1, 2, 2)
assert not any(name.startswith("torchvision") for name in sys.modules if name != "torchvision")
"""


def test_the_loader_needs_no_torchvision():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
