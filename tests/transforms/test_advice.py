"""Warnings: one each, in a process, that names the value and the cure; none where nothing is wrong."""

import re
import subprocess
import sys
import warnings

import pytest
import torch
from every_transform import images_of
from torch._subclasses.fake_tensor import FakeTensorMode
from waiting import no_waiting

import gpuaug as ga
from gpuaug.transforms import advice

UNIT = images_of(5) / 255.0
BYTES = images_of(5)


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch):
    monkeypatch.setattr(advice, "_said", set())


def said(call):
    """The warnings of a call that comes three times."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            call()
    assert all(w.filename == __file__ for w in caught)  # at the user's line
    return [str(w.message) for w in caught if "differentiable path" not in str(w.message)]


CASES = {
    "levels": (BYTES.float(), r"reach from 0 to 255: levels from 0 to 255\? Give them as uint8"),
    "Hounsfield units": (
        UNIT * 4000 - 1000,
        r"reach from -1000 to 3000: values of another scale, such as Houns",
    ),
    "16 bits": (UNIT * 65535, r"from 0 to 6\.554e\+04: values of another scale"),
    "normalised": ((UNIT - 0.45) / 0.25, r"reach from -1\.8 to 2\.2: normalised already\?"),
    "too bright": (UNIT * 1.5, r"reach from 0 to 1\.5: they will be clamped"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "transform", [ga.ColorJitter(0.1), ga.Equalize(), ga.SaltAndPepper(), ga.Normalize(0.5, 0.5)]
)
def test_values_out_of_range_are_warned_of(case, transform):
    images, message = CASES[case]
    images[:, :, 0, 0], images[:, :, 0, 8] = images.min(), images.max()  # seen by the sample
    (warning,) = said(lambda: transform(images))
    assert "expected in [0, 1]" in warning
    assert re.search(message, warning), warning


def test_each_kind_of_warning_comes_once():
    def call():
        for images, _ in CASES.values():
            ga.Compose([ga.ColorJitter(0.1), ga.Normalize(0.5, 0.5)])(images)

    messages = said(call)
    kinds = {message.split(": ")[1][:20] for message in messages}
    assert len(kinds) == len(messages) == len(CASES) - 1  # 16 bits and Hounsfield units are one


def test_right_images_give_no_warning():
    wide = torch.randn(4, 3, 20, 20) * 500
    overshot = UNIT * 1.1 - 0.05
    chain = ga.Compose([ga.RandomResizedCrop(8), ga.ColorJitter(0.1), ga.Equalize(), ga.Normalize(0.5, 0.5)])

    def call():
        chain(UNIT)
        chain(overshot)
        chain(BYTES)
        chain(UNIT.half())
        chain(UNIT[:0])
        chain(torch.full_like(UNIT, torch.nan))
        ga.Compose([ga.RandomResizedCrop(8), ga.GaussianBlur(), ga.ElasticTransform()])(wide)
        ga.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

    assert said(call) == []


def test_statistics_of_levels_are_warned_of():
    (warning,) = said(lambda: ga.Normalize((123.7, 116.3, 103.5), (58.4, 57.1, 57.4)))
    assert "mean [123.7, 116.3, 103.5] does not suit images in [0, 1]" in warning
    assert "divide mean and std by 255" in warning


def test_slow_floats_are_warned_of():
    def warned(call):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        return [str(w.message) for w in caught]

    assert warned(lambda: ga.RandomHorizontalFlip()(UNIT.clone().requires_grad_())) == []
    (warning,) = warned(lambda: ga.RandomHorizontalFlip()(UNIT))
    assert "on a CPU takes 30 to 70 times as long as the kernel: give uint8" in warning
    assert warned(lambda: ga.RandomVerticalFlip()(UNIT)) == []


def test_the_loader_warns_too():
    class Samples:
        def __len__(self):
            return 8

        def __getitem__(self, index):
            return BYTES[index % 5].float(), index % 2

    loader = ga.BalancedLoader(Samples(), ga.BalancedSampler([0, 1] * 4), ga.ColorJitter(0.1), batch_size=4)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(loader)
    assert sum("levels from 0 to 255?" in str(w.message) for w in caught) == 1


@pytest.mark.cuda
def test_warnings_do_not_wait_for_a_gpu():
    images = BYTES.float().cuda()
    with no_waiting(images.device), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        advice.on_images(images, ga.ColorJitter(0.1).step.leaves)
    assert [str(w.message).split(",")[0] for w in caught] == ["floating images take the differentiable path"]


def test_warnings_read_nothing_while_a_graph_is_traced():
    transform = ga.Compose([ga.RandomHorizontalFlip(), ga.ColorJitter(0.1)])
    draws = torch.tensor([[0, 1, 5]] * 5)
    wild = BYTES.float()
    passes = transform.recipes(draws, tuple(wild.shape))
    expected = transform.apply_recipes(wild, passes)
    advice._said.clear()

    def advised(images):
        advice.on_images(images, transform.step.leaves)
        return 2 * images

    assert torch.equal(torch.fx.experimental.proxy_tensor.make_fx(advised)(wild)(wild), 2 * wild)
    with FakeTensorMode() as mode:
        advised(mode.from_tensor(wild))
    advised(mode.from_tensor(wild))
    compiled = torch.compile(lambda v: transform.apply_recipes(v, passes), fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(wild), expected)
    assert advice._said == set()


def test_one_warning_in_a_new_process_whatever_the_filter():
    program = (
        "import torch, gpuaug\nfor _ in range(3): gpuaug.ColorJitter(.1)(torch.full((1, 3, 9, 9), 99.0))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "always", "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert run.stderr.count("levels from 0 to 255?") == 1
    assert run.stderr.count("differentiable path") == 1
