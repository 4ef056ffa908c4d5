"""Blur."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.activity import Active
from gpuaug.recipe import Draft, blur_weights
from gpuaug.transforms.base import Job, Transform
from gpuaug.transforms.plan import Stage, Step
from gpuaug.transforms.settings import interval


class GaussianBlur(Transform):
    """A 5x5 Gaussian with a sigma per draw, uniform between two bounds.

    >>> import gpuaug
    >>> gpuaug.GaussianBlur(sigma=(0.1, 2.0))(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    The border is reflected without repeating the edge.

    Args:
        kernel_size: 5, the one size the kernel has.
        sigma: (least, most) in pixels, or one number; None for the article's fixed kernel of sum 273, zero
            border, truncated.

    Raises:
        ValueError: another kernel size; a sigma that is not positive and finite.
    """

    stage = Stage.BLUR

    def __init__(
        self, kernel_size: int = 5, sigma: tuple[float, float] | float | None = (0.1, 2.0), *, seed: int = 0
    ) -> None:
        super().__init__(seed=seed)
        if kernel_size != 5:
            raise ValueError(f"kernel_size must be 5, got {kernel_size}")
        pair = (sigma, sigma) if isinstance(sigma, (int, float)) else sigma
        self.sigma = None if pair is None else interval("sigma", pair)
        fixed = self.sigma is not None and self.sigma[0] == self.sigma[1]
        self._weights = blur_weights(torch.tensor(self.sigma[:1])) if fixed else None

    def make_params(self, job: Job, step: Step) -> dict[str, Tensor | None]:
        if self.sigma is None:
            return {"weights": None}
        if self._weights is not None:
            return {"weights": self._weights.expand(len(job.keys), 2)}
        low, high = self.sigma
        return {"weights": blur_weights(low + job.uniform(step, 1)[:, 0] * (high - low))}

    def compile(self, draft: Draft, active: Active, *, weights: Tensor | None) -> None:
        draft.blur(weights, active)

    def extra_repr(self) -> str:
        return f"kernel_size=5, sigma={self.sigma}"
