"""Bad input to the batched ops: the message names the parameter, what is allowed and what came."""

import numpy as np
import PIL.Image
import pytest
import torch

from gpuaug import functional as F
from gpuaug.recipe.builder import RecipeBuilder

KEYS = torch.tensor([1, 2])
BOXES = torch.tensor([[0, 0, 4, 4], [1, 1, 3, 3]])


def rows(parameter, images):
    return parameter[: images.shape[0]] if isinstance(images, torch.Tensor) else parameter


OPS = {
    "crop_resize": lambda images: F.crop_resize(images, rows(BOXES, images), 8),
    "flip": lambda images: F.flip(images),
    "gaussian_blur": lambda images: F.gaussian_blur(images, 1.0),
    "salt_and_pepper": lambda images: F.salt_and_pepper(images, 0.1, 0.1, rows(KEYS, images)),
    "normalize": lambda images: F.normalize(images, 0.5, 0.5),
}


def images(*shape, dtype=torch.uint8):
    return torch.randint(256, shape or (2, 3, 4, 4)).to(dtype)


@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
class TestImages:
    @pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64, torch.int16])
    def test_other_types_of_images_are_refused(self, op, dtype):
        name = str(dtype).removeprefix("torch.")
        with pytest.raises(TypeError, match=f"images must be uint8, float16, .* got {name}"):
            op(images(dtype=dtype))

    @pytest.mark.parametrize("shape", [(3, 4, 4), (1, 2, 3, 4, 4), (2, 65, 4, 4), (2, 0, 4, 4), (4,)])
    def test_other_shapes_of_images_are_refused(self, op, shape):
        with pytest.raises(
            ValueError, match=r"images must have shape \(N, C, H, W\) with C in \[1, 64\], got"
        ):
            op(images(*shape))

    @pytest.mark.parametrize("shape", [(2, 3, 0, 4), (2, 3, 4, 0)])
    def test_empty_images_are_refused(self, op, shape):
        with pytest.raises(ValueError, match="images must have a height and a width of at least 1 pixel"):
            op(images(*shape))

    @pytest.mark.parametrize(
        ("value", "way"),
        [
            ([images(3, 4, 4)], "torch.stack"),
            (np.zeros((2, 4, 4, 3), np.uint8), "torch.from_numpy"),
            (PIL.Image.new("RGB", (4, 4)), "pil_to_tensor"),
        ],
    )
    def test_errors_of_other_kinds_say_how_to_convert(self, op, value, way):
        with pytest.raises(TypeError, match=f"images must be a tensor .*; convert with .*{way}"):
            op(value)

    @pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
    def test_a_batch_of_none_is_accepted(self, op, dtype):
        out = op(images(0, 3, 4, 4, dtype=dtype))
        assert out.shape[:2] == (0, 3)
        assert out.shape == op(images(1, 3, 4, 4, dtype=dtype))[:0].shape
        assert out.dtype == op(images(1, 3, 4, 4, dtype=dtype)).dtype

    def test_any_layout_gives_the_same_and_is_not_written(self, op):
        dense = images(2, 3, 4, 4)
        expected = op(dense.clone())
        wide = torch.zeros(2, 3, 8, 12, dtype=torch.uint8)
        wide[:, :, ::2, ::3] = dense
        for other in (
            dense.contiguous(memory_format=torch.channels_last),
            wide[:, :, ::2, ::3],
            dense.transpose(2, 3).contiguous().transpose(2, 3),
            dense.flip(0).flip(0),
        ):
            before = other.clone()
            assert torch.equal(op(other), expected)
            assert torch.equal(other, before)
        one = dense[:1].expand(2, -1, -1, -1)
        assert torch.equal(op(one)[0], op(dense[:1].clone())[0])

    @pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
    def test_a_read_only_memory_map_is_accepted(self, op, tmp_path):
        dense = images()
        dense.numpy().tofile(tmp_path / "images")
        mapped = np.memmap(tmp_path / "images", dtype=np.uint8, mode="r", shape=(2, 3, 4, 4))
        assert torch.equal(op(torch.from_numpy(mapped)), op(dense))

    def test_nan_stays_nan(self, op):
        floats = images(dtype=torch.float32) / 255
        floats[0, 0, 1, 1] = float("nan")
        assert bool(op(floats).isnan().any())


BAD = [
    (lambda: F.crop_resize(images(), BOXES, 0), ValueError, "size must be at least 1 pixel .* got 0"),
    (
        lambda: F.crop_resize(images(), BOXES, (8, -1)),
        ValueError,
        r"size must be at least 1 .* got \(8, -1\)",
    ),
    (lambda: F.crop_resize(images(), BOXES, 8.0), TypeError, "size must be an int or a pair .* got 8.0"),
    (
        lambda: F.crop_resize(images(), BOXES + torch.tensor([0, 0, 2, 0]), 8),
        ValueError,
        r"inside the image of width 4 and height 4, got \[0, 0, 6, 4\] for draw 0",
    ),
    (
        lambda: F.crop_resize(images(), torch.tensor([[0, 0, 4, 4], [2, 2, 2, 4]]), 8),
        ValueError,
        r"not empty .* got \[2, 2, 2, 4\] for draw 1",
    ),
    (
        lambda: F.crop_resize(images(), torch.full((2, 4), float("nan")), 8),
        ValueError,
        "boxes must be .* for draw 0",
    ),
    (lambda: F.crop_resize(images(), BOXES[:1], 8), ValueError, r"boxes must have shape \(2, 4\)"),
    (lambda: F.crop_resize(images(), [[0, 0, 4, 4]], 8), TypeError, "boxes must be a tensor .* got list"),
    (lambda: F.flip(images(), torch.tensor([1, 0])), TypeError, "horizontal must be bool, got int64"),
    (lambda: F.flip(images(), torch.tensor([True])), ValueError, r"horizontal must have shape \(2,\)"),
    (
        lambda: F.gaussian_blur(images(), 0.0),
        ValueError,
        "sigma must be positive and finite, got 0.0 for draw 0",
    ),
    (
        lambda: F.gaussian_blur(images(), torch.tensor([1.0, float("inf")])),
        ValueError,
        "sigma must be positive and finite, got inf for draw 1",
    ),
    (
        lambda: F.gaussian_blur(images(), torch.tensor([float("nan"), 1.0])),
        ValueError,
        "sigma must be positive and finite, got nan for draw 0",
    ),
    (
        lambda: F.gaussian_blur(images(2, 3, 2, 2, dtype=torch.float32), 1.0),
        ValueError,
        "gaussian_blur: floating images must be at least 3 pixels high and wide",
    ),
    (lambda: F.salt_and_pepper(images(), 1.5, 0.0, KEYS), ValueError, r"salt must be in \[0, 1\], got 1.5"),
    (
        lambda: F.salt_and_pepper(images(), 0.0, torch.tensor([0.1, float("nan")]), KEYS),
        ValueError,
        r"pepper must be in \[0, 1\], got nan for draw 1",
    ),
    (
        lambda: F.salt_and_pepper(images(), 0.6, 0.6, KEYS),
        ValueError,
        r"salt \+ pepper must be in \[0, 1\], got 1.2",
    ),
    (lambda: F.salt_and_pepper(images(), 0.1, 0.1, KEYS.int()), TypeError, "keys must be int64, got int32"),
    (lambda: F.salt_and_pepper(images(), 0.1, 0.1, KEYS[:1]), ValueError, r"keys must have shape \(2,\)"),
    (
        lambda: F.salt_and_pepper(images(), 0.1, 0.1, KEYS, place=-1),
        ValueError,
        r"place must be in \[0, 2\*\*32\), got -1",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_parameters_of_functional_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_errors_of_two_devices_name_both():
    recipes = RecipeBuilder.of_batch((2, 3, 4, 4)).recipes((4, 4))
    with pytest.raises(RuntimeError, match="images and recipes must be on one device, got cpu and meta"):
        F.augment(images(), recipes.to("meta"))
    with pytest.raises(
        RuntimeError, match="keys must be on the host or the images' device, got meta and cpu"
    ):
        F.salt_and_pepper(images(), 0.1, 0.1, KEYS.to("meta"))


@pytest.mark.parametrize(
    ("index", "side", "count"),
    [(-1, 4, 2), (2, 4, 2), (0, 8, 2), (0, 2, 2), (0, 2, 5)],
    ids=["before", "behind", "larger", "smaller", "smaller, of many"],
)
def test_recipes_that_read_outside_of_floats_are_refused(index, side, count):
    recipes = RecipeBuilder.of_batch((count, 3, side, side), torch.tensor([0, index])).recipes((4, 4))
    draw = 1 if side == 4 else 0
    with pytest.raises(RuntimeError, match=f"recipes: draw {draw} reads outside the images: offset "):
        F.augment(images(count, 3, 4, 4, dtype=torch.float32), recipes)


def test_recipes_read_floats_as_whole_images():
    recipes = RecipeBuilder.of_batch((2, 3, 4, 4)).recipes((4, 4))
    recipes.field("offset")[0] = 16
    with pytest.raises(RuntimeError, match=r"recipes: draw 0 .* offset 16, size 4 x 4 is none of 2 floating"):
        F.augment(images(dtype=torch.float32), recipes)


@pytest.mark.filterwarnings("ignore")  # torch's own, about its own tracing
def test_an_index_that_cannot_be_checked_is_clamped():
    compiled = torch.compile(F.augment, fullgraph=True, backend="eager")
    floats = images(dtype=torch.float32)
    recipes = RecipeBuilder.of_batch((2, 3, 4, 4), torch.tensor([-1, 0, 7])).recipes((4, 4))
    assert torch.equal(compiled(floats, recipes), floats[[0, 0, 1]])


def test_a_table_together_with_a_mean_is_refused():
    recipes = RecipeBuilder.of_batch((2, 3, 4, 4)).recipes((4, 4))
    with pytest.raises(ValueError, match="table must not be given together with mean or std"):
        F.augment(images(), recipes, table=torch.zeros(1, 3, 256), mean=0.5)
    with pytest.raises(TypeError, match="table must be None for floating images"):
        F.augment(images(dtype=torch.float32), recipes, table=torch.zeros(1, 3, 256))


def test_more_than_two_to_the_31_elements_keep_their_shape():
    shape = (2**14, 3, 256, 256)
    out = F.flip(torch.empty(shape, dtype=torch.uint8, device="meta"))
    assert out.shape == shape
    assert out.numel() > 2**31
