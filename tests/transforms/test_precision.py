"""A result depends on the images' type and the settings alone: not on autocast, nor on the default type."""

from contextlib import contextmanager

import pytest
import torch
from every_transform import OF_CHAINS, build, draws_of, every_transform, images_of

import gpuaug
from gpuaug import functional as F
from gpuaug.ops import reference
from gpuaug.recipe import assemble
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import BITS, NORMAL, PER_PIXEL, POWER

IMAGES, DRAWS = images_of(3, size=18), draws_of(3)
EPSILON = {torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8}  # half of a unit in the last place of 1
DTYPES = [torch.uint8, torch.float32, torch.float64, torch.float16, torch.bfloat16]


def of_type(images, dtype):
    return images if dtype == torch.uint8 else (images / 255.0).to(dtype)


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SURROUNDINGS = {
    "autocast to bfloat16": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast to float16": lambda: torch.autocast("cpu", torch.float16),
    "float16 by default": lambda: default_dtype(torch.float16),
    "bfloat16 by default": lambda: default_dtype(torch.bfloat16),
    "float64 by default": lambda: default_dtype(torch.float64),
}
every_surrounding = pytest.mark.parametrize("surrounding", SURROUNDINGS)


def everything(name, images):
    """Built and called, alone and in a chain, and with masks."""
    chain = [build(name)] if name == "Normalize" else [build(name), gpuaug.Normalize((0.1, 0.2, 0.3), 0.3)]
    masks = torch.arange(18 * 18).view(18, 18).expand(3, 18, 18)
    return [
        build(name)(images, DRAWS),
        gpuaug.Compose(chain)(images, DRAWS),
        gpuaug.PerClass([build(name)], strength=0.5)(images, DRAWS) if name not in OF_CHAINS else images,
        build(name)(images, DRAWS, masks=masks).masks,
    ]


@every_surrounding
@every_transform
def test_transforms_do_not_depend_on_the_surrounding_precision(name, surrounding):
    for dtype in DTYPES:
        images = of_type(IMAGES, dtype)
        expected = everything(name, images)
        with SURROUNDINGS[surrounding]():
            got = everything(name, images)
        for a, b in zip(got, expected, strict=True):
            assert a.dtype == b.dtype
            assert torch.equal(a, b), dtype


@every_surrounding
def test_boxes_and_keypoints_do_not_depend_on_the_surrounding_precision(surrounding):
    boxes = torch.tensor([[[2.0, 3.0, 9.0, 11.0]]]).expand(3, 1, 4)
    turn = gpuaug.Compose([gpuaug.RandomRotation(40), gpuaug.Resize(11)])
    expected = turn(IMAGES, DRAWS, boxes=boxes, keypoints=boxes[..., :2])
    with SURROUNDINGS[surrounding]():
        got = turn(IMAGES, DRAWS, boxes=boxes, keypoints=boxes[..., :2])
    assert torch.equal(got.boxes, expected.boxes)
    assert torch.equal(got.keypoints, expected.keypoints)


@every_surrounding
def test_recipes_on_another_backend_do_not_depend_on_the_surrounding_precision(surrounding):
    """Those that are made where values cannot be looked at, and the reference that executes them."""
    images = IMAGES.flatten()
    boxes = torch.tensor([[0, 0, 17, 13]] * 3, device="cpu")

    def everything():
        builder = RecipeBuilder.of_batch(tuple(IMAGES.shape))
        builder.crop(boxes[:, :2], boxes[:, 2:])
        builder.resize((9, 20))
        builder.blur(1.3)
        builder.curve(POWER, 90000)
        builder.noise(NORMAL | PER_PIXEL, 900, 0, DRAWS[:, 2], 2)
        program = builder._program
        records = assemble.execute(
            program.columns, program.constants, program.code, 3, (20, 9), torch.device("cpu")
        )
        return reference.augment(images, records, None, 3, 20, 9, False, sum(BITS.values()), False)

    expected = everything()
    with SURROUNDINGS[surrounding]():
        got = everything()
    assert torch.equal(got, expected)


@every_surrounding
@pytest.mark.parametrize("dtype", DTYPES)
def test_functional_does_not_depend_on_the_surrounding_precision(surrounding, dtype):
    images, keys = of_type(IMAGES, dtype), DRAWS[:, 2]
    boxes = torch.tensor([[1, 2, 15, 17]]).expand(3, 4)

    def everything():
        return [
            F.crop_resize(images, boxes, 8),
            F.flip(images, True, DRAWS[:, 0] < 2),
            F.gaussian_blur(images, 1.37),
            F.gaussian_blur(images, None),
            F.salt_and_pepper(images, 0.1, 0.2, keys),
            F.normalize(images, (0.1, 0.2, 0.3), 0.7),
            F.normalize(images, (0.1, 0.2, 0.3), 0.7, dtype=torch.bfloat16),
        ]

    expected = everything()
    with SURROUNDINGS[surrounding]():
        got = everything()
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)


# A step decides for another value where a half is not what the float is: compared on the half's own values.
@pytest.mark.parametrize("dtype", EPSILON)
@every_transform
def test_half_precision_is_float32_rounded_once(name, dtype):
    """Within one rounding: a unit in the last place, where computing is exact to float32's last bits."""
    halves = of_type(IMAGES, dtype)
    expected = build(name)(halves.float(), DRAWS)
    got = build(name)(halves, DRAWS)
    if name == "Normalize":
        assert torch.equal(got, expected)  # float32, from the same values
        return
    assert got.dtype == dtype
    if name in ("Posterize", "Solarize"):  # count what a half cannot tell from a level as that level
        return
    if "Aug" in name:  # a policy: these and others, and a half after each pass
        return
    assert torch.equal(got, expected.to(dtype))


@pytest.mark.parametrize("dtype", EPSILON)
def test_functional_of_half_precision_rounds_once(dtype):
    halves = of_type(IMAGES, dtype)
    for operation in (
        lambda images: F.gaussian_blur(images, 1.37),
        lambda images: F.gaussian_blur(images, None),
        lambda images: F.crop_resize(images, torch.tensor([[1, 2, 15, 17]]).expand(3, 4), 8),
    ):
        assert torch.equal(operation(halves), operation(halves.float()).to(dtype))


@pytest.mark.parametrize("dtype", EPSILON)
def test_normalized_half_precision_is_within_its_rounding(dtype):
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    halves = of_type(IMAGES, dtype)
    exact = (halves.double() - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    for out in (F.normalize(halves, mean, std), gpuaug.Normalize(mean, std, dtype=dtype)(halves)):
        assert out.dtype == dtype
        assert ((out.double() - exact).abs() <= EPSILON[dtype] * exact.abs() + 1e-6).all()
    wide = gpuaug.Normalize(mean, std)(halves)
    assert wide.dtype == torch.float32
    assert (wide.double() - exact).abs().max() < 1e-6
