"""Data sets of two arrays or tensors: one gather makes the batch that samples make one by one."""

import numpy as np
import pytest
import torch
from one_by_one import one_by_one, raised, same
from shown_indices import make
from torch.utils.data import StackDataset, Subset, TensorDataset

from gpuaug import RandomHorizontalFlip
from gpuaug.loading.alike import Stacked
from gpuaug.loading.gather import gather
from gpuaug.loading.read_batch import read_batch

ORDER = [3, 0, 11, 3, 1]
GENERATOR = np.random.default_rng(5)
ARRAYS = GENERATOR.integers(0, 256, (12, 5, 4, 3), np.uint8)
BYTES = torch.from_numpy(GENERATOR.integers(0, 256, (12, 3, 5, 4), np.uint8))
FLOATS = torch.rand(12, 3, 5, 4, generator=torch.Generator().manual_seed(0))
NUMBERS = torch.arange(12)

GATHERED = {
    "bytes": TensorDataset(BYTES, NUMBERS),
    "floats": TensorDataset(FLOATS, NUMBERS.double()),
    "one channel": TensorDataset(BYTES[:, :1], NUMBERS > 5),
    "interleaved": TensorDataset(BYTES.to(memory_format=torch.channels_last), NUMBERS),
    "with gaps": TensorDataset(FLOATS[..., ::2], NUMBERS),
    "expanded": TensorDataset(FLOATS[:1].expand(12, -1, -1, -1), NUMBERS),
    "many labels": TensorDataset(BYTES, torch.rand(12, 7)),
    "labels as wide as the images": TensorDataset(BYTES, torch.rand(12, 4)),
    "arrays": StackDataset(ARRAYS, NUMBERS.numpy()),
    "gray arrays": StackDataset(ARRAYS[..., 0].copy(), NUMBERS.numpy().astype(np.uint8)),
    "array and tensor": StackDataset(ARRAYS, NUMBERS),
    "tensor and array": StackDataset(FLOATS, NUMBERS.numpy().astype(np.float32)),
}
_EVEN = [10, 8, 6, 4, 2, 0, -1, -3, -5, -7, -9, -11]
SUBSETS = {
    "list": lambda dataset: Subset(dataset, _EVEN),
    "tuple": lambda dataset: Subset(dataset, tuple(_EVEN)),
    "range": lambda dataset: Subset(dataset, range(11, -1, -1)),
    "array": lambda dataset: Subset(dataset, np.array(_EVEN)),
    "tensor": lambda dataset: Subset(dataset, torch.tensor(_EVEN)),
    "nested": lambda dataset: Subset(Subset(dataset, _EVEN), [-2, *range(10, -1, -1)]),
}


@pytest.mark.parametrize("kind", GATHERED)
def test_a_gather_is_the_samples_one_by_one(kind):
    batch = gather(GATHERED[kind], ORDER)
    assert isinstance(batch, Stacked)
    same(batch, one_by_one(GATHERED[kind], ORDER))


@pytest.mark.parametrize("kind", ["bytes", "arrays"])
@pytest.mark.parametrize("subset", SUBSETS)
def test_subsets_are_gathered(subset, kind):
    dataset = SUBSETS[subset](GATHERED[kind])
    batch = gather(dataset, ORDER)
    assert isinstance(batch, Stacked)
    same(batch, one_by_one(dataset, ORDER))


@pytest.mark.parametrize("kind", GATHERED)
def test_gathered_batches_come_from_a_worker(kind):
    loader = make(GATHERED[kind], batch_size=18, num_workers=1)
    ((images, labels),) = loader
    same((images, labels), one_by_one(GATHERED[kind], loader.sampler.draws()[:, 0].tolist()))
    assert images.is_shared()


class Brighter(TensorDataset):
    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return image + 1, label


class Counted(torch.Tensor):
    pass


@pytest.mark.parametrize(
    "dataset",
    [
        Brighter(FLOATS, NUMBERS),
        TensorDataset(FLOATS.as_subclass(Counted), NUMBERS),
        TensorDataset(FLOATS, NUMBERS, NUMBERS),
        TensorDataset(FLOATS, torch.rand(12, 2, 3)),
        StackDataset(ARRAYS[:, ::2], NUMBERS.numpy()),
        StackDataset(ARRAYS.transpose(0, 2, 1, 3), NUMBERS.numpy()),
        StackDataset(list(ARRAYS), list(range(12))),
        StackDataset(ARRAYS, list(range(12))),
        StackDataset(ARRAYS, GENERATOR.random((12, 2))),
        StackDataset(image=ARRAYS, label=NUMBERS),
    ],
)
def test_others_go_one_by_one(dataset):
    assert gather(dataset, ORDER) is None
    loader = make(dataset, batch_size=18)
    batch, order = next(iter(loader)), loader.sampler.draws()[:, 0].tolist()
    if isinstance(batch, dict):
        same(batch.values(), [torch.from_numpy(ARRAYS).permute(0, 3, 1, 2)[order], NUMBERS[order]])
    else:
        samples = [dataset[index] for index in order]
        wanted = [
            torch.stack([torch.as_tensor(part) for part in parts]) for parts in zip(*samples, strict=True)
        ]
        wanted[0] = wanted[0].permute(0, 3, 1, 2) if wanted[0].shape[3] == 3 else wanted[0]
        assert all(torch.equal(own, part) for own, part in zip(batch, wanted, strict=True))


@pytest.mark.parametrize(
    "dataset",
    [
        TensorDataset(NUMBERS, FLOATS),
        TensorDataset(FLOATS.long(), NUMBERS),
        TensorDataset(FLOATS.transpose(1, 2), NUMBERS),
        TensorDataset(FLOATS.to("meta"), NUMBERS),
        StackDataset(ARRAYS.astype(np.float32), NUMBERS),
        Subset(TensorDataset(FLOATS, NUMBERS), [*range(11), 12]),
        Subset(TensorDataset(FLOATS, NUMBERS), [*range(11), -13]),
        Subset(TensorDataset(FLOATS, NUMBERS), [*range(11), 1.5]),
        Subset(Subset(TensorDataset(FLOATS, NUMBERS), [0]), range(12)),
    ],
)
def test_faults_are_those_of_single_samples(dataset):
    assert raised(lambda: read_batch(dataset, ORDER)) == raised(lambda: one_by_one(dataset, ORDER))


def test_labels_that_look_like_masks_are_refused():
    loader = make(TensorDataset(FLOATS, FLOATS), RandomHorizontalFlip())
    with pytest.raises(ValueError, match=r"\[1\] looks like a mask"):
        next(iter(loader))
