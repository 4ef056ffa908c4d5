"""What becomes of values outside [0, 1], of NaN and of alpha: one rule for the whole catalogue."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from every_transform import ENTRIES, build, draws_of, every_transform, images_of
from torch.utils._python_dispatch import TorchDispatchMode

import gpuaug
from gpuaug import functional as F
from gpuaug.images.levels import full_precision, shares
from gpuaug.stages.output import normalization_table

# What a stage does to pixels. A batched transform computes new values, unless it ``averages`` them.
KINDS = {
    "geometry": "moves",
    "blur": "moves",
    "impulse": "replaces",
    "erase": "replaces",
    "output": "normalizes",
}
COMPUTING = {"RandomSharpness"}  # in the blur's place
# A statistic of the whole image reaches all of it; the others are filters of a few pixels.
STATISTICS = {"AutoContrast", "RandomMeanContrast", "ISONoise"}
COUNTING = {"Equalize", "CLAHE"}  # a histogram, where NaN counts as black
# Each draw has ops of its own: one is moved, another one computed.
POLICIES = {"RandAugment", "TimmRandAugment", "TrivialAugmentWide", "AutoAugment", "AugMix"}
# They show what lies beyond the image, in a level of its own.
CANVASES = {"Pad", "RandomPerspective", "RandomShortestSize", "RandomZoomOut", "ScaleJitter"}
DRAWS = draws_of(3)


def kind_of(name):
    entry = ENTRIES[name]
    if name in COMPUTING:
        return "computes"
    if name in POLICIES:
        return "chooses"
    return "moves" if entry.kind.averages else KINDS.get(entry.stage, "computes")


# ---- Outside [0, 1]


@every_transform
def test_floats_out_of_range(name):
    transform = build(name)
    floats = images_of(3) / 255.0
    wide = floats * 3 - 1  # -1 to 2
    out = transform(wide, DRAWS)
    kind = kind_of(name)
    if kind == "computes":
        assert out.min() >= 0
        assert out.max() <= 1
    elif kind == "moves":
        if name in ("RandomAffine", "RandomRotation", "OpticalDistortion"):
            out = build_edged(name)(wide, DRAWS)
            expected = build_edged(name)(floats, DRAWS) * 3 - 1
        elif name in CANVASES:
            black, white = (transform(torch.full_like(floats, level), DRAWS) for level in (0.0, 1.0))
            within = (black == 0) & (white > 1 - 1e-6)  # with no part of what lies beyond the image
            out, expected = out[within], (transform(floats, DRAWS) * 3 - 1)[within]
        else:
            expected = transform(floats, DRAWS) * 3 - 1
        # A mean of what is scaled is the scaled mean.
        torch.testing.assert_close(out, expected, atol=1e-4, rtol=1e-4)
        assert out.min() < 0
        assert out.max() > 1
    elif kind == "replaces":
        replaced = out != wide
        assert set(out[replaced].unique().tolist()) <= {0.0, 1.0}
        assert 0 < replaced.float().mean() < 0.9
    elif kind == "chooses":
        assert out.min() >= -1
        assert out.max() <= 2
    else:
        torch.testing.assert_close(out, (wide - 0.4) / 0.3)


def build_edged(name):
    settings = {"OpticalDistortion": {}}.get(name, {"degrees": (20, 70)})
    return ENTRIES[name].kind(**settings, padding_mode="edge")


def test_clamping_keeps_the_gradient_of_black_and_white():
    for transform in (gpuaug.RandomInvert(1.0), gpuaug.RandomGamma(1.0), gpuaug.GaussNoise(0.0)):
        images = torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 1, 3).requires_grad_()
        transform(images).sum().backward()
        assert (images.grad.abs() == 1).all(), transform


# ---- NaN and infinities

SIDE = 40


def spoilt(value, channels=3):
    images = images_of(3, channels, SIDE) / 255.0
    images[1, 0, 18, 21] = value
    return images


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@every_transform
def test_nan_stays_in_its_image(name, dtype, value):
    transform = build(name)
    clean = transform((images_of(3, size=SIDE) / 255.0).to(dtype), DRAWS)
    out = transform(spoilt(value).to(dtype), DRAWS)
    assert torch.equal(out[[0, 2]], clean[[0, 2]])


@every_transform
def test_nan_stays_nan_in_every_transform(name):
    transform = build(name)
    clean = transform(images_of(3, size=SIDE) / 255.0, DRAWS)[1]
    out = transform(spoilt(torch.nan), DRAWS)[1]
    lost = out.isnan()
    if name in STATISTICS:
        assert lost[0].all()
    elif name in POLICIES:  # any of these
        assert lost.any()
    elif name in COUNTING:
        assert lost.nonzero().tolist() == [[0, 18, 21]]
        assert (out - clean)[~lost].abs().max() < 3 / 255  # a pixel of its histogram
    else:
        # All else is as it was: no number is made of a NaN.
        assert torch.equal(out[~lost], clean[~lost])
        # It may have been cut off, or erased; and a filter reaches a few pixels, JPEG a block.
        if name not in (
            "RandomCrop",
            "CenterCrop",
            "RandomResizedCrop",
            "CutOut",
            "GridDropout",
            "RandomErasing",
        ):
            assert lost.any()
        assert lost.any(0).sum() <= 18 * 18


def test_nan_in_single_operations():
    images = spoilt(torch.nan)
    whole = torch.tensor([[0, 0, SIDE, SIDE]]).expand(3, 4)
    for operation, reach in (
        (lambda v: F.crop_resize(v, whole, 20), 4),
        (lambda v: F.crop_resize(v, whole, 60), 9),
        (lambda v: F.flip(v), 1),
        (lambda v: F.gaussian_blur(v, 1.0), 25),
        (lambda v: F.gaussian_blur(v, None), 25),
        (lambda v: F.normalize(v, 0.5, 0.5), 1),
    ):
        out, clean = operation(images), operation(images_of(3, size=SIDE) / 255.0)
        lost = out.isnan()
        assert 1 <= lost.sum() <= reach
        assert torch.equal(out[~lost], clean[~lost])


def test_beyond_a_black_border_nothing_is_lost():
    images = torch.full((1, 1, 8, 8), torch.nan)
    out = gpuaug.RandomAffine(0, scale=(0.5, 0.5))(images)
    assert (out[0, 0, [0, -1]] == 0).all()
    assert out[0, 0, 3:5, 3:5].isnan().all()


# ---- Alpha


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@every_transform
def test_alpha_is_changed_by_geometry_alone(name, dtype):
    images = images_of(3, channels=4)
    images = images if dtype == torch.uint8 else images / 255.0
    out = build(name)(images, DRAWS)
    kind = kind_of(name)
    if kind == "moves":  # as a color is moved
        swapped = build(name)(images[:, [3, 1, 2, 0]], DRAWS)
        assert torch.equal(out[:, [3, 1, 2, 0]], swapped)
        assert (out[:, 3:].shape != images[:, 3:].shape) or (out[:, 3:] != images[:, 3:]).any()
    elif kind == "chooses":  # alpha goes along with the colors' geometry, whatever they are
        others = images.flip(2)
        others[:, 3] = images[:, 3]
        assert torch.equal(out[:, 3], build(name)(others, DRAWS)[:, 3])
        assert torch.equal(out[:, :3], build(name)(images[:, :3].contiguous(), DRAWS))
    elif name == "Window":  # as a color is read
        assert torch.equal(out[:, [3, 1, 2, 0]], build(name)(images[:, [3, 1, 2, 0]], DRAWS))
    elif kind == "normalizes":
        torch.testing.assert_close(out, ((images / 255.0 if dtype == torch.uint8 else images) - 0.4) / 0.3)
    else:
        assert torch.equal(out[:, 3], images[:, 3])
        assert (out[:, :3] != images[:, :3]).any()
        # The colors are those of the image without alpha.
        assert torch.equal(out[:, :3], build(name)(images[:, :3].contiguous(), DRAWS))


def test_full_precision_puts_the_settings_back():
    """Those of a GPU can be set and read without one. Two threads enter and leave one after the other."""

    def found():
        return torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision

    before, gpu = found(), torch.device("cuda")
    first, second = full_precision(gpu), full_precision(gpu)
    assert before[0] == "tf32"  # what PyTorch allows
    try:
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        with ThreadPoolExecutor(1) as thread:
            first.__enter__()
            thread.submit(second.__enter__).result()
            first.__exit__(None, None, None)
            assert found() == ("ieee", "ieee")
            thread.submit(second.__exit__, None, None, None).result()
        assert found() == ("tf32", "tf32")
        with pytest.raises(ZeroDivisionError), full_precision(gpu):
            1 / 0  # noqa: B018
        assert found() == ("tf32", "tf32")
    finally:
        torch.backends.cuda.matmul.fp32_precision = before[1]
    assert torch.backends.cudnn.allow_tf32  # the older name of the setting can still be read


def test_shares_are_rounded_once():
    """Also on a GPU, which takes a division by a number for a product with its reciprocal."""
    levels = torch.arange(256, dtype=torch.float32)
    assert torch.equal(shares(levels), (levels.double() / 255).float())
    assert not torch.equal(levels * (1 / torch.tensor(255.0)), shares(levels))


class Reciprocals(TorchDispatchMode):
    """Divides as a GPU does: by a number, as a product with its reciprocal."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.div.Tensor and not isinstance(args[1], torch.Tensor):
            return args[0] * (1 / torch.tensor(args[1], dtype=args[0].dtype))
        return func(*args, **(kwargs or {}))


@every_transform
def test_a_division_on_a_gpu_moves_no_level(name):
    transform, images = build(name), images_of(3)
    passes = transform.recipes(DRAWS, tuple(images.shape))
    with Reciprocals():
        out = transform.apply_recipes(images, passes)
    assert torch.equal(out, transform(images, DRAWS))


def test_a_level_that_is_the_mean_becomes_zero_on_a_gpu_too():
    means = torch.tensor([level / 255 for level in range(256)], dtype=torch.float64)
    with Reciprocals():
        table = normalization_table(means[:, None], 0.25, channels=1)
    assert (table[:, 0].diagonal() == 0).all()
