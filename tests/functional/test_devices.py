"""Per-draw values may lie on the host or beside the images.

Shown with tensors that hold no values, so that no GPU is needed.
"""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from gpuaug import functional as F


@pytest.mark.parametrize("other", ["cpu", "cuda"])
def test_parameters_may_be_on_the_host_and_on_the_device(other):
    with FakeTensorMode():
        images = torch.empty(2, 3, 8, 8, dtype=torch.uint8, device="cuda")
        here, there = (torch.ones(2, dtype=torch.bool, device=device) for device in ("cuda", other))
        share = torch.full((2,), 0.1, device="cuda")
        keys = torch.ones(2, dtype=torch.int64, device=other)
        outputs = (
            F.flip(images, here, False),
            F.flip(images, here, there),
            F.flip(images, True, there),
            F.salt_and_pepper(images, share, share, keys),
        )
        assert [out.device.type for out in outputs] == ["cuda"] * 4
