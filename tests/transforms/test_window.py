"""``Window``: values of 16 bits, beside the formula in float64; what follows is as bytes have it."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from every_transform import draws_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.library import opcheck

import gpuaug as ga
from gpuaug.ops import to_levels
from gpuaug.recipe.layout import LEAST_END, MOST_END, VALUE_UNIT
from gpuaug.transforms.window import Span

WINDOWS = [
    *[(-160, 240), (-1024, 3071), (0, 65535), (-32768, 32767), (LEAST_END, MOST_END)],
    *[(7, 8), (40.5, 41), (100.0625, 100.125), (-3.5, 506.5), (0, 255), (0, 510), (65535, 65536)],
]
AS_THEY_ARE = (0, 255)  # the window of bytes that changes none


def levels(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """In float64: its quotient is rounded, but never to the other side of a half."""
    share = (values.astype(np.float64) - low) * 255 / (high - low)
    return np.floor(np.clip(share, 0, 255) + 0.5).astype(np.uint8)


def values_of(*shape: int, dtype: type = np.int16, seed: int = 0) -> np.ndarray:
    limits = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(limits.min, limits.max + 1, shape).astype(dtype)


def chain(low: Span, high: Span, *last: ga.transforms.Transform, **options: str) -> ga.Compose:
    steps = [ga.RandomResizedCrop((9, 13)), ga.RandomHorizontalFlip(), ga.GaussNoise(), ga.SaltAndPepper(0.2)]
    return ga.Compose([ga.Window(low, high), *steps, *last], **options)


# ---- Every value


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.uint8])
@pytest.mark.parametrize(("low", "high"), WINDOWS)
def test_window_maps_every_value_to_the_nearest_level(low, high, dtype):
    limits = np.iinfo(dtype)
    every = np.arange(limits.min, limits.max + 1).astype(dtype).reshape(1, 1, -1, 256)
    out = ga.Window(low, high)(torch.from_numpy(every))
    assert np.array_equal(out.numpy(), levels(every, low, high))


def test_windows_of_every_width():
    """The ends of all levels, where a product that is off by a bit would show: of spans to 22 bits."""
    spans = torch.cat((torch.arange(1, 1 << 13), 3 * (torch.arange(1, 1 << 12) << 8) + 1))
    step = torch.arange(1, 256)
    at = ((2 * step - 1) * spans[:, None] + 509) // 510  # the first value of each level, in whole units
    values = torch.stack((at - 1, at, at + 1), dim=2).flatten(1)
    fits = (values.amax(1) <= 65535) & (spans > 2)
    values, spans = values[fits], spans[fits]
    ends = torch.stack((torch.zeros_like(spans), spans), dim=1) * VALUE_UNIT
    recipes = ga.Window(0, 1).recipes(draws_of(len(spans)), (len(spans), 1, 1, values.shape[1]))[0]
    windows = torch.cat((recipes.reading.windows[:, :1], ends), dim=1)
    storage = values.to(torch.uint16).flatten()
    out = torch.ops.gpuaug.to_levels(storage, windows, recipes.records, 1, False, storage.numel())
    expected = ((510 * values + spans[:, None]) // (2 * spans[:, None])).clamp(max=255)
    assert torch.equal(out.view_as(values).long(), expected)


def test_center_and_width_match_dicom():
    """PS3.3 C.11.2.1.3.2, LINEAR_EXACT, word for word, of its example: center 2048, width 4096."""
    center, width = 2048, 4096
    values = np.arange(-100, 4300).astype(np.int16)
    expected = [
        0
        if x <= center - width / 2
        else 255
        if x > center + width / 2
        else ((x - center) / width + 0.5) * 255
        for x in values.tolist()
    ]
    out = ga.Window(center - width / 2, center + width / 2)(torch.from_numpy(values).view(1, 1, 1, -1))
    assert np.abs(out.flatten().numpy() - np.array(expected)).max() <= 0.5


@given(
    shape=st.tuples(st.integers(1, 3), st.sampled_from([1, 2, 3, 4, 5, 12]), *[st.integers(5, 40)] * 2),
    low=st.integers(LEAST_END * VALUE_UNIT, MOST_END * VALUE_UNIT - 1),
    span=st.integers(1, 1 << 21),
    dtype=st.sampled_from([np.uint16, np.int16, np.uint8]),
    channels_last=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_window_of_any_size_matches_the_reference(shape, low, span, dtype, channels_last):
    high = min(low + span, MOST_END * VALUE_UNIT)
    images = torch.from_numpy(values_of(*shape, dtype=dtype, seed=span))
    window = ga.Window(low / VALUE_UNIT, high / VALUE_UNIT)
    (recipes,) = window.recipes(draws_of(shape[0]), shape)
    call = (recipes.reading.windows, recipes.records, shape[1], False, recipes.reading.values)
    expected = to_levels.to_levels(images.flatten(), *call).view(shape)
    memory = torch.channels_last if channels_last else torch.contiguous_format
    out = window(images.contiguous(memory_format=memory))
    assert torch.equal(out, expected)
    assert out.is_contiguous(memory_format=memory)
    assert np.array_equal(out.numpy(), levels(images.numpy(), low / VALUE_UNIT, high / VALUE_UNIT))


@pytest.mark.parametrize("interleaved", [False, True])
def test_only_what_a_crop_reads_is_mapped(interleaved):
    """Of what lies outside, nothing shows: borders, filters and turns stay inside the crop."""
    steps = [ga.CenterCrop((8, 10)), ga.RandomRotation((20, 70)), ga.Resize((5, 17))]
    images = values_of(3, 3, 30, 33)
    outside = images.copy()
    outside[:, :, :11], outside[:, :, 19:], outside[..., :11], outside[..., 22:] = 999, -999, 123, -123
    memory = torch.channels_last if interleaved else torch.contiguous_format
    own, other = (torch.from_numpy(v).contiguous(memory_format=memory) for v in (images, outside))
    augment = ga.Compose([ga.Window(-9000, 9000), *steps])
    assert torch.equal(augment(own, draws_of(3)), augment(other, draws_of(3)))


# ---- As bytes have it


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
@pytest.mark.parametrize("channels", [1, 3, 4, 7, 64])
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_chain_with_a_window_equals_the_chain_on_levels(dtype, channels, channels_last):
    values = values_of(5, channels, 21, 18, dtype=dtype)
    memory = torch.channels_last if channels_last else torch.contiguous_format
    images, plain = (
        torch.from_numpy(v).contiguous(memory_format=memory) for v in (values, levels(values, -900, 20000))
    )
    draws, index = draws_of(4), torch.tensor([4, 0, 4, 2])
    augment, of_bytes = (
        chain(-900, 20000, ga.Normalize(0.4, 0.2)),
        chain(*AS_THEY_ARE, ga.Normalize(0.4, 0.2)),
    )
    assert torch.equal(augment(images, draws, index=index), of_bytes(plain, draws, index=index))
    assert np.array_equal(images.numpy(), values)


def test_a_window_from_0_to_255_keeps_bytes():
    images = torch.from_numpy(values_of(4, 3, 20, 20, dtype=np.uint8))
    assert torch.equal(ga.Window(*AS_THEY_ARE)(images), images)


@pytest.mark.parametrize("interleaved", [False, True])
def test_window_reads_images_of_different_sizes(interleaved):
    sizes, index, draws = ((5, 7), (40, 30), (9, 90)), torch.tensor([2, 2, 0, 1]), draws_of(4)
    values = [values_of(*size, 3, dtype=np.uint16, seed=size[0]) for size in sizes]
    made = []
    for images in (values, [levels(v, 50, 40000) for v in values]):
        tensors = [torch.from_numpy(v).permute(2, 0, 1) for v in images]
        made.append(ga.pack(images if interleaved else [v.contiguous() for v in tensors]))
    assert made[0].interleaved == interleaved
    augment, of_bytes = chain(50, 40000), chain(*AS_THEY_ARE)
    assert torch.equal(augment(made[0], draws, index=index), of_bytes(made[1], draws, index=index))


@pytest.mark.parametrize("noise_per", ["clip", "frame"])
def test_window_reads_clips(noise_per):
    values = values_of(3, 4, 3, 11, 10)
    augment = chain((-900, -100), (5000, 9000), noise_per=noise_per)
    draws = draws_of(3)
    ends = augment.recipes(draws, values.shape)[0].reading.windows[::4, 1:] / VALUE_UNIT
    plain = np.stack([levels(v, *own) for v, own in zip(values, ends.tolist(), strict=True)])
    expected = chain((0, 0), (255, 255), noise_per=noise_per)
    assert torch.equal(augment(torch.from_numpy(values), draws), expected(torch.from_numpy(plain), draws))


def test_masks_and_boxes_follow_a_chain_with_a_window():
    values = torch.from_numpy(values_of(4, 1, 12, 12))
    masks, boxes = (values[:, 0] > 0).long(), torch.tensor([[[1.0, 2.0, 5.0, 6.0]]]).expand(4, 1, 4)
    steps = [ga.RandomResizedCrop((9, 7)), ga.RandomRotation(30)]
    draws = draws_of(4)
    augment = ga.Compose([ga.Window(-1 / 16, 1 / 16), *steps])
    out = augment(values, draws, masks=masks, boxes=boxes)
    assert torch.equal(out.images, augment(values, draws))
    plain = ga.Compose([ga.Window(*AS_THEY_ARE), *steps])(
        masks[:, None].byte(), draws, masks=masks, boxes=boxes
    )
    assert torch.equal(out.masks, plain.masks)
    assert torch.equal(out.boxes, plain.boxes)


@pytest.mark.filterwarnings("ignore:floating images take the differentiable path")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_window_of_floats_has_a_gradient_and_ends_in_levels(dtype):
    images = (torch.arange(256, dtype=dtype) / 255).view(1, 1, 16, 16).requires_grad_()
    out = ga.Window(51, 204)(images)
    expected = ((images.detach() * 255 - 51) / 153).clamp(0, 1)
    assert torch.allclose(out, expected, atol=1e-6)
    out.sum().backward()
    inside = (images.detach() * 255 > 52) & (images.detach() * 255 < 203)
    assert torch.allclose(images.grad[inside], torch.full_like(images.grad[inside], 255 / 153))
    assert (images.grad[images.detach() * 255 < 50] == 0).all()


# ---- Draws


def test_ends_of_a_window_are_uniform_and_each_draws_own():
    window, draws = ga.Window((-200, -100), (200, 300)), draws_of(2000)
    (recipes,) = window.recipes(draws, (2000, 1, 2, 2))
    ends = recipes.reading.windows[:, 1:] / VALUE_UNIT
    for column, (least, most) in zip(ends.unbind(1), (window.low, window.high), strict=True):
        assert least <= column.min()
        assert column.max() <= most
        counts = torch.histc(column.float(), 10, least, most)
        assert ((counts - 200) ** 2 / 200).sum() < 27.9  # chi-square of 9 degrees, 0.999
    assert np.abs(np.corrcoef(ends.numpy().T)[0, 1]) < 0.1
    (alone,) = window.recipes(draws[7:8], (1, 1, 2, 2))
    assert torch.equal(alone.reading.windows[0, 1:], recipes.reading.windows[7, 1:])


def test_draws_that_are_not_augmented_use_the_middle_of_the_ends():
    values = values_of(6, 1, 8, 8) // 64
    draws = draws_of(6)
    draws[:, 1] = torch.arange(6) % 2
    middle = torch.from_numpy(levels(values, -150, 250))
    augment = ga.Compose(
        [ga.Window((-200, -100), (200, 300)), ga.RandomHorizontalFlip(p=1.0)], apply_to="copies"
    )
    images = torch.from_numpy(values)
    out = augment(images, draws)
    assert torch.equal(out[::2], middle[::2])
    assert (out[1::2] != middle[1::2].flip(3)).flatten(1).any(1).all()
    assert torch.equal(augment.eval()(images, draws), middle)
    fixed = ga.Compose([ga.Window(-150, 250), ga.RandomHorizontalFlip(p=1.0)], apply_to="copies")
    assert torch.equal(fixed(images, draws)[1::2], middle[1::2].flip(3))


@pytest.mark.parametrize("dtype", [torch.int16, torch.uint8, torch.float16, torch.float64])
def test_window_of_a_batch_of_none(dtype):
    out = chain(0, 9)(torch.zeros(0, 3, 8, 8, dtype=dtype), torch.zeros(0, 3, dtype=torch.int64))
    assert (out.shape, out.dtype) == ((0, 3, 9, 13), dtype if dtype.is_floating_point else torch.uint8)


def test_a_compiled_chain_with_a_window_gives_the_same():
    images = torch.from_numpy(values_of(4, 3, 16, 16))
    augment, draws = chain((-900, 0), 20000), draws_of(4)
    compiled = torch.compile(augment, backend="eager", fullgraph=True)
    assert torch.equal(compiled(images, draws), augment(images, draws))


def test_printing_a_chain_shows_the_window():
    assert str(ga.Compose([ga.Window(-160, (200, 240)), ga.Resize(8)])) == (
        "Compose(apply_to='all')\n"
        "  Window(low=(-160.0, -160.0), high=(200.0, 240.0))  pass 1, read\n"
        "  Resize(size=8)                                     pass 1, geometry\n"
        "1 pass: 1 kernel launch a batch, with up to 1 launch more"
    )


# ---- Faults

WINDOW = ga.Window(0, 9)
VALUES = torch.zeros(2, 1, 8, 8, dtype=torch.int16)


FAULTS = {
    "a string": (lambda: ga.Window("a", 3), TypeError, "low must be a number or a pair of numbers"),
    "nan": (lambda: ga.Window(0, float("nan")), ValueError, "high must be a number or an ascending pair in"),
    "too low": (lambda: ga.Window(-65537, 0), ValueError, "pair in [-65536, 131072], got -65537"),
    "descending": (lambda: ga.Window((5, 1), 9), ValueError, "pair in [-65536, 131072], got (5, 1)"),
    "ends that cross": (lambda: ga.Window((0, 10), (9, 20)), ValueError, "1/16 at least, got (9, 20) for a"),
    "no width": (lambda: ga.Window(3, 3), ValueError, "high must lie above low, by 1/16 at least, got 3 for"),
    "second": (lambda: ga.Compose([ga.Resize(4), WINDOW]), ValueError, "must be the first transform, got W"),
    "twice": (lambda: ga.Compose([WINDOW, WINDOW]), ValueError, "Window must be the first transform"),
    "after a policy": (lambda: ga.Compose([ga.RandAugment(), WINDOW]), ValueError, "must be the first"),
    "last": (lambda: ga.Compose([ga.Normalize(), WINDOW]), ValueError, "Window must be the first transform"),
    "in OneOf": (lambda: ga.OneOf([WINDOW]), ValueError, "OneOf must not hold Window: all draws are read"),
    "in RandomApply": (lambda: ga.RandomApply([WINDOW]), ValueError, "RandomApply must not hold Window"),
    "in PerClass": (lambda: ga.PerClass([WINDOW]), ValueError, "PerClass must not hold Window"),
    "32 bits": (lambda: WINDOW(VALUES.int()), TypeError, "uint8, uint16, int16, float16, bfloat16, float32"),
    "no window": (lambda: ga.functional.normalize(VALUES, 0, 1), TypeError, "got int16; gpuaug.Window(low,"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_windows_are_refused(fault):
    build, error, message = FAULTS[fault]
    with pytest.raises(error, match=re.escape(message)):
        build()


# ---- The op


def call_of(count: int = 3, channels: int = 2) -> tuple:
    images = torch.from_numpy(values_of(count, channels, 6, 7))
    (recipes,) = ga.Window(-9, 9).recipes(draws_of(count), images.shape)
    return images.flatten(), recipes.reading.windows, recipes.records, channels, False, recipes.reading.values


def test_the_window_op_passes_opcheck():
    assert set(opcheck(torch.ops.gpuaug.to_levels.default, call_of()).values()) == {"SUCCESS"}


WILD = {
    "beyond the storage": (0, lambda storage: storage[:-1], "reads outside the images"),
    "before the storage": (1, lambda windows: windows - 1, "reads outside the images"),
    "wild offsets": (1, lambda windows: windows.fill_(2**63 - 1), "reads outside the images"),
    "wild sizes": (2, lambda records: records.fill_(2**62), "reads outside the images"),
    "too little room": (5, lambda values: values - 1, "outside the"),
    "no room": (5, lambda _: -1, "values must be in"),
    "no channels": (3, lambda _: 0, "channels must be in"),
    "another type": (0, lambda storage: storage.int(), "storage must be flat"),
    "a batch": (0, lambda storage: storage.view(3, -1), "storage must be flat"),
    "fewer windows": (1, lambda windows: windows[:-1], "windows must be"),
    "short records": (2, lambda records: records[:, :-1].contiguous(), "records must be"),
}


@pytest.mark.parametrize("run", [torch.ops.gpuaug.to_levels, to_levels.to_levels], ids=["op", "reference"])
@pytest.mark.parametrize("wild", WILD)
def test_wild_calls_of_the_window_op_are_refused(run, wild):
    place, change, message = WILD[wild]
    call = list(call_of())
    call[place] = change(call[place].clone() if isinstance(call[place], Tensor) else call[place])
    with pytest.raises(RuntimeError, match=message):
        run(*call)


@pytest.mark.parametrize("ends", [(0, 0), (5, -5), (-(2**63), 2**63 - 1), (2**63 - 1, -(2**63))])
def test_wild_ends_match_the_reference(ends):
    call = list(call_of())
    call[1] = call[1].clone()
    call[1][:, 1:] = torch.tensor(ends)
    assert torch.equal(torch.ops.gpuaug.to_levels(*call), to_levels.to_levels(*call))


def test_window_of_a_freed_storage_is_refused():
    call = list(call_of())
    call[0] = call[0].clone()  # PyTorch's own memory, not NumPy's
    call[0].untyped_storage().resize_(0)
    with pytest.raises(RuntimeError, match="storage must lie in its storage"):
        torch.ops.gpuaug.to_levels(*call)
