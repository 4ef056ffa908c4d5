"""A data set with its images on the device."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from gpuaug.images.batch import FEW_CHANNELS, check_images, check_order, dtype_name, has_channels_last
from gpuaug.images.packed import Images, Packed, check_one, is_interleaved, is_pinned
from gpuaug.loading.samples import Sample, read
from gpuaug.sampling.base import checked
from gpuaug.transforms.annotations.tv_tensors import kind_of, like, plain


class DeviceDataset:
    """Images on a device, uint8, uint16 or int16, with their labels.

    >>> dataset = DeviceDataset(torch.zeros(10, 3, 32, 32, dtype=torch.uint8), torch.arange(10) % 2)
    >>> len(dataset), dataset.device, dataset.images.shape
    (10, device(type='cpu'), torch.Size([10, 3, 32, 32]))

    In a :class:`BalancedLoader`, the kernel reads the images of the draws directly from the data set: no
    batch is gathered and no worker is needed. The 50,000 images of CIFAR-10 take 154 MB. A data set that does
    not fit on a CUDA device can stay in pinned memory of the host, which the device reads; see
    :meth:`pin_memory`.

    Args:
        images: uint8, uint16 or int16 ``(N, C, H, W)``, with C in [1, 64]; or images of different sizes, from
            :func:`gpuaug.pack`. A tensor is copied only if it is dense in neither memory order, or
            channels_last with more than 4 channels.
        labels: ``(N, ...)``, on the same device. A ``tv_tensors.Mask`` ``(N, H, W)`` or ``(N, k, H, W)``
            follows the geometry of the images.

    Attributes:
        images: the images, a tensor ``(N, C, H, W)`` or :class:`gpuaug.Packed`.
        labels: the labels.

    Raises:
        TypeError: ``images`` or ``labels`` are no tensors, or the images have another dtype.
        ValueError: a shape is wrong, or the number of labels is not that of the images.
        RuntimeError: images and labels are on different devices.
    """

    def __init__(self, images: Images, labels: Tensor) -> None:
        for name, value, kinds in (("images", images, (Tensor, Packed)), ("labels", labels, Tensor)):
            if not isinstance(value, kinds):
                raise TypeError(
                    f"{name} must be a tensor, got {type(value).__name__}: convert it with torch.as_tensor, "
                    "or decode a whole data set with DeviceDataset.from_dataset"
                )
        if isinstance(images, Tensor):
            images = _dense(images)
        if labels.ndim == 0 or len(labels) != len(images):
            raise ValueError(
                f"labels must hold one label for each of the {len(images)} images, "
                f"got shape {tuple(labels.shape)}"
            )
        if images.device != labels.device:
            raise RuntimeError(
                f"images and labels must be on one device, got {images.device} and {labels.device}"
            )
        self.images = images
        self.labels = labels

    @classmethod
    def from_dataset(
        cls,
        dataset: Any,
        device: torch.device | str = "cpu",
        *,
        progress: bool = False,
        num_workers: int = 0,
        pin: bool = False,
    ) -> DeviceDataset:
        """Decodes a map-style data set once and puts the images on a device.

        >>> import numpy
        >>> samples = [(numpy.full((4, 4), i, numpy.uint8), i % 2) for i in range(3)]
        >>> DeviceDataset.from_dataset(samples).images[:, 0, 0, 0]
        tensor([0, 1, 2], dtype=torch.uint8)

        Args:
            dataset: a map-style data set of samples ``(image, label)``, with images as :class:`WithDraws`
                takes them. Images of different sizes are packed.
            device: the device of the images. They are decoded into host memory first.
            progress: show a tqdm bar.
            num_workers: the number of threads that read samples; 0 reads in this thread. Threads help if the
                decoder releases the GIL, as Pillow does.
            pin: page-lock the images in host memory, as :meth:`pin_memory` does.

        Returns:
            the data set on ``device``.

        Raises:
            TypeError: images are floating or differ in dtype; the message names the sample.
            ValueError: the data set is empty, images differ in their number of channels (the message names
                the sample), or ``pin`` is given with a CUDA device.
            RuntimeError: the data set raised an error (the message names the sample), or ``pin`` is given
                without CUDA.
        """
        if pin and torch.device(device).type != "cpu":
            raise ValueError(f"pin must be False for images that go to {device}, got True")
        if pin:
            _check_pinnable()
        if len(dataset) == 0:
            raise ValueError("dataset must have at least 1 sample, got 0")
        samples: Any = _read_all(dataset, checked("num_workers", num_workers, 1 << 16))
        if progress:
            from tqdm.auto import tqdm

            samples = tqdm(samples, total=len(dataset), desc="decoding", unit="image")
        # One growing buffer: decoded images are in memory once, whether or not their sizes are equal.
        storage, sizes, labels = bytearray(), [], []
        channels, interleaved, dtype = 0, False, torch.uint8
        for index, sample in enumerate(samples):
            image, label = _pair(sample, index)
            if image.is_floating_point():
                raise TypeError(
                    f"sample {index}: the images of a DeviceDataset must be uint8, uint16 or int16, "
                    f"got {dtype_name(image)}"
                )
            if index == 0:
                channels, dtype = len(image), image.dtype
                interleaved = is_interleaved(image) and channels <= FEW_CHANNELS
            check_one(
                "the images of a DeviceDataset must have one number of channels",
                (channels, len(image)),
                "for sample",
                (0, index),
                advice=": convert them in the data set",
            )
            check_one(
                "the images of a DeviceDataset must have one dtype",
                (dtype_name(dtype), dtype_name(image)),
                "for sample",
                (0, index),
                TypeError,
            )
            rows = image.permute(1, 2, 0) if interleaved else image
            storage += rows.contiguous().view(torch.uint8).numpy().data
            sizes.append((image.shape[1], image.shape[2]))
            labels.append(label)
        flat = torch.frombuffer(storage, dtype=dtype)
        packed = Packed.of_sizes(flat, sizes, channels, interleaved)
        dense = len(set(sizes)) == 1
        together = default_collate([plain(label) if isinstance(label, Tensor) else label for label in labels])
        if kind_of(labels[0]) == "Mask":
            together = like(together, "Mask")
        made = cls(packed.dense() if dense else packed, together).to(device)
        return made.pin_memory() if pin else made

    @property
    def device(self) -> torch.device:
        """The device of the images and labels."""
        return self.images.device

    def to(self, device: torch.device | str) -> DeviceDataset:
        """Returns the data set on another device, or itself if it is there already.

        Args:
            device: the device to copy images and labels to.
        """
        if torch.device(device) == self.device:
            return self
        return type(self)(self.images.to(device), self.labels.to(device))

    def pin_memory(self) -> DeviceDataset:
        """Returns the data set in page-locked memory of the host, or itself if it is there already.

        This is for data sets that do not fit on a CUDA device. A :class:`BalancedLoader` with a CUDA device
        takes the result: the kernel reads over the bus those pixels that its draws need, and nothing else is
        copied.

        Raises:
            RuntimeError: the images are on a device, or there is no CUDA.
        """
        if self.device.type != "cpu":
            raise RuntimeError(f"pin_memory needs images on the host, got {self.device}")
        _check_pinnable()
        return self if is_pinned(self.images) else type(self)(self.images.pin_memory(), self.labels)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Returns a sample without augmentation: the image ``(C, H, W)`` and its label."""
        return self.images[index], self.labels[index]

    def __repr__(self) -> str:
        images = self.images if isinstance(self.images, Packed) else tuple(self.images.shape)
        return f"DeviceDataset({images}, device={str(self.device)!r})"


def _check_pinnable() -> None:
    if not torch.cuda.is_available():
        raise RuntimeError("pin must be False without a CUDA device, got True")


def _read_all(dataset: Any, threads: int) -> Iterator[Sample]:
    """Yields every sample in order, with only a few in memory at a time."""
    if not threads:
        yield from (read(dataset, index) for index in range(len(dataset)))
        return
    step = 16 * threads
    with ThreadPoolExecutor(threads) as pool:
        for begin in range(0, len(dataset), step):
            yield from pool.map(partial(read, dataset), range(begin, min(begin + step, len(dataset))))


def _pair(sample: Sample, index: int) -> tuple[Tensor, Any]:
    if isinstance(sample.rest, dict) or len(sample.rest) != 1:
        raise TypeError(
            f"sample {index}: the samples of a DeviceDataset must be (image, label); give a data set with "
            "other samples to BalancedLoader"
        )
    (label,) = sample.rest
    if not isinstance(label, (int, float, np.generic, np.ndarray, Tensor)):
        raise TypeError(f"sample {index}: the label must be a number or a tensor, got {type(label).__name__}")
    return sample.image, label


def _dense(images: Tensor) -> Tensor:
    check_images(images, values=True)
    check_order(images)
    if images.is_floating_point():
        raise TypeError(f"images must be uint8, uint16 or int16, got {dtype_name(images)}")
    kept = has_channels_last(images) and images.shape[1] <= FEW_CHANNELS
    return images if kept else images.contiguous()
