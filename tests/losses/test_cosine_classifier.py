"""Cosines beside those of plain Python."""

import math

import pytest
import torch

from gpuaug.losses import CosineClassifier


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(
        sum(x * x for x in a) * sum(y * y for y in b)
    )


def test_cosine_classifier_matches_cosines_by_hand():
    classifier = CosineClassifier(3, 2)
    features = torch.randn(4, 3)
    wanted = [[cosine(row, of) for of in classifier.weight.tolist()] for row in features.tolist()]
    torch.testing.assert_close(classifier(features), torch.tensor(wanted))


def test_cosine_classifier_of_maps_works_at_each_place():
    classifier = CosineClassifier(3, 2)
    maps = torch.randn(4, 3, 5, 6)
    out = classifier(maps)
    assert out.shape == (4, 2, 5, 6)
    torch.testing.assert_close(out[:, :, 2, 3], classifier(maps[:, :, 2, 3]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_features_of_zeros_have_cosine_0(dtype):
    classifier = CosineClassifier(3, 2).to(dtype)
    features = torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]], dtype=dtype, requires_grad=True)
    out = classifier(features)
    assert out.dtype == dtype
    assert out[0].tolist() == [0, 0]
    factor = 1 if dtype == torch.float16 else 1000  # of a scaled loss
    (factor * out.sum()).backward()
    assert bool(features.grad.isfinite().all())


@pytest.mark.parametrize("size", [1e-3, 6e4])
def test_short_and_long_features_of_half_precision(size):
    classifier = CosineClassifier(3, 2).half()
    features = torch.tensor([[0.0, 1.0, 1.0]], dtype=torch.float16)
    long = (size * features.float()).half()
    torch.testing.assert_close(classifier(long), classifier(features), atol=2e-3, rtol=0)


def test_cosine_classifier_has_gradients():
    classifier = CosineClassifier(3, 2).double()
    features = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(classifier, features)


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ((0, 2), ValueError, "features must be at least 1, got 0"),
        ((3, -1), ValueError, "classes must be at least 1, got -1"),
        ((3.0, 2), TypeError, "features must be an int, got float"),
    ],
)
def test_bad_sizes_of_a_classifier_are_refused(sizes, error, message):
    with pytest.raises(error, match=message):
        CosineClassifier(*sizes)
