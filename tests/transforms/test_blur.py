"""GaussianBlur: 5 x 5 in the kernel, other sizes after it, beside torchvision."""

import pickle

import pytest
import torch
from torchvision.transforms.v2 import functional as tv

import gpuaug as ga
from gpuaug import random
from gpuaug.recipe.layout import Stage
from gpuaug.transforms import catalogue
from gpuaug.transforms.batched.gaussian import UNIT, blurred_levels


def draws_of(n):
    return torch.stack((torch.arange(n), torch.arange(n) % 3, torch.arange(n) * 7919), dim=1)


def images_of(*shape):
    """Half of them noise, half smooth."""
    generator = torch.Generator().manual_seed(sum(shape))
    noise = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    coarse = torch.rand(shape[0], shape[1], 6, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, shape[2:], mode="bilinear").mul(255).round()
    return torch.cat((noise, smooth.to(torch.uint8)))


@pytest.mark.parametrize("sigma", [0.3, 1.5, 40.0])
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (7, 7), (23, 23), (9, 3), (1, 17), (99, 5)])
@pytest.mark.parametrize("shape", [(2, 3, 61, 70), (1, 1, 12, 200), (1, 4, 224, 224)])
def test_other_kernel_sizes_match_torchvision(shape, size, sigma):
    images = images_of(*shape)
    if size[0] // 2 >= shape[3] or size[1] // 2 >= shape[2]:
        with pytest.raises(RuntimeError, match="Padding size should be less"):
            tv.gaussian_blur(images, list(size), [sigma, sigma])
        with pytest.raises(ValueError, match=r"GaussianBlur\(.*\) needs images of more than"):
            ga.GaussianBlur(size, sigma)(images)
        return
    apart = (ga.GaussianBlur(size, sigma)(images).int() - tv.gaussian_blur(images, list(size), sigma)).abs()
    # Where torchvision's floats fall on the other side of a half.
    assert apart.max() <= 1
    assert (apart > 0).double().mean() < 1e-3


@pytest.mark.filterwarnings("ignore:floating images take")
def test_blur_of_floats_matches_torchvision():
    images = images_of(2, 3, 40, 50) / 255
    torch.testing.assert_close(
        ga.GaussianBlur((11, 7), 1.7)(images),
        tv.gaussian_blur(images, [11, 7], [1.7, 1.7]),
        rtol=0,
        atol=1e-6,
    )


def test_each_draw_is_blurred_by_its_sigma():
    images, draws = images_of(20, 3, 24, 24), draws_of(40)
    blur = ga.GaussianBlur(9, (0.2, 5.0))
    (group,) = blur.recipes(draws, tuple(images.shape))[0].groups
    assert group.parameters["across"].sum(1).unique().tolist() == [UNIT]
    (number,) = random.uniform(draws[:, 2], [0], [1])
    sigmas = (0.2 + number[:, 0] * (5.0 - 0.2)).tolist()
    assert min(sigmas) < 1 < 4 < max(sigmas)
    out = blur(images, draws)
    for n, sigma in enumerate(sigmas):
        assert torch.equal(out[n : n + 1], ga.GaussianBlur(9, sigma)(images[n : n + 1]))


def test_blur_does_not_depend_on_the_number_of_threads():
    images, draws = images_of(6, 3, 65, 97), draws_of(12)
    blur, before = ga.GaussianBlur((13, 31), (0.1, 9.0)), torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(blur(images, draws))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_blurred_bytes_round_halves_to_even():
    row = torch.tensor([[[[0, 1, 0, 1, 0, 3, 0]]]], dtype=torch.uint8)
    quarters = torch.tensor([[0.25, 0.5, 0.25]]) * UNIT  # of no sigma, but every sum is a multiple of 1/4
    out = blurred_levels(row, quarters, torch.tensor([[1.0]]) * UNIT)
    # 0.5, 0.5, 0.5, 0.5, 1, 1.5, 1.5: the border is reflected
    assert out.flatten().tolist() == [0, 0, 0, 0, 1, 2, 2]


def test_kernel_size_5_runs_in_the_kernel():
    five = ga.GaussianBlur((5, 5), (0.5, 2.0))
    assert (five.stage, five.backend, five.step.runs_in) == (Stage.BLUR, "kernel", "blur")
    images, draws = images_of(3, 3, 20, 20), draws_of(6)
    assert torch.equal(five(images, draws), ga.GaussianBlur(5, (0.5, 2.0))(images, draws))
    assert not five.recipes(draws, tuple(images.shape))[0].groups
    entry = next(entry for entry in catalogue() if entry.name == "GaussianBlur")
    assert (entry.stage, entry.backend) == ("blur", "kernel")


def test_other_kernel_sizes_run_batched():
    chain = ga.Compose([ga.RandomHorizontalFlip(), ga.GaussianBlur((7, 9), 2.0), ga.SaltAndPepper()])
    assert isinstance(chain.transforms[1], ga.GaussianBlur)
    lines = [" ".join(line.split()) for line in str(chain).splitlines()]
    assert lines[2:] == [
        "GaussianBlur(kernel_size=(7, 9), sigma=(2.0, 2.0)) pass 1, batched (torch)",
        "SaltAndPepper(amount=0.25, salt_vs_pepper=0.6) pass 2, impulse",
        "2 passes: 2 kernel launches a batch, and 1 batched transform",
    ]
    images, draws = images_of(4, 3, 20, 20), draws_of(8)
    again = pickle.loads(pickle.dumps(chain))
    assert torch.equal(again(images, draws), chain(images, draws))
    assert again.transforms[1].stage == Stage.BATCHED


def test_blur_in_one_of_and_per_class():
    images, draws = images_of(6, 3, 20, 20), draws_of(12)
    labels = torch.arange(12) % 2
    seven, three = ga.GaussianBlur(7, 2.0), ga.GaussianBlur(3, 2.0)
    either = ga.OneOf([seven, three], by="copy")(images, draws)
    expected = {0: images, 1: seven(images), 2: three(images)}
    for n in range(12):
        assert torch.equal(either[n], expected[n % 3][n])
    by_class = ga.PerClass([seven], strength=[0.5, 1.0])
    graded = by_class(images, draws, labels=labels)
    assert torch.equal(graded[1::2], seven(images)[1::2])
    assert torch.equal(graded[::2], ga.GaussianBlur(7, 1.0)(images)[::2])


def test_blur_includes_alpha():
    images = images_of(2, 4, 20, 20)
    out = ga.GaussianBlur(7, 2.0)(images)
    assert torch.equal(out[:, 3:], ga.GaussianBlur(7, 2.0)(images[:, 3:]))


def test_blur_treats_each_channel_and_frame_as_if_alone():
    images, draws, blur = images_of(2, 7, 20, 20), draws_of(4), ga.GaussianBlur((7, 3), (0.5, 3.0))
    out = blur(images, draws)
    assert torch.equal(out, torch.cat([blur(images[:, c : c + 1], draws) for c in range(7)], dim=1))
    clips = images[:, None, :3].expand(-1, 2, -1, -1, -1)
    assert torch.equal(blur(clips, draws), blur(images[:, :3], draws)[:, None].expand_as(clips))


@pytest.mark.filterwarnings("ignore:floating images take")
def test_blur_spreads_nan_as_far_as_its_kernel():
    images = torch.full((2, 1, 40, 40), 0.5)
    images[0, 0, 20, 20] = torch.nan
    out = ga.GaussianBlur((7, 3), 2.0)(images)
    where = out[0, 0].isnan().nonzero()
    assert (where.amin(0).tolist(), where.amax(0).tolist(), len(where)) == ([19, 17], [21, 23], 21)
    assert not out[1].isnan().any()
