"""What people give: NumPy's numbers wherever a number is asked for, and images in another order."""

import numpy as np
import pytest
import torch

import gpuaug as ga

DRAWS = torch.tensor([[17, 1, 5], [23, 1, 6]])


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int16], ids=lambda kind: kind.__name__)
def test_whole_numbers_of_numpy_are_accepted(kind):
    for given, wanted in (
        (ga.Resize(kind(9)), ga.Resize(9)),
        (ga.RandomCrop((kind(9), kind(8)), padding=kind(2)), ga.RandomCrop((9, 8), padding=2)),
        (ga.Posterize(kind(3)), ga.Posterize(3)),
        (ga.MedianBlur((kind(3), kind(5))), ga.MedianBlur((3, 5))),
        (ga.RandomRotation(kind(15)), ga.RandomRotation(15)),
        (ga.RandomHorizontalFlip(seed=kind(3)), ga.RandomHorizontalFlip(seed=3)),
    ):
        assert repr(given) == repr(wanted)
        images = torch.arange(2 * 3 * 12 * 12, dtype=torch.uint8).view(2, 3, 12, 12)
        assert torch.equal(given(images, DRAWS), wanted(images, DRAWS))


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16], ids=lambda kind: kind.__name__)
def test_real_numbers_of_numpy_are_accepted(kind):
    for given, wanted in (
        (ga.RandomHorizontalFlip(kind(0.5)), ga.RandomHorizontalFlip(0.5)),
        (ga.SaltAndPepper(kind(0.25)), ga.SaltAndPepper(0.25)),
        (ga.RandomAffine(kind(15), scale=(kind(0.5), kind(1.5))), ga.RandomAffine(15, scale=(0.5, 1.5))),
        (ga.GaussianBlur(sigma=(kind(0.5), kind(2))), ga.GaussianBlur(sigma=(0.5, 2))),
        (ga.GaussianBlur(sigma=kind(0.5)), ga.GaussianBlur(sigma=0.5)),
        (ga.ColorJitter(kind(0.5), kind(0.25)), ga.ColorJitter(0.5, 0.25)),
        (ga.RandomApply([ga.RandomInvert()], kind(0.5)), ga.RandomApply([ga.RandomInvert()], 0.5)),
    ):
        assert repr(given) == repr(wanted)
    assert isinstance(ga.RandomHorizontalFlip(kind(0.5)).p, float)
    assert repr(ga.MixUp(kind(0.5), kind(0.25))) == repr(ga.MixUp(0.5, 0.25))


def test_a_numpy_seed_is_accepted():
    assert ga.BalancedSampler([0, 0, 1], seed=np.uint64(2**64 - 1)).seed == 2**64 - 1


@pytest.mark.parametrize("value", [True, np.True_, "3", None, 3.5])
def test_other_values_than_whole_numbers_are_refused(value):
    for make in (lambda: ga.Resize(value), lambda: ga.Posterize(value), lambda: ga.RandomInvert(seed=value)):
        if value is None and make is not None:
            continue
        with pytest.raises(TypeError, match="must be"):
            make()


@pytest.mark.parametrize(
    ("shape", "way"),
    [
        ((32, 48), r"images\[None, None\]"),
        ((3, 32, 48), r"one image \(C, H, W\); give images\[None\]"),
        ((32, 48, 3), r"one image \(H, W, C\); give images.permute\(2, 0, 1\)\[None\]"),
        ((9, 32, 48), r"without channels; give images\[:, None\]"),
        ((9, 32, 48, 3), r"channels come first; give images.permute\(0, 3, 1, 2\)"),
        ((9, 99, 48, 3), r"channels come first; give images.permute\(0, 3, 1, 2\)"),
        ((2, 9, 32, 48, 3), r"channels come third; give images.permute\(0, 1, 4, 2, 3\)"),
        ((2, 9, 99, 48, 3), r"channels come third; give images.permute\(0, 1, 4, 2, 3\)"),
    ],
)
def test_errors_of_shapes_say_what_to_write(shape, way):
    images = torch.zeros(shape, dtype=torch.uint8)
    with pytest.raises(ValueError, match=rf"must have shape \(N, .*C, H, W\).*got .*: .*{way}$") as caught:
        ga.RandomInvert()(images)
    # What it says to write is right.
    written = str(caught.value).rpartition("give ")[2]
    assert ga.RandomInvert()(eval(written, {"images": images})).dim() == max(4, len(shape))


def test_errors_of_channel_order_say_what_to_write():
    for image, way in (
        (torch.zeros(32, 48, 3, dtype=torch.uint8), r"give image.permute\(2, 0, 1\)"),
        (torch.zeros(32, 48, dtype=torch.uint8), r"give image\[None\]"),
        (np.zeros((3, 32, 48), np.uint8), r"give image.transpose\(1, 2, 0\)"),
    ):
        with pytest.raises(ValueError, match=f"sample 0: .*{way}"):
            ga.WithDraws([(image, 0)])[ga.Draw(0)]
    with pytest.raises(ValueError, match=r"at position 1: give image.permute\(2, 0, 1\)"):
        ga.pack([torch.zeros(3, 9, 9).byte(), torch.zeros(9, 9, 3).byte()])


def test_messages_name_the_samples():
    packed = ga.pack([torch.zeros(3, 20, 31).byte(), torch.zeros(3, 16, 16).byte()])
    message = r"got 20 x 31 for draw 0 \(sample 17\) and 16 x 16 for draw 1 \(sample 23\)"
    with pytest.raises(ValueError, match=message):
        ga.RandomInvert()(packed, DRAWS)
    with pytest.raises(ValueError, match=r"got 17 x 17 for draw 1 \(sample 23\) of 16 x 16 pixels"):
        ga.RandomCrop(17)(packed, DRAWS)
    by_class = ga.PerClass([ga.RandomInvert()], strength=[0.5, 1.0])
    with pytest.raises(ValueError, match=r"in \[0, 2\), got 2 for draw 1 \(sample 23\)"):
        by_class(torch.zeros(2, 3, 8, 8).byte(), DRAWS, labels=torch.tensor([0, 2]))
