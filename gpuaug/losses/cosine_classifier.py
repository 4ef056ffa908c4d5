"""The classifier that LDAM is designed for."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["CosineClassifier"]


class CosineClassifier(nn.Module):
    """Compute the cosine between features and each class's weights, as last layer before ``LDAMLoss``.

    >>> classifier = CosineClassifier(features=64, classes=10)
    >>> classifier(torch.randn(5, 64)).shape
    torch.Size([5, 10])

    Cosines are in [-1, 1]. Weights start as random directions, all equally likely. Features of zeros have
    cosine 0. Source: the authors' code of Cao et al., NeurIPS 2019 (``NormedLinear``).

    Shapes: ``(n, features, ...)`` to ``(n, classes, ...)``, in the dtype of the features.

    Args:
        features: number of features of each row, at least 1.
        classes: number of classes, at least 1.

    Raises:
        TypeError, ValueError: if a size is of another type or below 1.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        for name, size in (("features", features), ("classes", classes)):
            if isinstance(size, bool) or not isinstance(size, int):
                raise TypeError(f"{name} must be an int, got {type(size).__name__}")
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        self.weight = nn.Parameter(torch.empty(classes, features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new random directions from torch's generator."""
        nn.init.normal_(self.weight)

    def forward(self, features: Tensor) -> Tensor:
        directions = _unit(features, dim=1).movedim(1, -1)
        return F.linear(directions, _unit(self.weight, dim=1)).movedim(-1, 1)

    def extra_repr(self) -> str:
        classes, features = self.weight.shape
        return f"features={features}, classes={classes}"


def _unit(vectors: Tensor, dim: int) -> Tensor:
    # In float32 at least: in half precision a length above 65,504 is infinite.
    wide = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
    # The gradient of zeros is 1 / least: with the usual 1e-12 it is infinite in half precision.
    least = max(1e-12, torch.finfo(vectors.dtype).tiny)
    return F.normalize(wide, dim=dim, eps=least).to(vectors.dtype)
