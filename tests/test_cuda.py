"""On a GPU: the same bytes as the CPU, one launch a batch, no wait, any stream, graphs."""

import pytest
import torch
from cases import calls
from cuda_cases import BFLOAT, CHAINS, FLOAT, LAST
from cuda_cases import chain as chain_call
from hypothesis import given, settings
from torch.autograd import DeviceType
from waiting import no_waiting

import gpuaug as ga
from gpuaug.travel.to_device import travel

pytestmark = pytest.mark.cuda


def batch(n=32, size=48):
    images = torch.randint(256, (n, 3, size, size), dtype=torch.uint8)
    index = torch.arange(n)
    return images, torch.stack((index, index % 4, torch.randint(-(2**63), 2**63 - 1, (n,))), dim=1)


def chain(**settings):
    steps = [ga.RandomResizedCrop(32), ga.RandomHorizontalFlip(), ga.GaussianBlur(), ga.SaltAndPepper()]
    return ga.Compose([*steps, ga.Normalize(0.5, 0.25, **settings)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_cuda_gives_the_bytes_of_the_cpu(dtype, layout):
    images, draws = batch()
    images = images.contiguous(memory_format=layout)
    augment = chain(dtype=dtype)
    assert torch.equal(augment(images.cuda(), draws).cpu(), augment(images, draws))


def on_both(call: tuple) -> tuple[torch.Tensor, torch.Tensor]:
    moved = [value.cuda() if isinstance(value, torch.Tensor) else value for value in call]
    return torch.ops.gpuaug.augment(*moved).cpu(), torch.ops.gpuaug.augment(*call)


@given(call=calls(most_pixels=150))
@settings(max_examples=200, deadline=None)
def test_random_chains_equal_to_the_cpu(call):
    got, expected = on_both(call)
    assert torch.equal(got, expected)


WHOLE = ("crop", "flip", "gaussian", "article", "color", "noise", "boxes", "grid")


@pytest.mark.parametrize(
    "call",
    [
        *CHAINS,
        chain_call(*WHOLE, sources=[(32, 32)] * 64, size=(32, 32), channels=3, table=FLOAT),
        chain_call(*WHOLE, sources=[(160, 170)] * 70, size=(224, 224), channels=3, table=FLOAT),
        chain_call("crop", "flip", sources=[(140, 140)] * 70, size=(224, 224), channels=3, table=BFLOAT),
        chain_call("noise", sources=[(99, 140)] * 9, size=(225, 231), channels=3, table=BFLOAT, layouts=LAST),
        chain_call("article", sources=[(700, 99), (99, 700)] * 5, size=(96, 96), channels=3, table=FLOAT),
        chain_call("turn", sources=[(300, 200)] * 9, size=(224, 224), channels=4, layouts=(True, True)),
    ],
    ids=lambda call: "x".join(map(str, (len(call[1]), *call[3:6]))),
)
def test_every_path_is_equal_to_the_cpu(call):
    got, expected = on_both(call)
    assert torch.equal(got, expected)


def test_gathered_from_a_resident_data_set():
    images, draws = batch(64)
    index = torch.randint(64, (64,))
    assert torch.equal(chain()(images.cuda(), draws, index=index).cpu(), chain()(images[index], draws))


def test_one_launch_a_batch():
    images, draws = batch()
    augment, images = chain(), images.cuda()
    passes = tuple(travel(p, images.device) for p in augment.recipes(draws, tuple(images.shape)))
    augment.apply_recipes(images, passes)  # makes the table
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        augment.apply_recipes(images, passes)
        torch.cuda.synchronize()
    done = [event.name for event in profile.events() if event.device_type == DeviceType.CUDA]
    assert len(done) == 1, done  # no copy either
    assert "augment_kernel" in done[0]


def measured_chain():
    """Curves of some draws go by the image, which one launch more counts."""
    steps = [ga.RandomResizedCrop(32), ga.GaussianBlur(), ga.RandomApply([ga.Equalize()]), ga.SaltAndPepper()]
    return ga.Compose([*steps, ga.Normalize(0.5, 0.25)])


def test_measured_draws_take_one_launch_more():
    images, draws = batch()
    augment, images = measured_chain(), images.cuda()
    passes = tuple(travel(p, images.device) for p in augment.recipes(draws, tuple(images.shape)))
    augment.apply_recipes(images, passes)
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        augment.apply_recipes(images, passes)
        torch.cuda.synchronize()
    done = [event.name for event in profile.events() if event.device_type == DeviceType.CUDA]
    assert [("Memset" in name, "augment_kernel" in name) for name in done] == [
        (True, False),
        (False, True),
        (False, True),
    ], done


@pytest.mark.parametrize("chain", [chain, measured_chain])
def test_nothing_waits_for_the_device(chain):
    images, draws = batch()
    augment, images = chain(), images.cuda()
    annotations = {"masks": images[:, 0], "boxes": torch.rand(32, 3, 4, device="cuda") * 48}
    ways = ({}, {"index": draws[:, 0].flip(0)}, {"index": draws[:, 0], **annotations}, annotations)
    for extras in ways:
        augment(images, draws, **extras)
        with no_waiting(images.device):
            augment(images, draws, **extras)


def test_batches_run_on_another_stream():
    images, draws = batch()
    augment, device_images = chain(), images.cuda()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        out = augment(device_images, draws)
    stream.synchronize()
    assert torch.equal(out.cpu(), augment(images, draws))


def chain_of_two_passes():
    """The second of which changes some of the draws."""
    return ga.Compose([ga.RandomAffine(20), ga.RandomApply([ga.RandomAffine(20)])])


@pytest.mark.parametrize("chain", [chain, measured_chain, chain_of_two_passes])
def test_a_captured_graph_follows_new_recipes(chain):
    images, _ = batch()
    augment, device_images = chain(), images.cuda()
    all_draws = [batch()[1] for _ in range(3)]
    recipes = [augment.recipes(draws, tuple(images.shape)) for draws in all_draws]
    static = tuple(travel(passed, device_images.device) for passed in recipes[0])
    augment.apply_recipes(device_images, static)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = augment.apply_recipes(device_images, static)
    for draws, new in zip(all_draws, recipes, strict=True):
        for passed, other in zip(static, new, strict=True):
            passed.records.copy_(other.records)
        graph.replay()
        assert torch.equal(out.cpu(), augment(images, draws))


def test_a_wild_record_reads_nothing():
    images = torch.full((2, 3, 8, 8), 9, dtype=torch.uint8, device="cuda")
    recipes = ga.SaltAndPepper(0.0).recipes(torch.zeros(2, 3, dtype=torch.int64), (2, 3, 8, 8))[0]
    recipes.field("offset")[1] = 2**60
    out = ga.functional.augment(images, recipes.to("cuda"))
    assert out[0].unique().tolist() == [9]
    assert out[1].unique().tolist() == [0]


def test_two_devices_are_both_named():
    images, draws = batch()
    recipes = chain().recipes(draws, tuple(images.shape))[0]
    with pytest.raises(RuntimeError, match="images and recipes must be on one device, got cuda:0 and cpu"):
        ga.functional.augment(images.cuda(), recipes)
