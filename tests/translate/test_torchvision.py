"""gpuaug.from_torchvision: what each transform becomes, beside torchvision itself."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import pytest
import torch
from beside import alike, differences, framed, photographs, quietly
from named import named
from torch import Tensor

import gpuaug
from gpuaug.translate import from_torchvision
from gpuaug.translate.torchvision import ABSENT, LIBRARY

v1 = pytest.importorskip("torchvision.transforms", reason="needs torchvision")
v2 = pytest.importorskip("torchvision.transforms.v2", reason="needs torchvision")

# Classes that are no transforms.
OTHERS = {"AutoAugmentPolicy", "InterpolationMode", "Transform"}
BILINEAR = v2.InterpolationMode.BILINEAR
FLOATS = (v2.ToImage(), v2.ToDtype(torch.float32, scale=True))

# How each class is built here, for those that need arguments.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "CenterCrop": (8,),
    "ColorJitter": (0.1,),
    "ConvertImageDtype": (torch.float32,),
    "Compose": ([v2.RandomHorizontalFlip()],),
    "ConvertBoundingBoxFormat": ("XYXY",),
    "ElasticTransform": (),
    "FiveCrop": (8,),
    "GaussianBlur": (5,),
    "Grayscale": (3,),
    "JPEG": (50,),
    "Lambda": (abs,),
    "LinearTransformation": (torch.eye(3), torch.zeros(3)),
    "Normalize": ([0.5], [0.5]),
    "Pad": (2,),
    "RandomAdjustSharpness": (0.5,),
    "RandomAffine": (5, None, None, None, BILINEAR),
    "RandomApply": ([v2.RandomHorizontalFlip()],),
    "RandomChoice": ([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()],),
    "RandomCrop": (8,),
    "RandomOrder": ([v2.RandomHorizontalFlip()],),
    "RandomPosterize": (3,),
    "RandomResize": (8, 16),
    "RandomResizedCrop": (8,),
    "RandomRotation": (5, BILINEAR),
    "RandomShortestSize": (8,),
    "RandomSolarize": (128,),
    "Resize": (8,),
    "ScaleJitter": ((8, 8),),
    "SetClampingMode": ("soft",),
    "TenCrop": (8,),
    "ToDtype": (torch.float32,),
    "UniformTemporalSubsample": (2,),
}


def classes(module: ModuleType) -> dict[str, type]:
    """The public transforms of a module of torchvision."""
    found = {name: value for name, value in vars(module).items() if inspect.isclass(value)}
    return {name: value for name, value in found.items() if name[0] != "_" and name not in OTHERS}


def by_torchvision(chain: Any, images: Tensor, count: int = 1) -> Tensor:
    """The chain on each image, so many times over."""
    return torch.stack([chain(image.clone()) for image in images.repeat(count, 1, 1, 1)])


@pytest.mark.parametrize("module", [v1, v2], ids=["v1", "v2"])
def test_every_class_of_torchvision_is_translated_or_refused(module: ModuleType):
    assert sorted(classes(module).keys() - LIBRARY.rules.keys() - ABSENT.keys()) == []
    assert LIBRARY.rules.keys() & ABSENT.keys() == set()


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in (v1, v2) for name in sorted(classes(module))]
)
def test_every_class_of_torchvision_can_be_read(module: ModuleType, name: str):
    transform = classes(module)[name](*ARGUMENTS.get(name, ()))
    # Both ends change something, so that a conversion between them may change nothing.
    chain = v2.Compose([transform, v2.RandomHorizontalFlip()])
    if name in ABSENT:
        with pytest.raises(ValueError, match=rf"transforms\[0\] {name}: it has no counterpart"):
            from_torchvision(chain)
    else:
        assert isinstance(quietly(from_torchvision, chain), gpuaug.Compose)


@pytest.mark.parametrize(
    ("transform", "levels"),
    [
        (v2.CenterCrop((21, 17)), 0),
        (v2.RandomCrop((24, 28)), 0),
        (v2.RandomHorizontalFlip(1.0), 0),
        (v2.RandomVerticalFlip(1.0), 0),
        (v2.Resize((16, 20)), 1),
        (v2.Resize((40, 33)), 1),
        (v2.Resize(16), 1),
        (v2.Resize([16]), 1),
        (v2.Resize((16, 20), antialias=False), 1),
        (v1.Resize(16), 1),
        (v2.RandomResizedCrop(16, scale=(1, 1), ratio=(7 / 6, 7 / 6)), 1),
        (v2.RandomRotation((30, 30), BILINEAR), 1),
        (v2.RandomRotation((180, 180), 2), 0),
        (v2.RandomAffine((20, 20), interpolation=BILINEAR), 1),
        (v2.RandomAffine((0, 0), scale=(1.2, 1.2), interpolation=v2.InterpolationMode.BILINEAR), 1),
        (v2.RandomAffine((10, 10), shear=(15, 15), interpolation=BILINEAR), 1),
        (v2.RandomAffine((10, 10), shear=(15, 15, -10, -10), interpolation=BILINEAR), 1),
        (v2.Resize((16, 20), v2.InterpolationMode.NEAREST_EXACT), 0),
        (v2.Pad([1, 2, 3, 4], fill=[9, 80, 200]), 0),
        (v2.Pad((3, 2), padding_mode="reflect"), 0),
        (v2.RandomRotation((33, 33)), 0),
        (v2.RandomAffine((20, 20), scale=(1.3, 1.3), fill=[200, 10, 90]), 0),
        (v2.Grayscale(3), 1),
        (v2.RandomGrayscale(1.0), 1),
        (v2.RandomInvert(1.0), 0),
        (v2.RandomPosterize(3, 1.0), 0),
        (v2.RandomSolarize(100, 1.0), 0),
        (v2.RandomAutocontrast(1.0), 1),
        (v2.RandomEqualize(1.0), 0),
        (v2.RandomAdjustSharpness(0.3, 1.0), 1),
        (v2.RandomAdjustSharpness(1.8, 1.0), 1),
        (v2.GaussianBlur(5, (1.2, 1.2)), 1),
        (v2.GaussianBlur(23, (2.5, 2.5)), 1),
        (v2.GaussianBlur((3, 9), (1.2, 1.2)), 1),
        (v2.ColorJitter(brightness=(1.3, 1.3)), 1),
        (v2.ColorJitter(contrast=(0.1, 0.1)), 1),
        (v2.ColorJitter(contrast=(1.9, 1.9)), 1),
        (v2.ColorJitter(saturation=(0.4, 0.4)), 1),
        (v2.RandomApply([v2.RandomInvert(1.0)], p=1.0), 0),
        (v2.Compose([v2.RandomInvert(1.0), v2.Compose([v2.RandomVerticalFlip(1.0)])]), 0),
    ],
    ids=named,
)
def test_fixed_settings_match_torchvisions_bytes(transform: Any, levels: int):
    images = framed(photographs())
    ours = quietly(from_torchvision, transform)(images)
    theirs = by_torchvision(transform, images)
    assert differences(ours, theirs).max() <= levels
    assert theirs.shape != images.shape or levels == 0 or differences(images, theirs).max() > levels


def test_translated_contrast_is_about_the_mean_and_comes_last():
    images = photographs()
    ours = quietly(from_torchvision, v2.ColorJitter(brightness=(0.7, 0.7), contrast=(0.5, 0.5)))(images)
    theirs = v2.functional.adjust_contrast(v2.functional.adjust_brightness(images, 0.7), 0.5)
    assert differences(ours, theirs).max() <= 2  # a level of each, torchvision's are truncated
    about_grey = gpuaug.ColorJitter((0.7, 0.7), (0.5, 0.5))(images)
    assert differences(about_grey, theirs).max() > 2


def test_translated_jpeg_is_near_torchvision():
    images = photographs()
    theirs = by_torchvision(v2.JPEG(50), images)
    ours = quietly(from_torchvision, v2.JPEG(50))(images)
    assert differences(ours, theirs).mean() < 0.3 * differences(images, theirs).mean()


@pytest.mark.parametrize(
    "transforms",
    [
        [*FLOATS, v2.Normalize([0.4, 0.5, 0.6], [0.2, 0.3, 0.4])],
        [v2.ToDtype(torch.float32), v2.Normalize([100.0], [60.0])],
        [v2.ToDtype(torch.float32, scale=True)],
        [v2.ToDtype(torch.float32)],
        [v2.ConvertImageDtype(torch.float32)],
        [v1.ConvertImageDtype(torch.float32), v1.Normalize([0.5], [0.5])],
        [v2.ToDtype({torch.Tensor: torch.float32, "others": None}, scale=True)],
        [*FLOATS, v2.ToDtype(torch.uint8, scale=True), *FLOATS],
        [*FLOATS, v2.Normalize([0.5], [0.25]), v2.RandomHorizontalFlip(1.0), v2.CenterCrop(20)],
        [*FLOATS, v2.Normalize([0.5], [0.5]), v2.RandomCrop((24, 28))],
        [*FLOATS, v2.RandomInvert(1.0), v2.RandomSolarize(100.5 / 255, 1.0), v2.Normalize([0.5], [0.5])],
    ],
    ids=lambda transforms: " ".join(type(one).__name__ for one in transforms),
)
def test_conversions_and_normalize_match_torchvisions_floats(transforms: list[Any]):
    images = photographs()
    chain = v2.Compose(transforms)
    ours = from_torchvision(chain)(images)
    torch.testing.assert_close(ours, by_torchvision(chain, images), rtol=1e-6, atol=1e-6)


def test_transforms_of_weights_match_torchvisions_floats():
    from torchvision.transforms._presets import ImageClassification

    # A resized byte may differ by a level, as for Resize alone.
    preset = ImageClassification(crop_size=24, resize_size=40)
    ours, images = from_torchvision(preset), photographs()
    assert [type(one).__name__ for one in ours.transforms] == ["Resize", "CenterCrop", "Normalize"]
    assert repr(ours.transforms[0]) == "Resize(size=40)"
    level = 1 / 255 / 0.224
    assert ours(images).shape == (len(images), 3, 24, 24)
    assert (ours(images) - preset(images)).abs().max() <= level * 1.01
    assert (ours(images) - preset(images)).abs().mean() <= level / 20
    within = v2.Compose([v2.RandomHorizontalFlip(1.0), preset])
    torch.testing.assert_close(from_torchvision(within)(images), ours(images.flip(3)), atol=level, rtol=0)
    with pytest.raises(ValueError, match=r"ImageClassification\[0\] Resize: interpolation=.*bicubic"):
        from_torchvision(ImageClassification(crop_size=24, interpolation=v1.InterpolationMode.BICUBIC))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_translated_chains_keep_the_dtype_of_the_result(dtype: torch.dtype):
    chain = v2.Compose([*FLOATS, v2.Normalize([0.5], [0.25]), v2.ToDtype(dtype)])
    ours, theirs = from_torchvision(chain)(photographs()), by_torchvision(chain, photographs())
    assert ours.dtype == dtype
    torch.testing.assert_close(ours, theirs)


def test_chains_without_a_conversion_take_floats():
    """Without a conversion, images must come as floats: torchvision takes no others."""
    chain = v2.Compose(
        [v2.RandomHorizontalFlip(1.0), v2.RandomSolarize(0.5, 1.0), v2.Normalize([0.5], [0.5])]
    )
    images = photographs().float() / 255
    ours = from_torchvision(chain)(images)
    torch.testing.assert_close(ours, by_torchvision(chain, images))


RANDOM = [
    v2.RandomHorizontalFlip(0.3),
    v2.RandomCrop(16),
    v2.RandomCrop((24, 28), padding=4),
    v2.RandomCrop((24, 28), padding=[4], padding_mode="reflect"),
    v1.RandomCrop((24, 28), padding=(4, 4, 4, 4), padding_mode="edge"),
    v2.RandomResizedCrop((16, 20)),
    v2.RandomResizedCrop(16, (0.2, 0.5), (0.5, 2.0), antialias=False),
    v2.RandomRotation((-10, 40), BILINEAR),
    v2.RandomAffine(20, (0.2, 0.1), (0.8, 1.3), (-10, 20), BILINEAR),
    v2.RandomAffine((5, 10), shear=(-10, 20, 0, 10), interpolation=BILINEAR),
    v2.RandomRotation(30, fill=100),
    v2.RandomAffine(20, (0.2, 0.1), fill=(1, 250, 60)),
    v2.RandomPerspective(0.5, 0.8),
    v2.RandomPerspective(0.6, 1.0, v2.InterpolationMode.NEAREST, [200, 10, 90]),
    v2.RandomCrop((24, 28), padding=4, fill=200),
    v2.RandomErasing(0.7, value=9),
    v1.RandomErasing(1.0, (0.3, 0.5), (1, 3)),
    v2.RandomGrayscale(0.4),
    v2.RandomPosterize(2, 0.3),
    v2.RandomSolarize(100, 0.3),
    v2.RandomAutocontrast(0.4),
    v2.RandomEqualize(0.4),
    v2.RandomAdjustSharpness(0.2, 0.4),
    v2.RandomChannelPermutation(),
    v2.GaussianBlur(5, (0.5, 3.0)),
    v2.GaussianBlur((9, 5), (0.1, 2.0)),
    v2.GaussianNoise(sigma=0.1),
    v2.ColorJitter(brightness=0.5),
    v2.ColorJitter(contrast=(0.3, 1.4)),
    v2.ColorJitter(saturation=(0.0, 3.0)),
    v2.ElasticTransform(60.0, 2.0),
    v2.RandomApply([v2.RandomInvert(0.5), v2.RandomVerticalFlip(1.0)], p=0.6),
    v2.RandomChoice([v2.RandomInvert(1.0), v2.Identity(), v2.RandomVerticalFlip(1.0)], p=[5, 3, 2]),
    v1.RandomChoice([v1.RandomInvert(1.0), v1.RandomVerticalFlip(1.0)]),
    v2.RandAugment(interpolation=BILINEAR),
    v2.TrivialAugmentWide(interpolation=BILINEAR),
    v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10, BILINEAR),
]


@pytest.mark.parametrize("transform", RANDOM, ids=named)
def test_random_settings_match_torchvisions_distribution(transform: Any):
    torch.manual_seed(1)
    image, count = framed(photographs()[:1]), 600
    theirs = by_torchvision(transform, image, count)
    ours = quietly(from_torchvision, transform, seed=2)(image.expand(count, -1, -1, -1))
    # Near the border the elastic one says that it differs.
    inside = slice(8, -8) if isinstance(transform, v2.ElasticTransform) else slice(None)
    assert alike(ours[..., inside, inside], theirs[..., inside, inside]) > 1e-3


def test_the_test_of_distributions_detects_another_one():
    """Of the oracle above."""
    image = photographs()[:1]
    theirs = by_torchvision(v2.RandomRotation(20, BILINEAR), image, 600)
    for other in (gpuaug.RandomRotation(27, seed=2), gpuaug.RandomRotation((-14, 20), seed=2)):
        assert alike(other(image.expand(600, -1, -1, -1)), theirs) < 1e-3


def test_settings_are_translated_one_by_one():
    chain = quietly(from_torchvision, v2.AugMix(4, 2, 3, 0.5, False))
    assert "quality=(5, 40)" in repr(quietly(from_torchvision, v2.JPEG((5, 40))))
    assert "severity=4, mixture_width=2, chain_depth=3, alpha=0.5, all_ops=False" in repr(chain)


def test_options_that_do_nothing_lower_the_probability():
    choice = v2.RandomChoice([v2.Identity(), v2.RandomInvert(1.0), v2.RandomVerticalFlip(1.0)], p=[2, 1, 1])
    assert "OneOf(by='random', p=0.5)" in repr(from_torchvision(choice))
