"""A batch by way of single samples: what the quick ways to a batch must come to."""

import pytest
import torch

from gpuaug import Draw
from gpuaug.loading import WithDraws, collate


def one_by_one(dataset, order):
    """Images and labels of samples, each of which is checked, and has a tensor of its own."""
    images, labels, _ = collate([WithDraws(dataset)[Draw(index)] for index in order])
    return images, labels


def same(batch, expected):
    for own, wanted in zip(batch, expected, strict=True):
        assert type(own) is type(wanted)
        assert (own.dtype, own.shape, own.stride()) == (wanted.dtype, wanted.shape, wanted.stride())
        assert torch.equal(own, wanted)


def raised(call):
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever it is, it is compared
        call()
    return type(caught.value), str(caught.value)
