"""Strength and choice by class: what a strength makes of every transform, and who gets which."""

import numpy as np
import pytest
import torch

import gpuaug
from gpuaug import random
from gpuaug.transforms import catalogue

SIZE = 24
ENTRIES = [entry for entry in catalogue() if entry.stage not in ("read", "output")]
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def build(entry):
    settings = {"tile_grid_size": 2} if entry.name == "CLAHE" else {}
    return entry.kind(**dict.fromkeys(entry.required, SIZE if "Resize" in entry.name else 8), **settings)


def some_images(count, channels=3):
    random_ = torch.Generator().manual_seed(count)
    smooth = torch.rand(count, channels, SIZE // 4, SIZE // 4, generator=random_)
    smooth = torch.nn.functional.interpolate(smooth, scale_factor=4, mode="bilinear")
    return (smooth * 230 + 10).byte()


def draws_of(count, seed=3):
    index = torch.arange(count)
    return random.keyed_draws(seed, 0, index, torch.ones_like(index))


@every_entry
def test_strength_1_is_the_transform_itself(entry):
    images, draws = some_images(8), draws_of(8)
    alone = gpuaug.Compose([build(entry)])(images, draws)  # the same places in the chain
    assert torch.equal(gpuaug.PerClass([build(entry)])(images, draws), alone)
    graded = gpuaug.PerClass([build(entry)], strength=[1.0, 1.0])
    assert torch.equal(graded(images, draws, labels=torch.arange(8) % 2), alone)


@every_entry
def test_strength_0_leaves_a_draw_alone(entry):
    images, draws, labels = some_images(8), draws_of(8), torch.arange(8) % 2
    by_class = gpuaug.PerClass([build(entry)], strength=[0.0, 1.0])
    out = by_class(images, draws, labels=labels)
    assert torch.equal(out[1::2], gpuaug.Compose([build(entry)])(images[1::2], draws[1::2]))
    assert torch.equal(out[::2], by_class.eval()(images[::2], draws[::2]))


@every_entry
def test_a_low_strength_hardly_changes_a_draw(entry):
    if entry.name in ("RandomCrop", "CenterCrop"):
        pytest.skip("its window keeps its size; strength moves it from the middle")
    images, draws = some_images(64), draws_of(64)
    weak, full = (gpuaug.PerClass([build(entry)], strength=strength) for strength in (1e-3, 1.0))
    plain = gpuaug.PerClass([build(entry)]).eval()(images, draws)
    away, furthest = ((t(images, draws).int() - plain.int()).abs().flatten(1) for t in (weak, full))
    if not weak.graded:
        assert (away.amax(1) > 0).sum() <= 2  # a chance of 1 in 1000 for each
    elif entry.name in ("Downscale", "JpegCompression"):
        # The least that there is loses a row, or halves the chroma.
        assert away.sum() < furthest.sum()
    else:
        # A level from rounding, two where a resampling moves by a part of a pixel; salt is one pixel in 4000.
        assert away.amax(1).float().quantile(0.7) <= 2


def test_strength_scales_drawn_parameters_as_by_hand():
    images = torch.zeros(4, 3, 1, 1, dtype=torch.uint8)
    shift = gpuaug.RGBShift(red=(100, 100), green=(40, 40), blue=0)
    out = gpuaug.PerClass([shift], strength=[0.0, 0.25, 0.5, 1.0])(images, labels=torch.tensor([0, 1, 2, 3]))
    assert out.flatten(1).tolist() == [[0, 0, 0], [25, 10, 0], [50, 20, 0], [100, 40, 0]]

    dots = torch.arange(9, dtype=torch.uint8).view(1, 1, 3, 3)
    moved = gpuaug.PerClass([gpuaug.RandomRotation((180, 180))], strength=[0.5])
    assert moved(dots, labels=torch.tensor([0]))[0, 0].tolist() == [[2, 5, 8], [1, 4, 7], [0, 3, 6]]  # 90


def test_a_crop_of_low_strength_is_nearly_the_whole_image():
    images = some_images(16)[:, :, :12]
    crop = gpuaug.PerClass([gpuaug.RandomResizedCrop((12, SIZE))], strength=1e-6)
    assert (crop(images).int() - images.int()).abs().max() <= 1


def test_strengths_of_nested_per_class_multiply():
    images = torch.zeros(2, 3, 1, 1, dtype=torch.uint8)
    inner = gpuaug.PerClass([gpuaug.RGBShift((200, 200), 0, 0)], strength=[0.5, 1.0])
    outer = gpuaug.PerClass([inner, gpuaug.RGBShift(0, (100, 100), 0)], strength=0.5)
    out = outer(images, labels=torch.tensor([0, 1])).flatten(1)
    assert out.tolist() == [[50, 50, 0], [100, 50, 0]]


def test_each_transform_falls_on_a_class_by_its_own_probability():
    count = 4000
    images = torch.zeros(count, 3, 1, 1, dtype=torch.uint8)
    labels = torch.arange(count) % 2
    shifts = [gpuaug.RGBShift((9, 9), 0, 0), gpuaug.RGBShift(0, (9, 9), 0), gpuaug.RandomInvert(p=1.0)]
    chances = torch.tensor([[0.1, 0.6, 0.0], [0.8, 0.0, 0.0]])
    out = gpuaug.PerClass(shifts, op_probability=chances)(images, draws_of(count), labels=labels)
    for label in (0, 1):
        rate = (out[labels == label].flatten(1) == 9).double().mean(0)[:2]
        sigma = (chances[label, :2] * (1 - chances[label, :2]) / (count / 2)).sqrt()
        assert ((rate - chances[label, :2]).abs() <= 5 * sigma).all()


def test_p_is_of_all_together_and_strength_scales_a_flips_probability():
    count = 4000
    images = torch.tensor([[1, 2]], dtype=torch.uint8).expand(count, 1, 1, 2)
    both_ = gpuaug.PerClass([gpuaug.RandomHorizontalFlip(1.0)] * 2, p=0.3)  # twice, or not at all
    assert torch.equal(both_(images, draws_of(count)), images)
    flip = gpuaug.PerClass([gpuaug.RandomHorizontalFlip(0.5)], strength=0.4, p=0.5)
    rate = (flip(images, draws_of(count))[:, 0, 0, 0] == 2).double().mean()
    assert abs(rate - 0.1) <= 5 * (0.1 * 0.9 / count) ** 0.5


def test_a_draw_per_class_does_not_depend_on_its_batch():
    images, draws, labels = some_images(12), draws_of(12), torch.arange(12) % 3
    by_class = gpuaug.PerClass(
        [gpuaug.RandomAffine(30), gpuaug.ColorJitter(0.5), gpuaug.GaussNoise()],
        strength=[0.2, 0.7, 1.0],
        op_probability=[[0.5] * 3] * 3,
    )
    whole = by_class(images, draws, labels=labels)
    for order in (torch.arange(12).flip(0), torch.tensor([7]), torch.tensor([3, 11, 4])):
        assert torch.equal(by_class(images[order], draws[order], labels=labels[order]), whole[order])
    assert torch.equal(by_class(images, draws, index=torch.arange(12), labels=labels), whole)


@pytest.mark.parametrize("resident", [True, False])
def test_the_loader_passes_the_labels_on(resident):
    images, labels = torch.zeros(6, 3, 4, 4, dtype=torch.uint8), torch.tensor([0, 0, 0, 0, 1, 1])
    dataset = gpuaug.DeviceDataset(images, labels)
    by_class = gpuaug.PerClass([gpuaug.RGBShift((100, 100), 0, 0)], strength=[0.5, 1.0])
    loader = gpuaug.BalancedLoader(
        dataset if resident else list(dataset), gpuaug.BalancedSampler(labels), by_class, batch_size=3
    )
    for batch, classes in loader:
        assert batch[:, 0, 0, 0].tolist() == [100 if label else 50 for label in classes]


@pytest.mark.parametrize("table", [torch.tensor, np.array])
def test_tables_are_copies(table):
    strength, chances = table([0.5, 1.0]), table([[0.25], [0.75]])
    by_class = gpuaug.PerClass([gpuaug.RandomInvert()], strength=strength, op_probability=chances)
    strength[0] = chances[0, 0] = 7
    assert by_class.strength.tolist() == [0.5, 1.0]
    assert by_class.op_probability.tolist() == [[0.25], [0.75]]


def test_tables_can_be_set_later():
    by_class = gpuaug.PerClass([gpuaug.RandomInvert()], strength=[0.5, 1.0])
    by_class.strength = 0.25
    by_class.op_probability = [[0.5], [1.0], [0.0]]
    assert "strength=0.25, op_probability=0 to 1 by class, p=1.0" in repr(by_class)
    by_class.set_tables([0.0, 1.0], 1.0)
    assert by_class.strength.tolist() == [0.0, 1.0]


def test_evaluation_and_empty_batches_need_no_labels():
    images = some_images(2)
    by_class = gpuaug.PerClass([gpuaug.RandomInvert()], strength=[0.5, 1.0])
    assert torch.equal(by_class.eval()(images), images)
    empty = by_class.train()(images[:0], draws_of(0), labels=torch.zeros(0, dtype=torch.int64))
    assert empty.shape == (0, 3, SIZE, SIZE)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"strength": [0.5, 1.5]}, ValueError, r"strength must be in \[0, 1\], got \[0.5, 1.5\]"),
        ({"strength": float("nan")}, ValueError, r"strength must be in \[0, 1\], got nan"),
        ({"strength": [[1.0]]}, ValueError, r"strength must be a number or \(C,\) got shape \(1, 1\)"),
        (
            {"op_probability": [[0.5, 0.5]]},
            ValueError,
            r"op_probability must be a number or \(C, 1\), a column for each transform, got shape \(1, 2\)",
        ),
        (
            {"strength": [1.0, 1.0], "op_probability": [[0.5]]},
            ValueError,
            "must have one row for each class, got 2 and 1 rows",
        ),
        ({"p": 2}, ValueError, r"p must be in \[0, 1\], got 2"),
    ],
)
def test_tables_out_of_range_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        gpuaug.PerClass([gpuaug.RandomInvert()], **settings)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (
            None,
            ValueError,
            r"labels must be given, one for each draw, got None: PerClass\(strength=0.5 to 1 by class",
        ),
        (torch.tensor([0, 2]), ValueError, r"labels must be in \[0, 2\), got 2 for draw 1"),
        (torch.tensor([0]), ValueError, r"labels must have shape \(2,\), got \(1,\)"),
        (torch.tensor([0.0, 1.0]), TypeError, r"labels must be an int64 tensor \(n,\), got torch.float32"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, error, message):
    by_class = gpuaug.PerClass([gpuaug.RandomInvert()], strength=[0.5, 1.0])
    with pytest.raises(error, match=message):
        by_class(some_images(2), labels=labels)


def test_per_class_refuses_normalize():
    with pytest.raises(ValueError, match="PerClass must not hold Normalize"):
        gpuaug.PerClass([gpuaug.Normalize(0.5, 0.5)])


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int32])
def test_labels_may_be_booleans_and_short_integers(dtype):
    images, draws, labels = some_images(8), draws_of(8), torch.arange(8) % 2
    by_class = gpuaug.PerClass([gpuaug.RandomAffine(30)], strength=[0.0, 1.0])
    expected = by_class(images, draws, labels=labels)
    assert torch.equal(by_class(images, draws, labels=labels.to(dtype)), expected)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", [bool, np.uint8, np.int32])
def test_a_loader_serves_labels_that_samplers_take(kind, workers):
    samples = [(np.full((8, 8, 3), i, np.uint8), kind(i % 2)) for i in range(12)]
    labels = [label for _, label in samples]
    by_class = gpuaug.PerClass([gpuaug.RandomInvert(1.0)], op_probability=[[0.0], [1.0]])
    loader = gpuaug.BalancedLoader(samples, gpuaug.BalancedSampler(labels), by_class, 5, num_workers=workers)
    gpuaug.Curriculum(loader, labels).update(lambda images: torch.zeros(len(images), dtype=torch.int64))
    by_class.set_tables(1.0, [[0.0], [1.0]])
    for images, found in loader:
        assert torch.equal(images[:, 0, 0, 0] > 100, found.bool())
