"""Traces leave nothing behind: before the first use, and after."""

import pytest
import torch
from every_transform import required
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

import gpuaug as ga
from gpuaug.transforms import catalogue, ranges

pytestmark = pytest.mark.slow

IMAGES = torch.randint(256, (4, 3, 20, 20), dtype=torch.uint8)
LABELS = torch.arange(4) % 2
DRAWS = torch.stack((torch.arange(4), torch.ones(4).long(), torch.arange(4) * 0x1E3779B97F4A7C15), dim=1)
POLICIES = ("RandAugment", "TrivialAugmentWide", "AutoAugment", "TimmRandAugment", "AugMix")
HOST_TENSORS = ("Normalize", "FancyPCA", *POLICIES)  # a FakeTensorMode refuses real tensors, a module's own
BY_SIZE = ("Blur", "MedianBlur", "MotionBlur")  # the sizes that were drawn say how many groups there are
STILL = ("ColorJitter", "CLAHE")  # change nothing by default, or hardly anything in so few pixels
every_entry = pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
with_and_without_draws = pytest.mark.parametrize("draws", [(DRAWS,), ()], ids=["draws", "none"])


def build(entry):
    return entry.kind(**required(entry), seed=3)


@pytest.fixture(autouse=True)
def _nothing_kept():
    ranges._kept_bounds.cache_clear()


def works(transform, expected):
    """It is as if nobody had traced, for this object, a new one and another call."""
    assert torch.equal(transform(IMAGES, DRAWS), expected)
    assert type(transform(IMAGES)) is torch.Tensor
    assert transform.seen == 4


def expected_of(entry):
    expected = build(entry)(IMAGES, DRAWS)
    ranges._kept_bounds.cache_clear()
    return expected


@every_entry
@with_and_without_draws
def test_chains_work_under_fake_tensors(entry, draws):
    expected, transform = expected_of(entry), build(entry)
    with FakeTensorMode() as mode:
        fakes = [mode.from_tensor(tensor) for tensor in (IMAGES, *draws)]
        if entry.name in HOST_TENSORS + BY_SIZE:
            with pytest.raises(Exception, match=r"allow_non_fake_inputs|_unique2"):
                transform(*fakes)
        else:
            assert transform(*fakes).shape == expected.shape
    assert transform.seen == 0
    works(transform, expected)
    works(build(entry), expected)
    with FakeTensorMode() as mode:  # and after what was kept by then
        if entry.name not in HOST_TENSORS + BY_SIZE:
            assert transform(mode.from_tensor(IMAGES), mode.from_tensor(DRAWS)).shape == expected.shape


@every_entry
@with_and_without_draws
def test_chains_are_traced_by_make_fx(entry, draws):
    expected, transform = expected_of(entry), build(entry)
    if entry.name in BY_SIZE:
        with pytest.raises(RuntimeError, match="get value out of a tracing tensor"):
            make_fx(transform)(IMAGES, *draws)
    else:
        graph = make_fx(transform)(IMAGES, *draws)
        if draws:
            assert torch.equal(graph(IMAGES, DRAWS), expected)
        elif transform.step.random_counts[0] and entry.name not in STILL:  # a graph does not repeat one call
            assert len({graph(IMAGES).numpy().tobytes() for _ in range(9)}) > 1
    assert transform.seen == 0
    works(transform, expected)
    works(build(entry), expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ga.ColorJitter(0.3, seed=3),
        lambda: ga.GaussNoise(seed=3),
        lambda: ga.Normalize([0.1, 0.2, 0.3], 0.5, seed=3),
        lambda: ga.Compose(
            [ga.RGBShift(), ga.OneOf([ga.GaussianBlur(), ga.Sepia()]), ga.Normalize()], seed=3
        ),
    ],
)
@with_and_without_draws
@pytest.mark.filterwarnings("ignore")  # torch's own, about its own tracing
def test_chains_are_exported(make, draws):
    expected, first, transform = make()(IMAGES, DRAWS), make()(IMAGES), make()
    ranges._kept_bounds.cache_clear()
    program = torch.export.export(transform, (IMAGES, *draws), strict=False).module()
    assert transform.seen == 0
    if draws:
        assert torch.equal(program(IMAGES, DRAWS), expected)
    else:
        assert torch.equal(program(IMAGES), first)
        assert not transform.step.random_counts[0] or not torch.equal(program(IMAGES), first)
    assert torch.equal(transform(IMAGES, DRAWS), expected)
    assert torch.equal(make()(IMAGES, DRAWS), expected)


@every_entry
def test_tensors_made_in_inference_mode_serve_training(entry):
    """What was kept then takes part in training later."""
    expected, transform = expected_of(entry), build(entry)
    with torch.inference_mode():
        transform(IMAGES)
        transform(IMAGES / 255)
        inner = build(entry)
    floats = (IMAGES / 255).requires_grad_()
    for one in (transform, inner):
        one(floats).sum().backward()
        assert torch.equal(one(IMAGES, DRAWS), expected)


@pytest.mark.parametrize(
    "mix",
    [
        ga.MixUp,
        ga.CutMix,
        lambda seed: ga.CMO([5, 3], p=1.0, seed=seed),
        lambda seed: ga.Remix([5, 3], seed=seed),
        lambda seed: ga.BalancedMixUp([5, 3], seed=seed),
    ],
)
def test_mixes_are_traced(mix):
    expected, mixing = mix(seed=3)(IMAGES, LABELS)[0], mix(seed=3)
    graph = make_fx(lambda images, labels: mixing(images, labels)[0])(IMAGES, LABELS)
    assert len({graph(IMAGES, LABELS).numpy().tobytes() for _ in range(5)}) > 1
    assert torch.equal(mixing(IMAGES, LABELS)[0], expected)


def test_built_among_fake_tensors():
    with FakeTensorMode():
        flip = ga.RandomHorizontalFlip()
    assert flip.seed != ga.RandomHorizontalFlip().seed
    assert torch.compile(flip, backend="eager", fullgraph=True)(IMAGES).shape == IMAGES.shape
