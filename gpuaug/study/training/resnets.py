"""The paper's ResNet-18 with its head, and the ResNet-32 of the long-tailed CIFAR sets."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class GreyAsRGB(nn.Module):
    """A network of three channels that also takes images of one."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.network(images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images)
        return scores


def paper_resnet18(classes: int, channels: int, height: int, width: int) -> nn.Module:
    """torchvision's ResNet-18, not pre-trained, with the paper's head: it gives log-probabilities.

    >>> import torch
    >>> paper_resnet18(2, 3, 100, 100)(torch.zeros(4, 3, 100, 100)).shape
    torch.Size([4, 2])

    Source: the head of figure 2 of paper 155039, International Journal of Innovative Research in Technology
    8 (12), May 2022: linear 512-512, ReLU, dropout 0.2, linear 512-2, log-softmax.
    """
    from torchvision.models import resnet18

    network = resnet18(weights=None)
    network.fc = nn.Sequential(
        nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, classes), nn.LogSoftmax(dim=1)
    )
    return GreyAsRGB(network)


class ResNet32(nn.Module):
    """Three stages of five blocks, with 16, 32 and 64 channels, for images of 32 x 32 pixels.

    >>> import torch
    >>> ResNet32(10, 3, 32, 32)(torch.zeros(4, 3, 32, 32)).shape
    torch.Size([4, 10])

    Shortcuts have no parameters: where the size halves, every second pixel, with zeros for the channels that
    are new. Weights begin as He's.

    Source: He et al., "Deep residual learning for image recognition", CVPR 2016, section 4.2, n = 5.
    """

    def __init__(self, classes: int, channels: int, height: int, width: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        inputs = 16
        for outputs in (16, 32, 64):
            for number in range(5):
                blocks.append(_Block(inputs, outputs, 2 if number == 0 and outputs > 16 else 1))
                inputs = outputs
        self.features = nn.Sequential(
            nn.Conv2d(channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *blocks
        )
        self.head = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, classes)`` of normalised images ``(N, C, H, W)``."""
        logits: Tensor = self.head(self.features(images).mean(dim=(2, 3)))
        return logits


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride, self.new = stride, outputs - inputs
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, maps: Tensor) -> Tensor:
        shortcut = F.pad(maps[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))
        return F.relu(shortcut + self.body(maps))
