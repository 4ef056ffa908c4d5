"""gpuaug.from_albumentations: what each transform becomes, beside Albumentations itself."""

from __future__ import annotations

import doctest
import inspect
import random
from typing import Any

import numpy as np
import pytest
import torch
from beside import alike, differences, photographs, quietly
from named import named
from torch import Tensor

import gpuaug
from gpuaug.translate import TranslationWarning, from_albumentations
from gpuaug.translate.albumentations import LIBRARY
from gpuaug.translate.albumentations_absent import ABSENT

A = pytest.importorskip(
    "albumentations",
    minversion="2.0.8",
    reason="needs albumentations: pip install -r tests/requirements.txt",
)

# Classes that are no transforms.
OTHERS = {
    *("BaseCompose", "BasicTransform", "BboxParams", "DualTransform", "ImageOnlyTransform", "KeypointParams"),
    *("Transform3D", "suppress"),
}
# How each class that is translated is built here, for those that need arguments.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "AutoContrast": {"method": "pil"},
    "CenterCrop": {"height": 8, "width": 8},
    "Compose": {"transforms": [A.HorizontalFlip()]},
    "ElasticTransform": {"noise_distribution": "uniform"},
    "MotionBlur": {"allow_shifted": False},
    "OneOf": {"transforms": [A.HorizontalFlip(), A.VerticalFlip()]},
    "OneOrOther": {"first": A.HorizontalFlip(), "second": A.VerticalFlip()},
    "RandomBrightnessContrast": {"brightness_limit": 0},
    "RandomCrop": {"height": 8, "width": 8},
    "RandomResizedCrop": {"size": (8, 8)},
    "Resize": {"height": 8, "width": 8},
    "SaltAndPepper": {"amount": (0.1, 0.1), "salt_vs_pepper": (0.5, 0.5)},
    "Sequential": {"transforms": [A.HorizontalFlip()]},
    "SmallestMaxSize": {"max_size": 8},
}


def classes() -> dict[str, type]:
    """The public transforms of Albumentations."""
    found = {name: value for name, value in vars(A).items() if inspect.isclass(value)}
    return {name: value for name, value in found.items() if name[0] != "_" and name not in OTHERS}


def by_albumentations(transform: Any, images: Tensor, count: int = 1) -> Tensor:
    """The transform on each image, so many times over."""
    chain = A.Compose([transform])
    # One generator for all: a seed would give each transform the same numbers.
    chain.set_random_state(np.random.default_rng(3), random.Random(3))
    arrays = [np.ascontiguousarray(image.permute(1, 2, 0).numpy()) for image in images] * count
    results = [np.ascontiguousarray(chain(image=array)["image"]) for array in arrays]
    return torch.stack([torch.from_numpy(result).permute(2, 0, 1) for result in results])


def test_every_class_of_albumentations_is_translated_or_refused():
    assert sorted(classes().keys() - LIBRARY.rules.keys() - ABSENT.keys()) == []
    assert LIBRARY.rules.keys() & ABSENT.keys() == set()


@pytest.mark.parametrize("name", sorted(classes().keys() & LIBRARY.rules.keys()))
def test_every_class_of_albumentations_can_be_read(name: str):
    transform = classes()[name](**ARGUMENTS.get(name, {}))
    chain = A.Compose([transform, A.HorizontalFlip()])
    assert isinstance(quietly(from_albumentations, chain), gpuaug.Compose)


@pytest.mark.parametrize(
    ("transform", "levels"),
    [
        (A.HorizontalFlip(p=1), 0),
        (A.VerticalFlip(p=1), 0),
        (A.Resize(16, 20), 1),
        (A.Resize(40, 33), 1),
        (A.SmallestMaxSize(max_size=12), 1),
        (A.CenterCrop(20, 20), 0),
        (A.RandomCrop(24, 28), 0),
        (A.RandomResizedCrop(size=(16, 16), scale=(1, 1), ratio=(7 / 6, 7 / 6)), 1),
        (A.Rotate((30, 30), p=1), 1),
        (A.Rotate((30, 30), border_mode=4, p=1), 1),
        (A.Affine(rotate=(20, 20), p=1), 1),
        (A.Affine(rotate=(180, 180), interpolation=0, fill=(9, 80, 200), p=1), 0),
        (A.Affine(scale=(1.2, 1.2), p=1), 1),
        (A.Affine(shear={"x": (20, 20), "y": (0, 0)}, p=1), 1),
        (A.Affine(shear={"x": (0, 0), "y": (20, 20)}, p=1), 1),
        (A.Affine(rotate=(20, 20), scale=(0.7, 0.7), border_mode=1, p=1), 1),
        (A.ShiftScaleRotate(shift_limit=0, scale_limit=(0.2, 0.2), rotate_limit=(15, 15), p=1), 1),
        (A.InvertImg(p=1), 0),
        (A.ToGray(p=1), 1),
        (A.ToSepia(p=1), 1),
        (A.Solarize((0.3, 0.3), p=1), 0),
        (A.Posterize(3, p=1), 0),
        (A.RandomGamma((150, 150), p=1), 1),
        (A.RGBShift((20, 20), (-30, -30), (0.5, 0.5), p=1), 1),
        (A.RandomBrightnessContrast((0, 0), (0.3, 0.3), p=1), 1),
        (A.ColorJitter((1.3, 1.3), (1, 1), (1, 1), (0, 0), p=1), 1),
        (A.ColorJitter((1, 1), (1.4, 1.4), (1, 1), (0, 0), p=1), 1),
        (A.ColorJitter((1, 1), (1, 1), (0.4, 0.4), (0, 0), p=1), 1),
        (A.Blur((3, 3), p=1), 1),
        (A.MedianBlur((3, 3), p=1), 0),
        (A.GaussianBlur((5, 5), (1.2, 1.2), p=1), 1),
        (A.GaussianBlur((9, 9), (2.5, 2.5), p=1), 1),
        (A.GaussianBlur(0, (2.5, 2.5), p=1), 1),
        (A.Pad((3, 1, 2, 5), fill=(9, 80, 200)), 0),
        (A.Pad((3, 2), border_mode=4), 0),
        (A.Pad(2, border_mode=1), 0),
        (A.MotionBlur((5, 5), allow_shifted=False, angle_range=(0, 0), direction_range=(0, 0), p=1), 1),
        (A.Sharpen((0.3, 0.3), (0.8, 0.8), p=1), 1),
        (A.Emboss((0.3, 0.3), (0.5, 0.5), p=1), 1),
        (A.Downscale((0.5, 0.5), p=1), 0),
        (A.MultiplicativeNoise((1.2, 1.2), p=1), 1),
        (A.PixelDropout(1.0, p=1), 0),
        (A.PixelDropout(1.0, drop_value=255, p=1), 0),
        (A.Sequential([A.InvertImg(p=1), A.Sequential([A.VerticalFlip(p=1)], p=1)], p=1), 0),
        (A.OneOf([A.InvertImg(p=0.2)], p=1), 0),
    ],
    ids=named,
)
def test_fixed_settings_match_albumentations_bytes(transform: Any, levels: int):
    images = photographs()
    ours = quietly(from_albumentations, transform)(images)
    theirs = by_albumentations(transform, images)
    assert differences(ours, theirs).max() <= levels
    assert theirs.shape != images.shape or levels == 0 or differences(images, theirs).max() > levels


@pytest.mark.parametrize(
    ("transform", "share"),
    [
        (A.ImageCompression(quality_range=(30, 30), p=1), 0.5),
        (A.OpticalDistortion((0.3, 0.3), p=1), 0.8),
        (A.CLAHE((2, 2), (2, 2), p=1), 0.8),
    ],
    ids=named,
)
def test_transforms_with_a_warning_are_near_albumentations(transform: Any, share: float):
    images = photographs()
    theirs = by_albumentations(transform, images)
    ours = quietly(from_albumentations, transform)(images)
    assert differences(ours, theirs).mean() < share * differences(images, theirs).mean()


def test_auto_contrast_matches_albumentations_without_level_255():
    images = photographs().clamp(20, 230)
    transform = A.AutoContrast(method="pil", p=1)
    ours = quietly(from_albumentations, transform)(images)
    assert differences(ours, by_albumentations(transform, images)).max() <= 1
    assert differences(ours, images).max() > 10


@pytest.mark.parametrize(
    "transforms",
    [
        [A.Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.4))],
        [A.Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.4), max_pixel_value=200.0)],
        [A.ToFloat()],
        [A.ToFloat(max_value=255), A.Normalize((0.5,), (0.25,), max_pixel_value=1.0)],
        [A.Normalize((0.5,), (0.5,)), A.HorizontalFlip(p=1), A.CenterCrop(20, 20)],
    ],
    ids=named,
)
def test_conversions_and_normalize_match_albumentations_floats(transforms: list[Any]):
    images = photographs()
    ours = from_albumentations(A.Compose([*transforms, A.ToTensorV2()]))(images)
    theirs = by_albumentations(A.Sequential(transforms, p=1), images)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=2e-6)


RANDOM = [
    A.HorizontalFlip(p=0.3),
    A.RandomCrop(16, 18),
    A.RandomResizedCrop(size=(16, 20)),
    A.RandomResizedCrop(size=(16, 16), scale=(0.2, 0.5), ratio=(0.5, 2)),
    A.Rotate((-10, 40), p=0.7),
    A.Rotate((-10, 40), interpolation=0, fill=(9, 80, 200), p=0.7),
    A.Affine(scale=(0.8, 1.3), rotate=(-10, 20), keep_ratio=True, p=0.8),
    A.Affine(shear={"x": (-20, 10), "y": (0, 0)}, p=1),
    A.Affine(translate_percent={"x": (-0.3, 0.3), "y": (-0.2, 0.2)}, p=1),
    A.InvertImg(p=0.3),
    A.ToGray(p=0.4),
    A.ToSepia(p=0.4),
    A.ChannelShuffle(p=0.8),
    A.ChannelDropout(fill=40, p=0.8),
    A.RGBShift((-50, 20), (-10, 90), (0, 60), p=0.9),
    A.ColorJitter((0.5, 1.5), (1, 1), (1, 1), (0, 0), p=0.7),
    A.ColorJitter((1, 1), (0.5, 1.5), (1, 1), (0, 0), p=0.7),
    A.Solarize((0.2, 0.9), p=0.8),
    A.Posterize((1, 4), p=0.8),
    A.RandomGamma((50, 200), p=0.8),
    A.RandomBrightnessContrast(0, 0.5, p=0.8),
    A.Blur((3, 7), p=0.8),
    A.MedianBlur((3, 5), p=0.8),
    A.GaussianBlur((5, 5), (0.5, 3), p=0.8),
    A.GaussianBlur(p=0.8),
    A.GaussNoise((0.1, 0.3), p=0.8),
    A.GaussNoise((0.1, 0.3), per_channel=False, p=0.8),
    A.MultiplicativeNoise((0.5, 1.5), per_channel=True, p=0.8),
    A.MultiplicativeNoise((0.5, 1.5), elementwise=True, p=0.8),
    A.SaltAndPepper((0.2, 0.2), (0.7, 0.7), p=0.8),
    A.PixelDropout(0.2, p=0.8),
    A.Sharpen((0.2, 0.5), (0.5, 1.0), p=0.8),
    A.Emboss((0.2, 0.5), (0.2, 0.7), p=0.8),
    A.OneOf([A.InvertImg(p=0.1), A.NoOp(p=0.2), A.VerticalFlip(p=0.4)], p=0.8),
    A.OneOrOther(A.InvertImg(p=0.1), A.VerticalFlip(p=0.1), p=0.3),
    A.Sequential([A.InvertImg(p=0.5), A.VerticalFlip(p=0.5)], p=0.6),
]


@pytest.mark.parametrize("transform", RANDOM, ids=named)
def test_random_settings_match_albumentations_distribution(transform: Any):
    image, count = photographs()[:1], 600
    theirs = by_albumentations(transform, image, count)
    ours = quietly(from_albumentations, transform, seed=2)(image.expand(count, -1, -1, -1))
    assert alike(ours, theirs) > 1e-3


@pytest.mark.parametrize(
    "transform", [A.RandomRotate90(p=0.8), A.D4(p=1), A.SquareSymmetry(p=0.7)], ids=named
)
def test_symmetries_of_a_square_match_albumentations(transform: Any):
    image, count = photographs(24, 24)[:1], 600
    theirs = by_albumentations(transform, image, count)
    ours = quietly(from_albumentations, transform, seed=2)(image.expand(count, -1, -1, -1))
    kinds = theirs.flatten(1).unique(dim=0)
    assert torch.equal(ours.flatten(1).unique(dim=0), kinds)  # not one more, and not one fewer
    assert alike(ours, theirs) > 1e-3


def test_probabilities_of_options_are_weights():
    choice = A.OneOf([A.InvertImg(p=0.3), A.VerticalFlip(p=0.9), A.NoOp(p=0.8)], p=0.5)
    chain = repr(from_albumentations(choice))
    assert "OneOf(by='random', weights=(0.3, 0.9), p=0.3)" in chain
    assert "RandomInvert(p=1.0)" in chain
    assert "RandomVerticalFlip(p=1.0)" in chain


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (A.Resize(8, 8, interpolation=2), "Resize: interpolation=2 has no .* nearest: cv2.INTER_LINEAR"),
        (A.Resize(8, 8, area_for_downscale="image"), "Resize: area_for_downscale='image'"),
        (A.SmallestMaxSize(max_size=[8, 9]), "SmallestMaxSize: max_size="),
        (A.RandomCrop(8, 8, pad_if_needed=True), "RandomCrop: pad_if_needed=True"),
        (A.Rotate(5, crop_border=True), "Rotate: crop_border=True"),
        (A.Rotate(5, fill=9.5), "Rotate: fill=9.5 has no counterpart; nearest: whole levels"),
        (A.Rotate(5, interpolation=2), "Rotate: interpolation=2 has no counterpart"),
        (A.OpticalDistortion(fill=9), "OpticalDistortion: fill=9.0 has no counterpart; nearest: fill=0"),
        (A.Rotate(5, fill_mask=9), "Rotate: fill_mask=9.0 has no counterpart; nearest: fill_mask=0"),
        (A.Affine(rotate=5, mask_interpolation=1), "Affine: mask_interpolation=1 has no counterpart"),
        (A.Rotate(5, border_mode=3), "Rotate: border_mode=3 .*nearest: cv2.BORDER_REFLECT_101"),
        (A.Affine(rotate=5, shear=5), "Affine: rotate=.*and shear=.*together"),
        (A.Affine(fit_output=True), "Affine: fit_output=True"),
        (A.Affine(translate_px=3), "Affine: translate_px=.*nearest: translate_percent"),
        (
            A.Affine(translate_percent=(0.1, 0.2)),
            "Affine: translate_percent=.*nearest: as much to both sides",
        ),
        (A.Affine(scale={"x": (1, 2), "y": (1, 1)}), "Affine: scale=.*nearest: the same in x and y"),
        (A.RandomBrightnessContrast(), "RandomBrightnessContrast: brightness_limit=.*A.ColorJitter"),
        (A.ToGray(method="max"), "ToGray: method='max'"),
        (A.ChannelDropout((1, 2)), "ChannelDropout: channel_drop_range="),
        (A.AutoContrast(), "AutoContrast: method='cdf' .*nearest: method='pil'"),
        (A.Posterize([(1, 2), (3, 4), (5, 6)]), "Posterize: num_bits="),
        (A.GaussianBlur((5, 9)), r"GaussianBlur: blur_limit=\(5, 9\) has no .*nearest: one size, or 0"),
        (A.GaussianBlur(0, (0, 2)), r"GaussianBlur: sigma must be a pair of ascending numbers above 0.0"),
        (A.Pad(2, border_mode=2), "Pad: border_mode=2 .*nearest: cv2.BORDER_REFLECT_101"),
        (A.Pad(2, p=0.5), "Pad: p=0.5 has no counterpart"),
        (A.Pad(2, fill_mask=1), "Pad: fill_mask=1"),
        (A.MotionBlur(), "MotionBlur: allow_shifted=True .*nearest: allow_shifted=False"),
        (A.Sharpen(method="gaussian"), "Sharpen: method='gaussian'"),
        (A.GaussNoise(mean_range=(0.1, 0.1)), "GaussNoise: mean_range="),
        (A.SaltAndPepper(), r"SaltAndPepper: amount=.*nearest: one number: amount=\(0.035, 0.035\)"),
        (A.PixelDropout(drop_value=None), "PixelDropout: drop_value=None"),
        (A.Downscale(interpolation_pair={"upscale": 1, "downscale": 0}), "Downscale: interpolation_pair="),
        (A.ImageCompression("webp"), "ImageCompression: compression_type='webp'"),
        (A.ElasticTransform(), "ElasticTransform: noise_distribution='gaussian'"),
        (A.OpticalDistortion(mode="fisheye"), "OpticalDistortion: mode='fisheye'"),
        (A.Erasing(fill="random"), "Erasing: value must be an int"),
        (A.Normalize(normalization="image"), "Normalize: normalization='image'"),
        (A.Normalize(p=0.5), "Normalize: p=0.5 .*nearest: p=1"),
        (A.Sequential([A.Normalize()], p=0.5), r"Normalize: within Sequential\(p=0.5\)"),
        (A.OneOf([A.ToFloat()], p=1), "ToFloat: within OneOf"),
        (A.Compose([A.ToFloat(), A.Normalize(), A.Blur()]), r"\[2\] Blur: it follows Normalize"),
        (
            A.Compose([A.HorizontalFlip()], bbox_params=A.BboxParams("coco", ["l"])),
            "params of bboxes .*boxes=",
        ),
        (A.Compose([A.HorizontalFlip()], additional_targets={"other": "image"}), "additional_targets="),
        (A.HueSaturationValue(), "HueSaturationValue: it has no counterpart; nearest: A.ColorJitter"),
        (A.SomeOf([A.HorizontalFlip()], 1), "SomeOf: it has no counterpart; nearest: one order"),
        (A.Lambda(), "Lambda: it has no counterpart; nearest: a gpuaug transform of your own"),
    ],
    ids=named,
)
def test_transforms_without_a_counterpart_are_named(transform: Any, message: str):
    with pytest.raises(ValueError, match=message):
        quietly(from_albumentations, transform)


def test_one_error_names_all_of_a_chain_by_their_places():
    chain = A.Compose(
        [
            A.Resize(8, 8, interpolation=2),
            A.OneOf([A.HorizontalFlip(), A.Sequential([A.CoarseDropout()])]),
            A.RandomFog(),
            A.Rotate(5, fill=3.5, crop_border=True),
        ]
    )
    with pytest.raises(ValueError, match="5 transforms or settings have no counterpart") as error:
        from_albumentations(chain)
    assert [line.strip().partition(":")[0] for line in str(error.value).splitlines()[1:]] == [
        "transforms[0] Resize",
        "transforms[1].transforms[1].transforms[0] CoarseDropout",
        "transforms[2] RandomFog",
        "transforms[3] Rotate",
        "transforms[3] Rotate",
    ]


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (A.CLAHE(), "lightness of LAB"),
        (A.Transpose(), "exact for square images"),
        (A.ShiftScaleRotate(), "(?s)rounded to the nearest pixel.*one factor of scale"),
        (A.ColorJitter(), "contrast comes last.*YIQ.*not clamped"),
        (A.CenterCrop(8, 8), "a pixel further"),
        (A.Downscale(), "rounded down"),
        (A.AutoContrast(method="pil"), "level 255"),
        (A.RandomResizedCrop(size=(8, 8), p=0.5), "resized to its size"),
        (A.Erasing(), "log-uniform"),
        (A.Compose([A.ToFloat(), A.Blur()]), "computes floats, gpuaug bytes"),
    ],
    ids=named,
)
def test_differences_are_warned_of(transform: Any, message: str):
    with pytest.warns(TranslationWarning, match=message):
        from_albumentations(transform)


def test_settings_of_another_version_are_named():
    """Version 1 had var_limit."""
    noise = A.GaussNoise()
    del noise.std_range
    with pytest.raises(
        ValueError, match="GaussNoise: it has no setting std_range; nearest: albumentations 2"
    ):
        from_albumentations(A.Compose([noise]))


def test_settings_of_the_translated_chain_are_the_callers():
    chain = from_albumentations(
        A.Compose([A.HorizontalFlip()], seed=4), "copies", seed=7, memory_format=torch.contiguous_format
    )
    assert (chain.apply_to, chain.seed, chain.memory_format) == ("copies", 7, torch.contiguous_format)


def test_a_chain_with_a_probability_is_applied_with_it():
    chain = from_albumentations(A.Compose([A.InvertImg(p=1), A.VerticalFlip(p=1)], p=0.25))
    assert "RandomApply(p=0.25)" in repr(chain)


def test_values_that_are_no_chain_are_refused():
    with pytest.raises(TypeError, match=r"chain must be .* albumentations, got list"):
        from_albumentations([A.HorizontalFlip()])


def test_the_example_of_the_page_runs():
    """It is left out of the examples that always run, because albumentations may not be there."""
    text = str(from_albumentations.__doc__).replace("  # doctest: +SKIP", "")
    names = {"gpuaug": gpuaug, "torch": torch}
    example = doctest.DocTestParser().get_doctest(text, names, "from_albumentations", None, None)
    assert len(example.examples) == 4
    assert doctest.DocTestRunner(verbose=False).run(example).failed == 0
