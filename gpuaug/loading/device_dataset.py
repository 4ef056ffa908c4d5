"""A data set whose images live on the device."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

from gpuaug.images import check_images, dtype_name
from gpuaug.loading.with_draws import read


class DeviceDataset:
    """uint8 images that live on a device, with their labels.

    >>> dataset = DeviceDataset(torch.zeros(10, 3, 32, 32, dtype=torch.uint8), torch.arange(10) % 2)
    >>> len(dataset), dataset.device, dataset.images.shape
    (10, device(type='cpu'), torch.Size([10, 3, 32, 32]))

    In a ``BalancedLoader`` the kernel reads each draw's image where it lies, so a batch is never gathered,
    and no worker is needed. CIFAR-10's 50,000 images take 154 MB this way.

    Args:
        images: uint8 ``(N, C, H, W)``, C is 1 to 4. Copied only where dense in neither memory order.
        labels: ``(N, ...)``, on the same device.

    Raises:
        TypeError: not tensors, or images that are not uint8.
        ValueError: other shapes, or not one label for each image.
        RuntimeError: images and labels on two devices.
    """

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        for name, value in (("images", images), ("labels", labels)):
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"{name} must be a tensor, got {type(value).__name__}: convert it with torch.as_tensor, "
                    "or decode a whole data set with DeviceDataset.from_dataset"
                )
        check_images(images)
        if images.dtype != torch.uint8:
            raise TypeError(f"images must be uint8, got {dtype_name(images)}")
        if labels.ndim == 0 or len(labels) != len(images):
            raise ValueError(
                f"labels must hold one label for each of the {len(images)} images, "
                f"got shape {tuple(labels.shape)}"
            )
        if images.device != labels.device:
            raise RuntimeError(
                f"images and labels must be on one device, got {images.device} and {labels.device}"
            )
        dense = images.is_contiguous() or images.is_contiguous(memory_format=torch.channels_last)
        self.images = images if dense else images.contiguous()
        self.labels = labels

    @classmethod
    def from_dataset(
        cls, dataset: Any, device: torch.device | str = "cpu", *, progress: bool = False
    ) -> DeviceDataset:
        """Decodes a map-style data set once, and puts it on a device.

        >>> import numpy
        >>> samples = [(numpy.full((4, 4), i, numpy.uint8), i % 2) for i in range(3)]
        >>> DeviceDataset.from_dataset(samples).images[:, 0, 0, 0]
        tensor([0, 1, 2], dtype=torch.uint8)

        Args:
            dataset: what :class:`WithDraws` takes, with images of one size.
            device: where the images go; they are decoded into host memory first.
            progress: whether to show a progress bar.

        Raises:
            TypeError: images that are not uint8.
            ValueError: a data set without samples, or images of two sizes, naming the sample.
            RuntimeError: what the data set raised, naming the sample.
        """
        if len(dataset) == 0:
            raise ValueError("dataset must have at least 1 sample, got 0")
        numbers: Any = range(len(dataset))
        if progress:
            from tqdm.auto import tqdm  # type: ignore[import-untyped]

            numbers = tqdm(numbers, desc="decoding", unit="image")
        images, labels = torch.empty(0), []
        for index in numbers:
            image, label = read(dataset, index)
            if image.dtype != torch.uint8:
                raise TypeError(
                    f"sample {index}: the images of a DeviceDataset must be uint8, got {dtype_name(image)}"
                )
            if index == 0:
                images = _room(len(dataset), image)
            if image.shape != images.shape[1:]:
                raise ValueError(
                    "the images of a DeviceDataset must have one size (C, H, W), got "
                    f"{tuple(images.shape[1:])} for sample 0 and {tuple(image.shape)} for sample {index}: "
                    "resize them in the data set"
                )
            images[index] = image
            labels.append(label)
        return cls(images, default_collate(labels)).to(device)

    @property
    def device(self) -> torch.device:
        return self.images.device

    def to(self, device: torch.device | str) -> DeviceDataset:
        """The same data set on another device; itself where it is there already."""
        if torch.device(device) == self.device:
            return self
        return type(self)(self.images.to(device), self.labels.to(device))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """One sample, untransformed: uint8 ``(C, H, W)`` and its label."""
        return self.images[index], self.labels[index]

    def __repr__(self) -> str:
        return f"DeviceDataset({tuple(self.images.shape)}, device={str(self.device)!r})"


def _room(count: int, image: Tensor) -> Tensor:
    """Uninitialised images ``(count, C, H, W)`` in the memory order of ``image``."""
    channels, height, width = image.shape
    if image.stride(0) == 1:
        return torch.empty(count, height, width, channels, dtype=image.dtype).permute(0, 3, 1, 2)
    return torch.empty(count, channels, height, width, dtype=image.dtype)
