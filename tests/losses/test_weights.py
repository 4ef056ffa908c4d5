"""Weights of the classes beside tables worked out by hand, and in torch's own loss."""

import numpy as np
import pytest
import torch

from gpuaug.losses import effective_number_weights, inverse_weights


@pytest.mark.parametrize(
    ("counts", "weights"),
    [
        ([3, 1], [4 / 6, 2.0]),
        ([1, 1, 1], [1.0, 1.0, 1.0]),
        ([8, 4, 2, 2], [0.5, 1.0, 2.0, 2.0]),
    ],
)
def test_inverse_weights_match_a_table_by_hand(counts, weights):
    found = inverse_weights(counts)
    assert found.dtype == torch.float32
    assert found.tolist() == pytest.approx(weights)
    assert sum(n * w for n, w in zip(counts, found.tolist(), strict=True)) == pytest.approx(sum(counts))


@pytest.mark.parametrize(
    ("counts", "beta", "weights"),
    [
        ([3, 1], 0.0, [1.0, 1.0]),
        ([2, 1], 0.5, [4 / 5, 6 / 5]),  # effective numbers 1.5 and 1: weights as 2 to 3
        ([3, 1], 0.5, [8 / 11, 14 / 11]),  # 1.75 and 1: as 4 to 7
        ([30, 10], 1 - 1e-13, [0.5, 1.5]),  # towards 1: inverse to the counts
    ],
)
def test_effective_number_weights_match_a_table_by_hand(counts, beta, weights):
    found = effective_number_weights(counts, beta, dtype=torch.float64)
    assert found.tolist() == pytest.approx(weights, rel=1e-9)


@pytest.mark.parametrize("counts", [{"a": 3, "b": 1}, (3, 1), torch.tensor([3, 1]), np.array([3, 1])])
def test_weights_accept_every_form_of_counts(counts):
    assert inverse_weights(counts).tolist() == pytest.approx([2 / 3, 2.0])


@pytest.mark.filterwarnings("error")
def test_weights_accept_arrays_that_torch_cannot_share():
    frozen = np.array([3, 1])
    frozen.setflags(write=False)
    for counts in (frozen, np.array([3, 1], dtype=">i8"), np.array([1, 3])[::-1]):
        assert inverse_weights(counts).tolist() == pytest.approx([2 / 3, 2.0])


@pytest.mark.parametrize("make", [inverse_weights, effective_number_weights])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_torchs_loss_accepts_the_weights(make, dtype):
    weight = make([50, 5], dtype=dtype)
    loss = torch.nn.CrossEntropyLoss(weight=weight)
    out = loss(torch.zeros(2, 2, dtype=dtype), torch.tensor([0, 1]))
    assert out.item() == pytest.approx(0.6931, rel=1e-2)
