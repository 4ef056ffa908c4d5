"""Draws through a DataLoader: the data set's side."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset

from gpuaug.loading.collate import DRAWS
from gpuaug.loading.samples import Sample, read
from gpuaug.sampling import Draw
from gpuaug.sampling.labels.datasets import check_map_style
from gpuaug.transforms.annotations.tv_tensors import like


class WithDraws(Dataset[Any]):
    """A map-style data set that is read by draws, and says with every image which draw it is.

    >>> import numpy, torch
    >>> from gpuaug import BalancedSampler
    >>> samples = [(numpy.zeros((8, 8, 3), numpy.uint8), int(i < 2)) for i in range(6)]
    >>> sampler = BalancedSampler([label for _, label in samples])
    >>> loader = torch.utils.data.DataLoader(WithDraws(samples), batch_size=8, sampler=sampler)
    >>> images, labels, draws = next(iter(loader))
    >>> images.shape, labels.shape, draws.shape
    (torch.Size([8, 3, 8, 8]), torch.Size([8]), torch.Size([8, 3]))

    A transform takes it from there: ``augment(images.to(device), draws)``, and with ``masks=``, ``boxes=`` or
    ``keypoints=`` what is to follow the images. For images of different sizes, and for boxes or keypoints,
    the ``DataLoader`` needs ``collate_fn=gpuaug.loading.collate``. ``BalancedLoader`` does all of it.

    Args:
        dataset: anything with ``__len__`` whose ``dataset[index]`` is ``(image, label)``, a longer tuple that
            begins with the image, or a dictionary whose image is the entry "image" or "img", or else the one
            ``tv_tensors.Image`` or PIL image in it. The image is a PIL image of mode L, RGB or RGBA, a uint8
            array ``(H, W)`` or ``(H, W, C)``, or a uint8 or floating tensor ``(C, H, W)``, also a
            ``tv_tensors.Image`` (floats take the differentiable path).

    ``WithDraws(dataset)[draw]`` is the sample in its own form: the image as a tensor ``(C, H, W)``,
    everything else as it is, and the int64 tensor ``[index, copy, key]`` as one more item, or under "draws".
    An error of the data set comes as a ``RuntimeError`` that names the sample, with the original error as its
    cause.
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
        """The sample of a draw, its image apart."""
        if not isinstance(draw, Draw):
            raise TypeError(
                f"WithDraws is indexed by a gpuaug.Draw, got {type(draw).__name__}: give the DataLoader "
                "sampler=gpuaug.BalancedSampler(labels), which yields draws"
            )
        return read(self.dataset, draw.index)

    def __repr__(self) -> str:
        return f"WithDraws({type(self.dataset).__name__} of {len(self)} samples)"
