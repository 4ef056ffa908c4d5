"""normalize and augment's output: every type, every layout."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as tv

from gpuaug.functional import augment, normalize
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.stages.output import normalization_scale_shift, normalization_table

IMAGES = torch.arange(256, dtype=torch.uint8).repeat(6).view(2, 3, 16, 16)
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_normalized_bytes_are_exact_values_rounded_once(dtype):
    mean, std = (torch.tensor(v, dtype=torch.float64).view(3, 1, 1) for v in (MEAN, STD))
    exact = (IMAGES.double() / 255 - mean) / std
    assert torch.equal(normalize(IMAGES, MEAN, STD, dtype=dtype), exact.to(dtype))


def test_normalize_is_close_to_torchvision():
    theirs = tv.normalize(tv.to_dtype(IMAGES, torch.float32, scale=True), MEAN, STD)
    torch.testing.assert_close(normalize(IMAGES, MEAN, STD), theirs)


def test_normalize_takes_statistics_of_each_sample():
    mean, std = torch.rand(2, 3), torch.rand(2, 3) + 0.5
    out = normalize(IMAGES, mean, std)
    for n in range(2):
        assert torch.equal(out[n], normalize(IMAGES[n : n + 1], mean[n], std[n])[0])
    floats = normalize(IMAGES / 255.0, mean, std)
    torch.testing.assert_close(floats, out)


@pytest.mark.parametrize("images", [IMAGES, IMAGES / 255.0], ids=["bytes", "floats"])
@pytest.mark.parametrize("rows", [0, 3, 5])
def test_rows_of_statistics_must_match_the_draws(images, rows):
    statistics = {"mean": torch.rand(rows, 3), "std": 0.5}
    with pytest.raises(ValueError, match=f"mean and std must have 1 or 2 rows, got {rows}"):
        normalize(images, **statistics)
    recipes = RecipeBuilder.of_batch(tuple(images.shape)).recipes((16, 16))
    with pytest.raises(ValueError, match=f"mean and std must have 1 or 2 rows, got {rows}"):
        augment(images, recipes, **statistics)


def test_five_rows_of_statistics_for_one_image_are_refused():
    with pytest.raises(ValueError, match="mean and std must have 1 or 1 rows, got 5"):
        normalize(torch.rand(1, 3, 8, 8), torch.rand(5, 3), 0.5)


def test_rows_of_a_table_must_match_the_draws():
    recipes = RecipeBuilder.of_batch(tuple(IMAGES.shape)).recipes((16, 16))
    table = normalization_table(torch.rand(3, 3), 0.5, channels=3)
    with pytest.raises(ValueError, match="table must have 1 or 2 rows, got 3"):
        augment(IMAGES, recipes, table=table)


def test_normalized_floats_keep_their_gradient():
    images = torch.rand(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda x: normalize(x, MEAN, STD), images)


def test_a_gradient_that_bytes_cannot_give_is_refused():
    with pytest.raises(RuntimeError, match="mean and std must not require a gradient for uint8 images"):
        normalize(IMAGES, torch.zeros(3, requires_grad=True), 1.0)


@pytest.mark.parametrize("name", ["table", "scale_shift"])
def test_a_table_with_a_gradient_is_refused(name):
    recipes = RecipeBuilder.of_batch(tuple(IMAGES.shape)).recipes((16, 16))
    given = {
        "table": normalization_table(MEAN, STD, channels=3),
        "scale_shift": normalization_scale_shift(MEAN, STD, channels=3),
    }
    given[name].requires_grad_()
    with pytest.raises(RuntimeError, match=f"{name} must not require a gradient for uint8 images"):
        augment(IMAGES, recipes, **given)


def test_a_dtype_that_bytes_would_not_get_is_refused():
    recipes = RecipeBuilder.of_batch(tuple(IMAGES.shape)).recipes((16, 16))
    table = normalization_table(MEAN, STD, channels=3)
    with pytest.raises(ValueError, match="dtype must be left out for a float32 table, got float16"):
        augment(IMAGES, recipes, table=table, dtype=torch.float16)
    with pytest.raises(
        ValueError, match="dtype must be left out for bytes that are not normalised, got float32"
    ):
        augment(IMAGES, recipes, dtype=torch.float32)
    assert augment(IMAGES, recipes, table=table, dtype=torch.float32).dtype == torch.float32
    assert augment(IMAGES, recipes, dtype=torch.uint8).dtype == torch.uint8


@pytest.mark.parametrize("asked", [torch.preserve_format, torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("given", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_normalize_keeps_memory_formats(given, asked, dtype):
    images = IMAGES.to(dtype).contiguous(memory_format=given)
    recipes = RecipeBuilder.of_batch(tuple(images.shape)).recipes((16, 16))
    out = augment(images, recipes, memory_format=asked)
    assert torch.equal(out, images)
    expected = given if asked == torch.preserve_format else asked
    assert out.is_contiguous(memory_format=expected)


def test_a_table_stands_for_mean_and_std():
    recipes = RecipeBuilder.of_batch(tuple(IMAGES.shape)).recipes((16, 16))
    table = normalization_table(MEAN, STD, channels=3, dtype=torch.float16)
    out = augment(IMAGES, recipes, table=table)
    assert torch.equal(out, augment(IMAGES, recipes, mean=MEAN, std=STD, dtype=torch.float16))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(1e-3, 1e3)), min_size=6, max_size=6), st.booleans())
def test_computed_values_match_the_table(dtype, statistics, for_each_draw):
    mean, std = torch.tensor(statistics, dtype=torch.float64).view(2, 3, 2).unbind(-1)
    if not for_each_draw:
        mean, std = mean[0], std[0]
    recipes = RecipeBuilder.of_batch(tuple(IMAGES.shape)).recipes((16, 16))
    looked_up = augment(IMAGES, recipes, table=normalization_table(mean, std, channels=3, dtype=dtype))
    assert torch.equal(augment(IMAGES, recipes, mean=mean, std=std, dtype=dtype), looked_up)


def test_a_scale_and_shift_that_differ_from_the_table_are_not_used():
    recipes = RecipeBuilder.of_batch(tuple(IMAGES.shape)).recipes((16, 16))
    table = normalization_table(MEAN, STD, channels=3)
    scale_shift = normalization_scale_shift(MEAN, STD, channels=3)
    scale_shift[0, 2, 1] += 1e-6
    out = augment(IMAGES, recipes, table=table, scale_shift=scale_shift)
    assert torch.equal(out, augment(IMAGES, recipes, table=table))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"std": 0.0}, ValueError, "std must be positive and finite, got 0.0"),
        ({"std": [1.0, -1.0, 1.0]}, ValueError, "std must be positive and finite, got -1.0"),
        ({"mean": float("nan")}, ValueError, "mean must be finite, got nan"),
        ({"mean": [0.5, 0.5]}, ValueError, r"mean must be a number, \(3,\) or \(n, 3\).* got shape \(2,\)"),
        ({"dtype": torch.float64}, TypeError, "dtype must be float32, float16 or bfloat16, got float64"),
    ],
)
def test_statistics_out_of_range_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        normalize(IMAGES, **({"mean": 0.5, "std": 0.5} | arguments))
