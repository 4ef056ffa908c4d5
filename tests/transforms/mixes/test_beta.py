"""The distributions of shares, beside SciPy's."""

import numpy as np
import pytest
import scipy.stats
import torch

from gpuaug.transforms.mixes.beta import BetaOne, SymmetricBeta

NUMBERS = torch.linspace(0.0005, 0.9995, 1000, dtype=torch.float64)


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 2.5, 30.0])
def test_symmetric_beta_matches_scipy(alpha):
    expected = scipy.stats.beta.ppf(NUMBERS.numpy(), alpha, alpha)
    np.testing.assert_allclose(SymmetricBeta(alpha)(NUMBERS).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.2, 1.0, 30.0, 100.0])
def test_beta_of_alpha_and_1_matches_scipy(alpha):
    expected = scipy.stats.beta.ppf(NUMBERS.numpy(), alpha, 1)
    np.testing.assert_allclose(BetaOne(alpha)(NUMBERS).numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("kind", [SymmetricBeta, BetaOne])
@pytest.mark.parametrize("alpha", [0.01, 0.2, 100.0])
def test_beta_reaches_its_ends(kind, alpha):
    shares = kind(alpha)(torch.tensor([0, 2**-32, 1 - 2**-32], dtype=torch.float64))
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (shares.diff() >= 0).all()
