"""A data set that passes draws through a DataLoader."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset

from gpuaug.loading.collate import DRAWS
from gpuaug.loading.samples import Sample, read
from gpuaug.sampling import Draw
from gpuaug.sampling.labels.datasets import check_map_style
from gpuaug.transforms.annotations.tv_tensors import like


class WithDraws(Dataset[Any]):
    """Wraps a map-style data set so that each sample comes with its draw: its index, copy and key.

    >>> import numpy, torch
    >>> from gpuaug import BalancedSampler
    >>> samples = [(numpy.zeros((8, 8, 3), numpy.uint8), int(i < 2)) for i in range(6)]
    >>> sampler = BalancedSampler([label for _, label in samples])
    >>> loader = torch.utils.data.DataLoader(WithDraws(samples), batch_size=8, sampler=sampler)
    >>> images, labels, draws = next(iter(loader))
    >>> images.shape, labels.shape, draws.shape
    (torch.Size([8, 3, 8, 8]), torch.Size([8]), torch.Size([8, 3]))

    Then augment a batch by ``augment(images.to(device), draws)``; ``masks=``, ``boxes=`` and ``keypoints=``
    follow the images. Images of different sizes, boxes and keypoints need
    ``collate_fn=gpuaug.loading.collate`` in the ``DataLoader``. :class:`BalancedLoader` does all of this.

    ``WithDraws(dataset)[draw]`` is the sample in its own form: the image becomes a tensor ``(C, H, W)``,
    other items stay as they are, and the draw is added as an int64 tensor ``[index, copy, key]``: as a last
    item, or in a dictionary under "draws".

    Args:
        dataset: a map-style data set with a length. ``dataset[index]`` is ``(image, label)``, a longer tuple
            that begins with the image, or a dictionary with its image under "image" or "img", or with exactly
            one ``tv_tensors.Image`` or PIL image. An image is a PIL image of mode L, RGB, RGBA or I;16, an
            array ``(H, W)`` or ``(H, W, C)`` of uint8, uint16 or int16, or a tensor ``(C, H, W)`` of these
            types or of floats, also a ``tv_tensors.Image``. Floats take the differentiable path.

    Raises:
        TypeError: the data set has no length, or is not read by index. When a sample is read: it is indexed
            by something other than a :class:`Draw`, or the sample is of another type.
        ValueError: when a sample is read: its image is invalid, or a dictionary has an entry "draws".
        RuntimeError: when a sample is read: the data set raised an error, which is the cause; the message
            names the sample.
    """

    def __init__(self, dataset: Any) -> None:
        check_map_style(dataset)
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw) -> Any:
        sample = self.sample(draw)
        whole = sample.with_image(like(sample.image, "Image") if sample.as_image else sample.image)
        if isinstance(whole, dict):
            if DRAWS in whole:
                raise ValueError(
                    f"sample {draw.index}: a dictionary must not have an entry {DRAWS!r} of its own"
                )
            return {**whole, DRAWS: draw.tensor()}
        return (*whole, draw.tensor())

    def sample(self, draw: Draw) -> Sample:
        """Reads the sample of a draw, split into its image and the other items.

        Args:
            draw: the draw, as a sampler yields it.

        Raises:
            TypeError: ``draw`` is not a :class:`Draw`, or the sample is of another type.
            RuntimeError: the data set raised an error; the message names the sample.
        """
        if not isinstance(draw, Draw):
            raise TypeError(
                f"WithDraws is indexed by a gpuaug.Draw, got {type(draw).__name__}: give the DataLoader "
                "sampler=gpuaug.BalancedSampler(labels), which yields draws"
            )
        return read(self.dataset, draw.index)

    def __repr__(self) -> str:
        return f"WithDraws({type(self.dataset).__name__} of {len(self)} samples)"
