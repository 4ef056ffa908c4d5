"""The op ``gpuaug::clahe``: backends agree to the byte, other images keep theirs; OpenCV is beside it."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug.ops.clahe import clahe


@st.composite
def calls(draw, most_pixels=70):
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    shape = [draw(st.integers(*ends)) for ends in ((0, 5), (1, 6), (2, most_pixels), (2, most_pixels))]
    levels = draw(st.sampled_from((2, 40, 256)))
    images = torch.randint(256 - levels, 256, shape, generator=random, dtype=torch.uint8)
    if draw(st.booleans()):
        images = images.contiguous(memory_format=torch.channels_last)
    rows = None
    if draw(st.booleans()):
        rows = (torch.rand(shape[0], generator=random) < 0.6).nonzero().flatten()
    count = shape[0] if rows is None else len(rows)
    limits = torch.rand(count, generator=random) * draw(st.sampled_from((1, 5, 256)))
    grid = [draw(st.integers(1, min(12, side - 1))) for side in shape[2:]]
    return images, rows, limits, *grid


def applied(op, images, *rest):
    out = images.clone()
    assert op(out, *rest) is None
    assert out.stride() == images.stride()
    return out


@pytest.mark.native
@given(call=calls())
@settings(max_examples=200, deadline=None)
def test_cpu_equals_reference(call):
    assert torch.equal(applied(torch.ops.gpuaug.clahe, *call), applied(clahe, *call))


@pytest.mark.cuda
@given(call=calls())
@settings(max_examples=200, deadline=None)
def test_cuda_equals_reference(call):
    on_device = [a.cuda() if isinstance(a, torch.Tensor) else a for a in call]
    assert torch.equal(applied(torch.ops.gpuaug.clahe, *on_device).cpu(), applied(clahe, *call))


@pytest.mark.native
@given(call=calls(most_pixels=12))
@settings(max_examples=20, deadline=None)
def test_clahe_passes_opcheck(call):
    torch.library.opcheck(torch.ops.gpuaug.clahe.default, call)


def scene(height, width):
    random = np.random.default_rng(height + width)
    y, x = np.mgrid[:height, :width]
    return (90 + 60 * np.sin(x / 30) * np.cos(y / 20) + random.normal(0, 12, (height, width))).clip(0, 255)


@pytest.mark.parametrize("limit", [0.7, 2.0, 40.0])
@pytest.mark.parametrize(
    ("size", "grid", "most"),
    [
        ((256, 128), (8, 4), 0),  # sides of tiles are powers of two: all of OpenCV's floats are exact
        ((224, 224), (8, 8), 0.01),
        ((61, 83), (3, 8), 0.01),
        ((20, 2300), (2, 2), 0.01),  # tiles so long that weights have fewer steps than half pixels
    ],
)
def test_clahe_is_within_a_level_of_opencvs(size, grid, most, limit):
    image = torch.from_numpy(scene(*size).astype(np.uint8))
    out = applied(torch.ops.gpuaug.clahe, image[None, None], None, torch.tensor([limit]), *grid)[0, 0]
    expected = torch.from_numpy(cv2.createCLAHE(limit, grid[::-1]).apply(image.numpy()))
    far = (out.int() - expected.int()).abs()
    assert far.max() <= 1
    assert (far > 0).float().mean() <= most


def test_sums_of_a_large_tile_are_close():
    """Beyond 2**22 pixels they lose their last bits: the table of a ramp is still that of OpenCV."""
    ramp = torch.arange(2200 * 2200).view(1, 1, 2200, 2200).mul(256).div(2200**2).floor().byte()
    out = applied(torch.ops.gpuaug.clahe, ramp, None, torch.tensor([40.0]), 1, 1)
    expected = torch.from_numpy(cv2.createCLAHE(40.0, (1, 1)).apply(ramp[0, 0].numpy()))
    assert (out[0, 0].int() - expected.int()).abs().max() <= 1


@pytest.mark.native
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_any_number_of_threads(count, threads):
    """Few planes are cut into parts, many are not."""
    images = torch.randint(256, (count, 3, 40, 50), dtype=torch.uint8)
    rest = (None, torch.linspace(0.5, 9, count), 4, 3)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        out = applied(torch.ops.gpuaug.clahe, images, *rest)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(out, applied(clahe, images, *rest))


@pytest.mark.parametrize("channels", [1, 3, 4, 6])
def test_only_chosen_rows_and_no_alpha(channels, device):
    images = torch.randint(99, (5, channels, 16, 20), dtype=torch.uint8, device=device)
    rows = torch.tensor([1, 4], device=device)
    out = applied(torch.ops.gpuaug.clahe, images, rows, torch.full((2,), 3.0, device=device), 2, 2)
    changed = (out != images).flatten(2).any(2)
    expected = torch.zeros(5, channels, dtype=torch.bool, device=device)
    expected[rows] = torch.arange(channels, device=device) != (3 if channels == 4 else -1)
    assert torch.equal(changed, expected)


@pytest.mark.cuda
def test_a_captured_graph_takes_new_rows_and_limits():
    images = torch.randint(256, (6, 3, 32, 48), dtype=torch.uint8)
    there = images.cuda()
    rows, limits = torch.tensor([0, 2]).cuda(), torch.tensor([2.0, 3.0]).cuda()
    torch.ops.gpuaug.clahe(there.clone(), rows, limits, 4, 4)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        torch.ops.gpuaug.clahe(there, rows, limits, 4, 4)
    for new_rows, new_limits in (([0, 2], [2.0, 3.0]), ([3, 5], [9.0, 0.5])):
        there.copy_(images)
        rows.copy_(torch.tensor(new_rows))
        limits.copy_(torch.tensor(new_limits))
        graph.replay()
        expected = applied(clahe, images, torch.tensor(new_rows), torch.tensor(new_limits), 4, 4)
        assert torch.equal(there.cpu(), expected)
