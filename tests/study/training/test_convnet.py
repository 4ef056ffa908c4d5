"""The article's network."""

import pytest
import torch
from torch import nn

from gpuaug.study.training.convnet import ConvNet


def test_parameters_counted_by_hand():
    convolutions = sum(o * i * 9 + o for i, o in [(3, 8), (8, 8), (8, 32), (32, 32), (32, 128), (128, 128)])
    norms = 2 * (8 + 8 + 32 + 32 + 128 + 128)
    head = 128 * 2 + 2
    model = ConvNet(classes=2, channels=3, height=32, width=32)
    assert sum(p.numel() for p in model.parameters()) == convolutions + norms + head


def test_layers_stand_in_the_article_order():
    names = [type(layer).__name__ for layer in ConvNet(2, 3, 32, 32).features]
    plain, pooled = ["Conv2d", "ReLU", "BatchNorm2d"], ["Conv2d", "ReLU", "MaxPool2d", "BatchNorm2d"]
    assert names == (plain + pooled) * 3


@pytest.mark.parametrize(
    ("channels", "height", "width", "pool"),
    [
        (3, 32, 32, nn.AvgPool2d),
        (1, 28, 28, nn.AvgPool2d),
        (3, 47, 24, nn.AvgPool2d),
        (3, 48, 32, nn.AdaptiveAvgPool2d),
        (3, 16, 100, nn.AdaptiveAvgPool2d),
    ],
)
@pytest.mark.parametrize("classes", [2, 5])
def test_logits_for_every_size(channels, height, width, pool, classes):
    model = ConvNet(classes, channels, height, width)
    assert isinstance(model.head[1], pool)
    assert model(torch.rand(3, channels, height, width)).shape == (3, classes)


def test_article_pool_leaves_out_the_last_row_and_column_of_32_pixels():
    model = ConvNet(2, 3, 32, 32).eval()
    maps = model.features(torch.rand(4, 3, 32, 32))
    assert maps.shape == (4, 128, 4, 4)
    expected = torch.einsum("nchw,kc->nk", maps[:, :, :3, :3] / 9, model.head[0].weight[:, :, 0, 0])
    torch.testing.assert_close(model.head(maps), expected + model.head[0].bias)


def test_outputs_are_logits_not_probabilities():
    logits = ConvNet(2, 1, 28, 28)(torch.rand(8, 1, 28, 28))
    assert (logits.sum(dim=1) - 1).abs().min() > 1e-4


def test_a_batch_of_one_of_the_smallest_images_trains():
    ConvNet(2, 3, 16, 16).train()(torch.rand(1, 3, 16, 16)).sum().backward()


def test_too_small_images():
    with pytest.raises(ValueError, match="images must be at least 16 pixels high and wide, got 32 x 15"):
        ConvNet(2, 3, 32, 15)
