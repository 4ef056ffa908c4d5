"""gpuaug.from_torchvision: what it refuses, all of it at once, and what it says of differences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from beside import photographs
from named import named
from torch import nn

from gpuaug.translate import TranslationWarning, from_torchvision

v1 = pytest.importorskip("torchvision.transforms", reason="needs torchvision")
v2 = pytest.importorskip("torchvision.transforms.v2", reason="needs torchvision")

BILINEAR = v2.InterpolationMode.BILINEAR
FLOATS = (v2.ToImage(), v2.ToDtype(torch.float32, scale=True))


@pytest.mark.parametrize(
    ("value", "mean", "level"), [(0.0, [0.0], 0), (-1.0, [0.5], 0), (1.0, [0.5], 255), ("no", [0.5], None)]
)
def test_erasing_after_normalize_uses_the_level_of_its_value(
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
            v2.Resize(8, v2.InterpolationMode.BICUBIC),
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
        (
            v2.Resize(8, v2.InterpolationMode.NEAREST),
            "Resize: interpolation='nearest' .*'bilinear' or 'nearest-exact'",
        ),
        (v2.RandomRotation(5, fill=0.5), "RandomRotation: fill=0.5"),
        (v2.Pad(2, padding_mode="symmetric"), "Pad: padding_mode must be one of"),
        (v2.RandomRotation(5, BILINEAR, expand=True), "RandomRotation: expand=True"),
        (v2.RandomRotation(5, BILINEAR, center=[1, 2]), "RandomRotation: center="),
        (v2.RandomAffine(5, interpolation=BILINEAR, center=[1, 2]), "RandomAffine: center="),
        (
            v2.RandomAffine(5, interpolation=v2.InterpolationMode.BICUBIC),
            "RandomAffine: interpolation='bicubic'",
        ),
        (v2.ElasticTransform([10.0, 20.0]), "ElasticTransform: alpha=.*nearest: the same in x and y"),
        (v2.GaussianBlur(101), r"GaussianBlur: kernel_size must be odd, in \[1, 99\], got \(101, 101\)"),
        (v2.GaussianNoise(mean=0.1), "GaussianNoise: mean=0.1 .*nearest: mean=0.0"),
        (v2.GaussianNoise(clip=False), "GaussianNoise: clip=False"),
        (v2.Grayscale(), "Grayscale: num_output_channels=1 .*nearest: num_output_channels=3"),
        (v2.RandomErasing(value="random"), "RandomErasing: value='random'"),
        (v1.RandomErasing(value="random"), "RandomErasing: value='random'"),
        (v2.RandomAdjustSharpness(11.0), r"RandomAdjustSharpness: factor must .*\[0, 10\], got 11.0"),
        (v2.RandAugment(interpolation=v2.InterpolationMode.BICUBIC), "RandAugment: interpolation='bicubic'"),
        (v2.ToDtype(torch.float64), "ToDtype: dtype=torch.float64.* nearest: torch.float32, "),
        (v2.ToDtype({torch.Tensor: torch.float32, "others": torch.int64}), None),
        (v2.MixUp(num_classes=3), r"MixUp: .*BalancedLoader\(..., mix=gpuaug.MixUp"),
        (v2.CutMix(num_classes=3), r"CutMix: .*BalancedLoader\(..., mix=gpuaug.CutMix"),
    ],
    ids=named,
)
def test_transforms_without_a_counterpart_are_named(transform: Any, message: str | None):
    if message is None:
        assert from_torchvision(transform)
        return
    with pytest.raises(ValueError, match=message):
        from_torchvision(transform)


def test_one_error_names_all_of_a_chain_by_their_places():
    chain = v2.Compose(
        [
            v2.Resize((8, 8), v2.InterpolationMode.BICUBIC, max_size=None),
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
        "transforms[2] builtin_function_or_method: it is not one of torchvision's transforms",
        "transforms[3].transforms[0].transforms[0] RandomOrder: it has no counterpart",
        "transforms[4].transforms[0] ToDtype: within RandomApply: all draws of a batch share their output",
        "transforms[8] ColorJitter: it follows Normalize, which must be last here",
        "transforms[9] RandomCrop: padding after Normalize has no counterpart",
        "transforms[10] Normalize: it follows another Normalize",
    ]


def test_an_unknown_class_or_setting_is_never_dropped(monkeypatch: pytest.MonkeyPatch):
    class Own(v2.RandomHorizontalFlip):
        pass

    with pytest.raises(ValueError, match="Own: it is not one of torchvision's transforms"):
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
        (v2.ColorJitter(0.1, 0.1), "ColorJitter: contrast comes last[^;]*$"),
        (v2.ColorJitter(0.1, 0, 0.1), "ColorJitter: values are not clamped between the factors$"),
        (v2.ColorJitter(hue=0.1), "hue turns in YIQ"),
        (v2.RandAugment(), "read bilinearly"),
        (v2.RandomPhotometricDistort(), "contrast is about middle grey.*YIQ.*not clamped"),
        (v2.RandomZoomOut(), "the canvas is scaled back"),
        (v2.Grayscale(3), r"eval\(\) leaves out"),
        (v2.JPEG(50), "within about a level of libjpeg"),
        (v2.ElasticTransform(), "within 20 pixels of the border"),
        (v2.RandomApply([v2.RandomResizedCrop(8)]), "resized to its size"),
        (v2.RandomChoice([v2.RandomCrop(8), v2.RandomInvert()]), "resized to that of the others"),
        (v2.Compose([*FLOATS, v2.RandomResizedCrop(8)]), "computes floats, gpuaug bytes"),
    ],
    ids=named,
)
def test_differences_are_warned_of(transform: Any, message: str):
    with pytest.warns(TranslationWarning, match=message) as said:
        from_torchvision(transform)
    assert len(said) == 1
    assert said[0].filename == __file__


def test_equal_transforms_give_no_warning(recwarn: pytest.WarningsRecorder):
    chain = [v2.RandomResizedCrop(8), v2.RandomHorizontalFlip(), v2.ColorJitter(0.2), *FLOATS]
    from_torchvision(v2.Compose([*chain, v2.Normalize([0.5], [0.5]), v2.RandomVerticalFlip()]))
    assert not [one for one in recwarn if issubclass(one.category, TranslationWarning)]


def test_settings_of_the_translated_chain_are_the_callers():
    flip = v2.RandomHorizontalFlip(0.5)
    chain = from_torchvision(flip, "copies", seed=7, memory_format=torch.contiguous_format)
    assert (chain.apply_to, chain.seed, chain.memory_format) == ("copies", 7, torch.contiguous_format)
    assert from_torchvision(flip).apply_to == "all"


def test_a_sequential_is_translated_as_a_chain():
    chain = from_torchvision(nn.Sequential(v1.CenterCrop(10), v1.RandomHorizontalFlip(1.0)))
    images = photographs()
    assert torch.equal(chain(images), v1.functional.center_crop(images, 10).flip(3))
    inner = v2.RandomApply([nn.Sequential(v2.Lambda(abs))])
    with pytest.raises(ValueError, match=r"  \[1\]\.transforms\[0\]\[0\] Lambda"):
        from_torchvision(nn.Sequential(v2.CenterCrop(10), inner))


@pytest.mark.parametrize("chain", [[v2.RandomHorizontalFlip()], abs, None, nn.Flatten()], ids=named)
def test_values_that_are_no_chain_are_refused(chain: Any):
    with pytest.raises(TypeError, match=f"chain must be .* torchvision, .*got {type(chain).__name__}"):
        from_torchvision(chain)


def test_a_chain_that_changes_nothing_is_refused():
    with pytest.raises(ValueError, match="chain must change images"):
        from_torchvision(v2.Compose([v2.ToImage(), v2.Identity()]))
