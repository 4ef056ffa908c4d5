"""PyTorch's default device decides nothing here: what the host works out stays on the host.

Shown with the device meta, whose tensors hold no values: one factory without a device fails at once.
"""

import numpy as np
import pytest
import torch
from every_transform import OF_CHAINS, required

import gpuaug
from gpuaug import functional as F
from gpuaug import sampling
from gpuaug.loading import BalancedLoader, DeviceDataset
from gpuaug.transforms import catalogue

SIDE = 20
IMAGES = torch.randint(256, (6, 3, SIDE, SIDE), dtype=torch.uint8)
DRAWS = torch.stack((torch.arange(6), torch.arange(6) % 3, torch.arange(6) * 0x1E3779B97F4A7C15), dim=1)
LABELS = [0] * 5 + [1] * 3 + [2] * 9


def same_under_meta(make) -> None:
    """``make`` gives a list of tensors, from objects that it builds itself."""
    torch.manual_seed(1)
    expected = make()
    torch.manual_seed(1)
    with torch.device("meta"):
        got = make()
    assert [value.device.type for value in got] == ["cpu"] * len(expected)
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_chains_ignore_the_default_device(entry, dtype):
    images = IMAGES if dtype == torch.uint8 else IMAGES / 255

    def make():
        transform = entry.kind(**required(entry))
        last = [] if entry.name == "Normalize" else [gpuaug.Normalize([0.4, 0.5, 0.6], 0.25)]
        some = transform if entry.name in OF_CHAINS else gpuaug.RandomApply([transform], p=0.9)
        chain = gpuaug.Compose([some, *last])
        return [chain(images, DRAWS), chain(images), transform(images[:, :, :, :9], DRAWS)]

    same_under_meta(make)


def test_containers_packed_images_and_annotations_ignore_the_default_device():
    def make():
        options = [gpuaug.RandomResizedCrop(16), gpuaug.RandomAffine(30), gpuaug.Sharpen()]
        chain = gpuaug.Compose([gpuaug.OneOf(options, by="copy"), gpuaug.Resize(9)], apply_to="copies")
        by_class = gpuaug.PerClass([gpuaug.ColorJitter(0.5)], strength=[0.2, 1.0], op_probability=0.5)
        packed = gpuaug.pack([image[:, : 5 + n] for n, image in enumerate(IMAGES.unbind())])
        labels, masks = DRAWS[:, 0] % 2, IMAGES[:, 0] // 128
        boxes = torch.tensor([[[2.0, 3.0, 9.0, 11.0]]], device="cpu").expand(6, 1, 4)
        annotated = gpuaug.RandomResizedCrop(9)(
            IMAGES, DRAWS, masks=masks, boxes=boxes, keypoints=boxes[..., :2]
        )
        plain = [chain(IMAGES, DRAWS), chain(packed, DRAWS), by_class(IMAGES, DRAWS, labels=labels)]
        return [*plain, annotated.images, annotated.masks, annotated.boxes, annotated.keypoints]

    same_under_meta(make)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_functional_ignores_the_default_device(dtype):
    images = IMAGES if dtype == torch.uint8 else IMAGES / 255
    keys, boxes = DRAWS[:, 2], torch.tensor([[1, 2, 15, 17]]).expand(6, 4)
    same_under_meta(
        lambda: [
            F.crop_resize(images, boxes, 8),
            F.flip(images, True, DRAWS[:, 0] < 3),
            F.gaussian_blur(images, 1.5),
            F.gaussian_blur(images, None),
            F.salt_and_pepper(images, 0.1, 0.2, keys),
            F.normalize(images, (0.1, 0.2, 0.3), np.array(0.5)),
        ]
    )


def test_mixes_ignore_the_default_device():
    def make():
        targets = DRAWS[:, 0] % 2
        mixes = [gpuaug.MixUp(), gpuaug.CutMix(), gpuaug.CMO([5, 3]), gpuaug.Remix([5, 3])]
        mixes.append(gpuaug.BalancedMixUp([5, 3]))
        results = [mix(IMAGES / 255, targets, DRAWS) for mix in mixes]
        planned, sampler = gpuaug.CMO([5, 3], partners="plan"), gpuaug.BalancedSampler(targets)
        partners = sampler.partners(planned.weigh).of(DRAWS[planned.mixes(DRAWS)])
        index = torch.cat((DRAWS, partners))[:, 0]
        results.append(planned(IMAGES[index] / 255, targets[index], DRAWS))
        return [value for images, (a, b, share) in results for value in (images, a, b, share)]

    same_under_meta(make)


SAMPLERS = {
    "balanced": lambda: gpuaug.BalancedSampler(LABELS, target="mean", seed=3),
    "deferred": lambda: gpuaug.BalancedSampler(LABELS, target=sampling.deferred(1), seed=3),
    "repeat factors": lambda: gpuaug.RepeatFactorSampler([[v] for v in LABELS], threshold=0.5),
    "batches": lambda: gpuaug.BalancedBatchSampler(LABELS, classes_per_batch=2, samples_per_class=2),
}


@pytest.mark.parametrize("kind", SAMPLERS)
def test_samplers_draws_ignore_the_default_device(kind):
    def make():
        sampler = SAMPLERS[kind]()
        drawn = []
        for epoch in (0, 1):
            sampler.set_epoch(epoch)
            drawn += [sampler.draws(), sampler.draws(2, 4)]
            for item in sampler:
                drawn += [draw.tensor() for draw in (item if isinstance(item, list) else [item])]
        return drawn

    same_under_meta(make)


def test_subsets_ignore_the_default_device():
    def make():
        kept = [sampling.make_imbalanced(LABELS, {0: 2}), sampling.make_long_tailed(LABELS, 3)]
        return [torch.as_tensor(indices, device="cpu") for indices in kept]

    same_under_meta(make)


IMAGES_OF_ALL = torch.randint(256, (len(LABELS), 3, SIDE, SIDE), dtype=torch.uint8)
DATASETS = {
    "decoded": lambda: list(zip(IMAGES_OF_ALL.unbind(), LABELS, strict=True)),
    "ragged": lambda: [(image[:, n:], label) for n, (image, label) in enumerate(DATASETS["decoded"]())],
    "resident": lambda: DeviceDataset(IMAGES_OF_ALL, torch.tensor(LABELS, device="cpu")),
}


@pytest.mark.parametrize(
    ("kind", "workers"), [("decoded", 0), ("decoded", 1), ("ragged", 0), ("ragged", 1), ("resident", 0)]
)
def test_a_loader_ignores_the_default_device(kind, workers):
    def make():
        sampler = gpuaug.BalancedSampler(LABELS, seed=3)
        augment = gpuaug.Compose([gpuaug.RandomResizedCrop(8), gpuaug.Normalize(0.5, 0.5)])
        loader = BalancedLoader(DATASETS[kind](), sampler, augment, batch_size=4, num_workers=workers)
        return [value for batch in loader for value in batch]

    same_under_meta(make)
