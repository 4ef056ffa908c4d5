"""torch.compile of whole chains that were never called: one graph, or a second one for other batch sizes."""

import copy

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend

import gpuaug as ga

pytestmark = pytest.mark.slow

SIZES = (2, 3, 5, 8, 4, 6, 7, 9, 11, 10)


def images_of(n, dtype):
    images = torch.randint(256, (n, 3, 20, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(n))
    return images if dtype == torch.uint8 else images.to(dtype) / 255


def draws_of(n):
    keys = torch.randint(-(2**62), 2**62, (n,), generator=torch.Generator().manual_seed(n))
    return torch.stack((torch.arange(n), torch.arange(n) % 3, keys), dim=1)


def kernel_chain():
    return ga.Compose(
        [
            ga.RandomApply([ga.RandomRotation(20)], p=0.7),
            ga.RandomResizedCrop(16),
            ga.RandomHorizontalFlip(),
            ga.OneOf([ga.GaussianBlur(), ga.Sepia(0.9)]),
            *(ga.ColorJitter(0.3, 0.2, 0.2, 0.1), ga.Solarize(), ga.RandomApply([ga.Equalize()])),
            *(ga.GaussNoise(), ga.SaltAndPepper(0.1), ga.CutOut(4)),
            ga.Normalize([0.4, 0.5, 0.6], 0.25),
        ],
        "copies",
        seed=4,
    )


def float_chain():
    jitter = ga.ColorJitter(0.3, 0.3, contrast_about="mean")
    chain = [ga.RandomHorizontalFlip(), jitter, ga.AutoContrast(), ga.RandomApply([ga.Equalize()])]
    return ga.Compose([*chain, ga.Normalize(0.5, 0.5)], seed=4)


def batched_chain():
    return ga.Compose([ga.ISONoise(), ga.Downscale(), ga.GaussianBlur(7), ga.FancyPCA()], seed=4)


def sequential():
    return nn.Sequential(ga.RandomHorizontalFlip(seed=1), *(ga.GaussNoise(0.1, seed=1) for _ in range(2)))


def by_class():
    return ga.PerClass([ga.RandomRotation(20), ga.ColorJitter(0.4)], strength=0.5, seed=4)


def policies():
    chain = [ga.RandAugment(), ga.RandomApply([ga.AugMix(mixture_width=2)])]
    return ga.Compose([*chain, ga.Normalize()], seed=4)


def compiled(module, backend="eager"):
    torch._dynamo.reset()
    counter = CompileCounterWithBackend(backend)
    return torch.compile(module, fullgraph=True, backend=counter), counter


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "dtype", "keyed"),
    [
        (kernel_chain, torch.uint8, True),
        (kernel_chain, torch.uint8, False),
        (float_chain, torch.float32, True),
        (batched_chain, torch.uint8, True),
        (by_class, torch.uint8, True),
        (policies, torch.uint8, True),
        pytest.param(float_chain, torch.float32, False, marks=pytest.mark.thorough),
        pytest.param(batched_chain, torch.uint8, False, marks=pytest.mark.thorough),
        pytest.param(by_class, torch.uint8, False, marks=pytest.mark.thorough),
        pytest.param(policies, torch.uint8, False, marks=pytest.mark.thorough),
    ],
)
@pytest.mark.filterwarnings("ignore")  # torch's own, about its own tracing
def test_a_chain_compiles_to_two_graphs_at_most(make, dtype, keyed):
    graph, counter = compiled(make())
    eager = make()
    for n in SIZES:
        images, draws = images_of(n, dtype), (draws_of(n),) if keyed else ()
        assert torch.equal(graph(images, *draws), eager(images, *draws))
    assert counter.frame_count <= 2


@pytest.mark.filterwarnings("ignore")
def test_compiled_calls_without_draws_match_uncompiled_ones():
    module = sequential()
    graph, counter = compiled(module, "aot_eager")
    eager, images, found = copy.deepcopy(module), images_of(4, torch.uint8), set()
    for k in range(10):
        out = graph(images)
        assert torch.equal(out, eager(images))
        assert module[0].seen == 4 * (k + 1)
        found.add(out.numpy().tobytes())
    assert len(found) == 10
    assert counter.frame_count == 1
    assert torch.equal(module(images), eager(images))  # and goes on when it is called without the graph


@pytest.mark.filterwarnings("ignore")
def test_two_views_and_a_mix_compile_to_one_graph():
    augment = ga.Compose([ga.RandomResizedCrop(16), ga.GaussNoise(), ga.Normalize()], seed=4)
    mix = ga.CutMix(seed=5)

    def step(images, labels):
        one, other = augment(images), augment(images)
        return one, other, *mix(one, labels)[1]

    graph, counter = compiled(step, "aot_eager")
    images, labels, lams = images_of(4, torch.uint8), torch.arange(4), set()
    for _ in range(4):
        one, other, _, _, lam = graph(images, labels)
        assert not torch.equal(one, other)
        lams.add(tuple(lam.tolist()))
    assert len(lams) == 4
    assert counter.frame_count == 1
    assert (augment.seen, mix.seen) == (32, 16)


@pytest.mark.filterwarnings("ignore")
def test_per_class_compiles_to_two_graphs_at_most():
    def make():
        chain = ga.Compose([ga.PerClass([ga.RandomRotation(20)], [0.2, 0.9, 0.5]), ga.Normalize()], seed=4)
        return chain, ga.CMO([20, 5, 1], seed=5)

    def step(chain, mix, images, labels):
        out = chain(images, labels=labels)
        return mix(out, labels)[0]

    chain, mix = make()
    graph, counter = compiled(lambda *batch: step(chain, mix, *batch))
    for n in SIZES:
        images, labels = images_of(n, torch.uint8), torch.arange(n) % 3
        if n == SIZES[0]:
            eager = make()
        assert torch.equal(graph(images, labels), step(*eager, images, labels))
    assert counter.frame_count <= 2


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", ["eager", "inductor"])
@pytest.mark.parametrize("wrong", [-1, 2])
def test_a_compiled_per_class_refuses_an_unknown_class(backend, wrong):
    chain = ga.PerClass([ga.RandomRotation(20)], [0.2, 0.9])
    graph, _ = compiled(chain, backend)
    images = images_of(4, torch.uint8)
    graph(images, labels=torch.tensor([0, 1, 0, 1]))
    with pytest.raises((IndexError, RuntimeError), match=r"out of (range|bounds)"):
        graph(images, labels=torch.tensor([0, 1, wrong, 1]))
