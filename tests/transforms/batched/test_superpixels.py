"""Superpixels worked out by hand, their means beside a sum of segment by segment, and who is replaced."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuaug as ga
from gpuaug import random
from gpuaug.transforms.batched.slic import slic

RANDOM = torch.Generator().manual_seed(0)
IMAGES = torch.randint(256, (5, 3, 21, 30), dtype=torch.uint8, generator=RANDOM)


def draws_of(n, seed=0):
    keys = torch.arange(n) * 0x1E3779B97F4A7C15 + seed
    return torch.stack((torch.arange(n), torch.ones(n).long(), keys), dim=1)


def groups_of(transform, images, draws):
    return transform.recipes(draws, tuple(images.shape))[0].groups


# ---- By hand


def test_two_colors_stay_apart():
    image = torch.empty(1, 3, 20, 26, dtype=torch.uint8)
    image[..., :11] = torch.tensor([200, 30, 40]).view(3, 1, 1)
    image[..., 11:] = torch.tensor([20, 60, 220]).view(3, 1, 1)
    for count in (2, 7, 12, 30):
        assert torch.equal(ga.Superpixels(1.0, count)(image), image)
    grey = image[:, 2:]
    assert torch.equal(ga.Superpixels(1.0, 12)(grey), grey)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("level", [0, 77, 255])
def test_one_color_does_not_change(channels, level):
    image = torch.full((2, channels, 150, 9), level, dtype=torch.uint8)
    assert torch.equal(ga.Superpixels(1.0, 9)(image), image)
    floats = torch.full((2, channels, 9, 14), level / 300)
    torch.testing.assert_close(ga.Superpixels(1.0, 9)(floats), floats)


def test_p_replace_0_changes_nothing():
    assert torch.equal(ga.Superpixels(0.0)(IMAGES, draws_of(5)), IMAGES)
    floats = IMAGES / 255.0
    assert torch.equal(ga.Superpixels(0.0)(floats, draws_of(5)), floats)


@pytest.mark.parametrize("max_size", [None, 128, 8, 1])
def test_one_segment_takes_the_mean(max_size):
    mean = IMAGES.double().mean((2, 3), keepdim=True)
    out = ga.Superpixels(1.0, 1, max_size)(IMAGES, draws_of(5))
    assert torch.equal(out, mean.round().to(torch.uint8).expand_as(out))
    floats = ga.Superpixels(1.0, 1, max_size)(IMAGES.double() / 255, draws_of(5))
    torch.testing.assert_close(floats, (mean / 255).expand_as(floats), rtol=0, atol=1e-6)


def test_as_many_segments_as_pixels_change_nothing():
    image = torch.tensor([[[[0, 255, 0, 255]] * 3]], dtype=torch.uint8)
    assert torch.equal(ga.Superpixels(1.0, 10000)(image), image)


def test_superpixels_keep_alpha():
    images = torch.cat((IMAGES, IMAGES[:, :1]), dim=1)
    out = ga.Superpixels(1.0, 20)(images, draws_of(5))
    assert torch.equal(out[:, 3], images[:, 3])
    assert torch.equal(out[:, :3], ga.Superpixels(1.0, 20)(IMAGES, draws_of(5)))


def test_p_replace_0_skips_also_the_smallest_random_number(monkeypatch):
    monkeypatch.setattr(random, "uniform_field", lambda keys, place, count: torch.zeros(len(keys), count))
    assert torch.equal(ga.Superpixels(0.0)(IMAGES, draws_of(5)), IMAGES)
    assert (ga.Superpixels(1e-6, 4)(IMAGES, draws_of(5)) != IMAGES).any()


# ---- Means


def means_of(image, segments):
    """The mean of each segment in turn; ``image`` ``(C, H, W)``."""
    out = image.double().clone()
    for segment in segments.unique():
        at = segments == segment
        out[:, at] = image.double()[:, at].mean(1, keepdim=True)
    return out


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_segments_take_their_own_mean(channels):
    images = IMAGES[:, :channels]
    out = ga.Superpixels(1.0, 12, None, 20.0)(images, draws_of(5))
    segments = slic(images.float(), (3, 4), 20.0)
    for n in range(5):
        # Of a half that a float cannot hold, either level.
        assert (out[n].double() - means_of(images[n], segments[n])).abs().max() <= 0.5 + 1e-4
    floats = ga.Superpixels(1.0, 12, None, 20.0)(images.double() / 255, draws_of(5))
    for n in range(5):
        torch.testing.assert_close(
            floats[n], means_of(images[n], segments[n]) / 255, rtol=0, atol=1e-6, check_dtype=False
        )


def test_segments_of_a_large_image_are_those_of_a_smaller_one():
    image = torch.zeros(1, 1, 60, 90, dtype=torch.uint8)
    image[..., 30:] = 200
    image[..., ::3, :] += 1  # which the small one does not see
    out = ga.Superpixels(1.0, 6, max_size=30)(image)
    small = slic(torch.where(image[..., 1::3, 1::3] > 100, 200.0, 0.0), (2, 3), 10.0)
    segments = small[0].repeat_interleave(3, 0).repeat_interleave(3, 1)
    assert (out[0].double() - means_of(image[0], segments)).abs().max() <= 0.5
    assert out[0, 0, :, :30].unique().tolist() == [0]
    assert out[0, 0, :, 30:].unique().tolist() == [200]


def test_superpixels_have_the_gradient_of_a_mean():
    images = (IMAGES[:1, :, :9, :9].double() / 255).requires_grad_()
    weight = torch.rand(1, 3, 9, 9, dtype=torch.float64, generator=RANDOM)
    (ga.Superpixels(1.0, 4)(images, draws_of(1)) * weight).sum().backward()
    segments = slic(IMAGES[:1, :, :9, :9].float(), (2, 2), 10.0)
    torch.testing.assert_close(images.grad[0], means_of(weight[0], segments[0]))


def test_superpixels_keep_nan_and_count_it_as_black():
    images = IMAGES / 255.0
    images[1, 0, 5, 7] = torch.nan
    out = ga.Superpixels(1.0, 1)(images, draws_of(5))
    assert out.isnan().nonzero().tolist() == [[1, 0, 5, 7]]
    black = images.nan_to_num(0.0)
    torch.testing.assert_close(out.nan_to_num(0.0)[1, 0, 0, 0], black[1, 0].mean())


# ---- By key


def test_each_segment_is_chosen_by_its_own_number():
    images, draws = IMAGES[:1].expand(40, -1, -1, -1), draws_of(40)
    transform = ga.Superpixels((0.2, 0.8), 12, None)
    everyone = ga.Superpixels(1.0, 12, None)(images, draws)
    segments = slic(images.float(), (3, 4), 10.0)
    number = random.uniform_field(draws[:, 2], 0, 12)
    (group,) = groups_of(transform, images, draws)
    chance = group.parameters["p_replace"]
    assert 0.2 <= chance.min() < 0.3 < 0.7 < chance.max() <= 0.8
    replaced = (number < chance[:, None]).gather(1, segments.flatten(1)).view(40, 1, 21, 30)
    assert torch.equal(transform(images, draws), torch.where(replaced, everyone, images))
    rate = (number < chance[:, None]).float().mean()
    assert abs(rate - chance.mean()) < 5 * (0.25 / 480) ** 0.5


def test_each_draw_has_its_own_number_of_segments():
    images, draws = IMAGES[:1].expand(60, -1, -1, -1), draws_of(60)
    transform = ga.Superpixels(1.0, (10, 30))
    groups = groups_of(transform, images, draws)
    assert [group.variant for group in groups] == [10, 16, 25]  # roots 3, 4, 5: from 10 up
    assert torch.cat([group.rows for group in groups]).sort().values.tolist() == list(range(60))
    out = transform(images, draws)
    for group in groups:
        alone = ga.Superpixels(1.0, group.variant)(images[group.rows], draws[group.rows])
        assert torch.equal(out[group.rows], alone)
    assert groups_of(ga.Superpixels(1.0, (10, 10)), images, draws)[0].rows is None


@pytest.mark.slow
@pytest.mark.parametrize("max_size", [None, 16])
def test_superpixels_compile_to_one_graph(max_size):
    transform, draws = ga.Superpixels(0.5, 12, max_size, seed=1), draws_of(5)
    compiled = torch.compile(transform, backend="eager", fullgraph=True)
    assert torch.equal(compiled(IMAGES, draws), transform(IMAGES, draws))


# ---- Sizes and settings


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.integers(1, 4),
    count=st.integers(1, 200),
    max_size=st.sampled_from([None, 1, 7, 128]),
)
@settings(max_examples=60, deadline=None)
def test_superpixels_take_images_of_any_size(height, width, channels, count, max_size):
    generator = torch.Generator().manual_seed(height * 100 + width)
    images = torch.randint(256, (2, channels, height, width), dtype=torch.uint8, generator=generator)
    out = ga.Superpixels(1.0, count, max_size)(images, draws_of(2))
    assert out.shape == images.shape
    for image, painted in zip(images[:, :3], out[:, :3], strict=True):
        # Means keep the mean of the image, but for the rounding of each level.
        assert abs(image.double().mean() - painted.double().mean()) <= 0.5 + 1e-6
        assert painted.amin() >= image.amin()
        assert painted.amax() <= image.amax()
    colors = np.unique(out[0, :3].flatten(1).numpy(), axis=1).shape[1]
    assert colors <= max(2 * count, 1)


def test_settings_of_superpixels_are_checked_and_shown():
    for build, error, message in (
        (lambda: ga.Superpixels(1.5), ValueError, r"p_replace must be .* in \[0, 1\], got 1.5"),
        (lambda: ga.Superpixels(n_segments=0), ValueError, r"n_segments must be .* in \[1, 10000\], got 0"),
        (lambda: ga.Superpixels(n_segments=2.5), TypeError, r"n_segments must be a whole number .* got 2.5"),
        (lambda: ga.Superpixels(max_size=0), ValueError, r"max_size must be in \[1, 65536\], got 0"),
        (
            lambda: ga.Superpixels(compactness=0.1),
            ValueError,
            r"compactness must be in \[1, 100\], got 0.1",
        ),
    ):
        with pytest.raises(error, match=message):
            build()
    assert str(ga.Superpixels(0.5, (40, 90), None)) == (
        "Superpixels(p_replace=(0.5, 0.5), n_segments=(40, 90), max_size=None, compactness=10.0)"
    )
