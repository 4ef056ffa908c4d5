"""gpuaug.from_torchvision: what each transform becomes, beside torchvision itself."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import pytest
import torch
from beside import alike, differences, framed, photographs, quietly
from torch import Tensor, nn

import gpuaug
from gpuaug.translate import TranslationWarning, from_torchvision
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
def test_every_class_is_translated_or_named(module: ModuleType):
    assert sorted(classes(module).keys() - LIBRARY.rules.keys() - ABSENT.keys()) == []
    assert LIBRARY.rules.keys() & ABSENT.keys() == set()


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in (v1, v2) for name in sorted(classes(module))]
)
def test_every_class_can_be_read(module: ModuleType, name: str):
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
        (v2.RandomAffine((0, 0), scale=(1.2, 1.2), interpolation="bilinear"), 1),
        (v2.RandomAffine((10, 10), shear=(15, 15), interpolation=BILINEAR), 1),
        (v2.RandomAffine((10, 10), shear=(15, 15, -10, -10), interpolation=BILINEAR), 1),
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
        (v2.ColorJitter(brightness=(1.3, 1.3)), 1),
        (v2.ColorJitter(contrast=(0.6, 0.6)), 1),
        (v2.ColorJitter(saturation=(0.4, 0.4)), 1),
        (v2.RandomApply([v2.RandomInvert(1.0)], p=1.0), 0),
        (v2.Compose([v2.RandomInvert(1.0), v2.Compose([v2.RandomVerticalFlip(1.0)])]), 0),
    ],
    ids=str,
)
def test_fixed_settings_give_torchvisions_bytes(transform: Any, levels: int):
    images = framed(photographs())
    ours = quietly(from_torchvision, transform)(images)
    theirs = by_torchvision(transform, images)
    assert differences(ours, theirs).max() <= levels
    assert theirs.shape != images.shape or levels == 0 or differences(images, theirs).max() > levels


def test_jpeg_is_about_as_far_as_its_rounding():
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
def test_conversions_and_normalize_give_torchvisions_floats(transforms: list[Any]):
    images = photographs()
    chain = v2.Compose(transforms)
    ours = from_torchvision(chain)(images)
    torch.testing.assert_close(ours, by_torchvision(chain, images), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_dtype_of_the_result(dtype: torch.dtype):
    chain = v2.Compose([*FLOATS, v2.Normalize([0.5], [0.25]), v2.ToDtype(dtype)])
    ours, theirs = from_torchvision(chain)(photographs()), by_torchvision(chain, photographs())
    assert ours.dtype == dtype
    torch.testing.assert_close(ours, theirs)


def test_floats_that_come_normalised_nowhere_else():
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


@pytest.mark.parametrize("transform", RANDOM, ids=str)
def test_random_settings_have_torchvisions_distribution(transform: Any):
    torch.manual_seed(1)
    image, count = framed(photographs()[:1]), 600
    theirs = by_torchvision(transform, image, count)
    ours = quietly(from_torchvision, transform, seed=2)(image.expand(count, -1, -1, -1))
    # Near the border the elastic one says that it differs.
    inside = slice(8, -8) if isinstance(transform, v2.ElasticTransform) else slice(None)
    assert alike(ours[..., inside, inside], theirs[..., inside, inside]) > 1e-3


def test_a_distribution_that_is_another_is_told():
    """Of the oracle above."""
    image = photographs()[:1]
    theirs = by_torchvision(v2.RandomRotation(20, BILINEAR), image, 600)
    for other in (gpuaug.RandomRotation(27, seed=2), gpuaug.RandomRotation((-14, 20), seed=2)):
        assert alike(other(image.expand(600, -1, -1, -1)), theirs) < 1e-3


def test_what_no_statistic_tells_is_translated_with_its_settings():
    chain = quietly(from_torchvision, v2.AugMix(4, 2, 3, 0.5, False))
    assert "quality=(5, 40)" in repr(quietly(from_torchvision, v2.JPEG((5, 40))))
    assert "severity=4, mixture_width=2, chain_depth=3, alpha=0.5, all_ops=False" in repr(chain)


def test_an_option_that_does_nothing_is_no_option():
    choice = v2.RandomChoice([v2.Identity(), v2.RandomInvert(1.0), v2.RandomVerticalFlip(1.0)], p=[2, 1, 1])
    assert "OneOf(by='random', p=0.5)" in repr(from_torchvision(choice))


@pytest.mark.parametrize(
    ("value", "mean", "level"), [(0.0, [0.0], 0), (-1.0, [0.5], 0), (1.0, [0.5], 255), ("no", [0.5], None)]
)
def test_erasing_after_normalize_erases_the_level_that_its_value_stands_for(
    value: Any, mean: list[float], level: int | None
):
    std = [1.0] if mean == [0.0] else [0.5]
    erasing = v2.RandomErasing(1.0, value=0.0 if level is None else value)
    chain = v2.Compose([*FLOATS, v2.Normalize(mean, std), erasing])
    if level is None:
        with pytest.raises(ValueError, match=r"value=\[0.0\] stands for the levels 127.5 here.* value=128"):
            from_torchvision(chain)
    else:
        assert f"value={level})" in repr(from_torchvision(chain))


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (
            v2.Resize(8, "bicubic"),
            "Resize: interpolation='bicubic' has no .*nearest: interpolation='bilinear'",
        ),
        (v1.Resize(8, v1.InterpolationMode.BICUBIC), "Resize: interpolation='bicubic'"),
        (v2.Resize(8, 3), "Resize: interpolation='bicubic'"),
        (v2.Resize(8, max_size=9), "Resize: max_size=9 has no counterpart; nearest: max_size=None"),
        (
            v2.RandomCrop(8, padding=[1, 2]),
            "RandomCrop: padding=.* nearest: padding=, the same on every side",
        ),
        (v2.RandomCrop(8, pad_if_needed=True), "RandomCrop: pad_if_needed=True"),
        (v2.RandomCrop(8, padding=1, padding_mode="symmetric"), "padding_mode='symmetric' .*'reflect'"),
        (v2.RandomRotation(5, BILINEAR, expand=True), "RandomRotation: expand=True"),
        (v2.RandomRotation(5, BILINEAR, center=[1, 2]), "RandomRotation: center="),
        (v2.RandomAffine(5, interpolation=BILINEAR, center=[1, 2]), "RandomAffine: center="),
        (v2.RandomAffine(5, interpolation="bicubic"), "RandomAffine: interpolation='bicubic'"),
        (v2.ElasticTransform([10.0, 20.0]), "ElasticTransform: alpha=.*nearest: the same in x and y"),
        (v2.GaussianBlur((5, 3)), "GaussianBlur: kernel_size=.*nearest: the same in x and y"),
        (v2.GaussianNoise(mean=0.1), "GaussianNoise: mean=0.1 .*nearest: mean=0.0"),
        (v2.GaussianNoise(clip=False), "GaussianNoise: clip=False"),
        (v2.Grayscale(), "Grayscale: num_output_channels=1 .*nearest: num_output_channels=3"),
        (v2.RandomErasing(value="random"), "RandomErasing: value='random'"),
        (v1.RandomErasing(value="random"), "RandomErasing: value='random'"),
        (v2.RandomAdjustSharpness(11.0), r"RandomAdjustSharpness: factor must .*\[0, 10\], got 11.0"),
        (v2.RandAugment(interpolation="bicubic"), "RandAugment: interpolation='bicubic'"),
        (v2.ToDtype(torch.float64), "ToDtype: dtype=torch.float64.* nearest: torch.float32, "),
        (v2.ToDtype({torch.Tensor: torch.float32, "others": torch.int64}), None),
        (v2.MixUp(num_classes=3), r"MixUp: .*BalancedLoader\(..., mix=gpuaug.MixUp"),
        (v2.CutMix(num_classes=3), r"CutMix: .*BalancedLoader\(..., mix=gpuaug.CutMix"),
    ],
    ids=str,
)
def test_what_has_no_counterpart_is_named(transform: Any, message: str | None):
    if message is None:
        assert from_torchvision(transform)
        return
    with pytest.raises(ValueError, match=message):
        from_torchvision(transform)


def test_one_error_names_all_of_a_chain_by_their_places():
    chain = v2.Compose(
        [
            v2.Resize((8, 8), "bicubic", max_size=None),
            v2.RandomApply([v2.RandomHorizontalFlip(), v2.Lambda(abs)]),
            abs,
            v2.RandomChoice([v2.Compose([v2.RandomOrder([v2.RandomInvert()])]), v2.RandomInvert()]),
            v2.RandomApply([v2.ToDtype(torch.float32)]),
            *FLOATS,
            v2.Normalize([0.5], [0.5]),
            v2.ColorJitter(0.5),
            v2.RandomCrop(8, padding=2),
            v2.Normalize([0.5], [0.5]),
        ]
    )
    with pytest.raises(ValueError, match="8 transforms or settings have no counterpart") as error:
        from_torchvision(chain)
    lines = [line.strip().partition(";")[0] for line in str(error.value).splitlines()[1:]]
    assert lines == [
        "transforms[0] Resize: interpolation='bicubic' has no counterpart",
        "transforms[1].transforms[1] Lambda: it has no counterpart",
        "transforms[2] builtin_function_or_method: it is none of torchvision's transforms",
        "transforms[3].transforms[0].transforms[0] RandomOrder: it has no counterpart",
        "transforms[4].transforms[0] ToDtype: within RandomApply: all draws of a batch share their output",
        "transforms[8] ColorJitter: it follows Normalize, which is the last here",
        "transforms[9] RandomCrop: padding after Normalize has no counterpart",
        "transforms[10] Normalize: it follows another Normalize",
    ]


def test_an_unknown_class_or_setting_is_never_dropped(monkeypatch: pytest.MonkeyPatch):
    class Own(v2.RandomHorizontalFlip):
        pass

    with pytest.raises(ValueError, match="Own: it is none of torchvision's transforms"):
        from_torchvision(v2.Compose([Own()]))

    newer = v2.RandomHorizontalFlip()

    def constructor(self: Any, p: float = 0.5, by: str = "columns") -> None: ...

    monkeypatch.setattr(v2.RandomHorizontalFlip, "__init__", constructor)
    newer.by = "columns"
    assert from_torchvision(newer)
    newer.by = "halves"
    with pytest.raises(ValueError, match="by='halves' has no counterpart; nearest: by='columns'"):
        from_torchvision(newer)
    monkeypatch.setattr(
        v2, "New", type("New", (), {"__module__": "torchvision.transforms.v2"}), raising=False
    )
    with pytest.raises(ValueError, match="New: gpuaug does not know it"):
        from_torchvision(v2.Compose([v2.New()]))


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (v2.ColorJitter(0.1, 0.1), "contrast is about middle grey.*not clamped"),
        (v2.ColorJitter(hue=0.1), "hue turns in YIQ"),
        (v2.RandAugment(), "read bilinearly"),
        (v2.Grayscale(3), r"eval\(\) leaves out"),
        (v2.JPEG(50), "within about a level of libjpeg"),
        (v2.ElasticTransform(), "within 20 pixels of the border"),
        (v2.RandomApply([v2.RandomResizedCrop(8)]), "resized to its size"),
        (v2.RandomChoice([v2.RandomCrop(8), v2.RandomInvert()]), "resized to that of the others"),
        (v2.Compose([*FLOATS, v2.RandomResizedCrop(8)]), "floats there, and bytes here"),
    ],
    ids=str,
)
def test_what_differs_is_said(transform: Any, message: str):
    with pytest.warns(TranslationWarning, match=message) as said:
        from_torchvision(transform)
    assert len(said) == 1
    assert said[0].filename == __file__


def test_what_does_not_differ_is_not_said(recwarn: pytest.WarningsRecorder):
    chain = [v2.RandomResizedCrop(8), v2.RandomHorizontalFlip(), v2.ColorJitter(0.2), *FLOATS]
    from_torchvision(v2.Compose([*chain, v2.Normalize([0.5], [0.5]), v2.RandomVerticalFlip()]))
    assert not [one for one in recwarn if issubclass(one.category, TranslationWarning)]


def test_settings_of_the_chain_are_the_callers():
    flip = v2.RandomHorizontalFlip(0.5)
    chain = from_torchvision(flip, "copies", seed=7, memory_format=torch.contiguous_format)
    assert (chain.apply_to, chain.seed, chain.memory_format) == ("copies", 7, torch.contiguous_format)
    assert from_torchvision(flip).apply_to == "all"


def test_a_sequential_is_a_chain():
    chain = from_torchvision(nn.Sequential(v1.CenterCrop(10), v1.RandomHorizontalFlip(1.0)))
    images = photographs()
    assert torch.equal(chain(images), v1.functional.center_crop(images, 10).flip(3))
    with pytest.raises(ValueError, match=r"\[1\] Lambda"):
        from_torchvision(nn.Sequential(v2.CenterCrop(10), v2.Lambda(abs)))


@pytest.mark.parametrize("chain", [[v2.RandomHorizontalFlip()], abs, None, nn.Flatten()], ids=str)
def test_what_is_no_chain(chain: Any):
    with pytest.raises(TypeError, match=f"chain must be .* torchvision, .*got {type(chain).__name__}"):
        from_torchvision(chain)


def test_a_chain_that_changes_nothing():
    with pytest.raises(ValueError, match="chain must change images"):
        from_torchvision(v2.Compose([v2.ToImage(), v2.Identity()]))
