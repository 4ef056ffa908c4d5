"""The article's convolutional network."""

from __future__ import annotations

from torch import Tensor, nn

SMALLEST_SIDE = 16


def check_image_size(height: int, width: int) -> None:
    """Raise unless images of this size leave something after the network's three poolings."""
    if min(height, width) < SMALLEST_SIDE:
        raise ValueError(
            f"images must be at least {SMALLEST_SIDE} pixels high and wide, got {height} x {width}"
        )


class ConvNet(nn.Module):
    """Six 3x3 convolutions (8-8-32-32-128-128), a 1x1 head, an average pool: the article's network.

    >>> import torch
    >>> ConvNet(classes=2, channels=1, height=28, width=28)(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 2])

    It gives logits. The article put a softmax in front of a loss that takes a softmax itself, which flattens
    the gradients; that is left out. Where the pooled maps are 3 to 5 wide and high (images of 24 to 47), the
    last pool is the article's ``AvgPool2d(3)``, else an adaptive one. The weights begin as PyTorch's
    convolutions do: the article has a function for them, whose body is lost in the text that reached us.

    Args:
        classes: number of logits, at least 2.
        channels, height, width: of the images; height and width at least 16, so that the last batch norm sees
            more than one value of a batch of one.

    Source: Olu-Ipinlaye, "Data augmentation: a class imbalance mitigative measure".
    """

    def __init__(self, classes: int, channels: int, height: int, width: int) -> None:
        super().__init__()
        check_image_size(height, width)
        fits = all(3 <= side // 8 <= 5 for side in (height, width))
        self.features = nn.Sequential(
            *_convolution(channels, 8),
            *_convolution(8, 8, pool=True),
            *_convolution(8, 32),
            *_convolution(32, 32, pool=True),
            *_convolution(32, 128),
            *_convolution(128, 128, pool=True),
        )
        self.head = nn.Sequential(
            nn.Conv2d(128, classes, 1),
            nn.AvgPool2d(3) if fits else nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, classes)`` of normalised images ``(N, C, H, W)``."""
        logits: Tensor = self.head(self.features(images))
        return logits


def _convolution(inputs: int, outputs: int, pool: bool = False) -> list[nn.Module]:
    # The article's order: the batch norm stands after the activation, and after the pool where there is one.
    pooling: list[nn.Module] = [nn.MaxPool2d(2)] if pool else []
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), *pooling, nn.BatchNorm2d(outputs)]
