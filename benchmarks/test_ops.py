"""Times single operators on the CPU, and the overhead of a call: ``pytest benchmarks/test_ops.py``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import gpuaug.functional as F

N = 64
BOXES = torch.tensor([[3.0, 5.0, 23.0, 25.0]]).expand(N, 4)
OPERATORS: dict[str, Callable[[Tensor], Tensor]] = {
    "crop_resize": lambda images: F.crop_resize(images, BOXES * images.shape[2] / 32, images.shape[2]),
    "flip": lambda images: F.flip(images, torch.arange(N) % 2 == 0),
    "gaussian_blur": lambda images: F.gaussian_blur(images, torch.linspace(0.5, 2, N)),
    "article_blur": lambda images: F.gaussian_blur(images, None),
    "salt_and_pepper": lambda images: F.salt_and_pepper(images, 0.15, 0.1, torch.arange(N)),
    "normalize": lambda images: F.normalize(images, (0.5, 0.45, 0.4), (0.25, 0.2, 0.3)),
}


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")


@pytest.fixture
def case():
    """The full chain by which libraries are compared, on one image."""
    from case import Case

    return Case("full", side=32, batch=1, threads=1)


def draws_of(n: int) -> Tensor:
    return torch.stack((torch.arange(n), torch.ones(n, dtype=torch.int64), torch.arange(n) * 7919), dim=1)


@pytest.fixture(params=[32, 224], ids=lambda side: f"{side}px")
def images(request: pytest.FixtureRequest) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (N, 3, request.param, request.param), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator(benchmark, images, operator):
    out = benchmark(OPERATORS[operator], images)
    assert out.shape == images.shape
    assert not torch.equal(out.double(), images.double())


@pytest.mark.benchmark(group="one call of the chain at batch 1, 32 px")
@pytest.mark.parametrize("peer", ["gpuaug", "torchvision"])
def test_one_call(benchmark, case, peer):
    from peers import gpuaug_chain, torchvision_sample

    images, draws = case.images(), draws_of(1)
    augment, (prepare, transform) = gpuaug_chain(case), torchvision_sample(case)
    image = prepare(images[0].numpy())
    calls = {"gpuaug": lambda: augment(images, draws)[0], "torchvision": lambda: transform(image)}
    out = benchmark(calls[peer])
    assert out.shape == (3, 32, 32)
    assert out.dtype == torch.float32


@pytest.mark.benchmark(group="the recipes of the chain")
@pytest.mark.parametrize("n", [1, 64, 512, 4096])
def test_recipes(benchmark, case, n):
    from peers import gpuaug_chain

    draws = draws_of(n)
    (recipes,) = benchmark(gpuaug_chain(case).recipes, draws, (n, 3, 32, 32))
    assert recipes.records.shape[0] == n


@pytest.fixture
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_one_thread")
@pytest.mark.benchmark(group="the segments of 32 images of 224 px on one thread", min_rounds=3)
@pytest.mark.parametrize("library", ["gpuaug", "scikit-image"])
def test_segments(benchmark, library):
    """Ten rounds of SLIC with about a hundred segments, which need not be connected."""
    segmentation = pytest.importorskip("skimage.segmentation", reason="needs scikit-image")
    from image_files import pink_noise

    from gpuaug.transforms.batched.slic import slic

    images = [pink_noise((224, 224), number) for number in range(32)]
    levels = torch.stack([torch.from_numpy(image).permute(2, 0, 1) for image in images]).float()
    settings = {"n_segments": 100, "max_num_iter": 10, "enforce_connectivity": False, "start_label": 0}
    segment = {
        "gpuaug": lambda: slic(levels, (10, 10), 10.0),
        "scikit-image": lambda: [segmentation.slic(image, **settings) for image in images],
    }
    out = benchmark(segment[library])
    assert len(out) == 32
    assert all(90 <= len(np.unique(segments)) <= 110 for segments in out)
