"""CutMix's boxes, draw by draw."""

import numpy as np
import pytest
import torch
from mixed_batches import batch, numbers

import gpuaug as ga


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16])
def test_cutmix_pastes_a_box_of_the_partner(dtype):
    images, labels, draws = batch(9)
    images = images.to(dtype)
    out, (_, y2, lam) = ga.CutMix()(images, labels, draws)
    assert out.dtype == dtype
    for n, (_, u, share, x, y) in enumerate(numbers(draws)):
        partner = (n + 1 + int(u * 8)) % 9
        assert y2[n] == labels[partner]
        expected = images[n].clone()
        side = np.sqrt(1 - share)  # Beta(1, 1) is uniform
        half = (int(12 * side) // 2, int(15 * side) // 2)
        top, left = max(int(y * 12) - half[0], 0), max(int(x * 15) - half[1], 0)
        bottom, right = min(int(y * 12) + half[0], 12), min(int(x * 15) + half[1], 15)
        expected[:, top:bottom, left:right] = images[partner, :, top:bottom, left:right]
        assert torch.equal(out[n], expected)
        assert lam[n].item() == pytest.approx(1 - (bottom - top) * (right - left) / 180)
