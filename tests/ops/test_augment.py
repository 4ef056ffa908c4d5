"""The op ``gpuaug::augment``: the backends agree to the byte, and survive records that make no sense."""

import numpy as np
import pytest
import torch
from cases import calls
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug.ops import reference
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import (
    AUTOCONTRAST,
    BITS,
    CONTRAST,
    CURVES,
    EQUALIZE,
    FIELDS,
    GEOMETRY,
    NORMAL,
    PER_PIXEL,
    POSTERIZE,
    STATISTICS,
    WORD,
)
from gpuaug.stages.output import normalization_scale_shift, normalization_table

EVERY_STAGE = sum(BITS.values())


def equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)


@pytest.mark.native
@given(call=calls())
@settings(max_examples=400, deadline=None)
def test_cpu_equals_reference(call):
    expected, got = reference.augment(*call), torch.ops.gpuaug.augment(*call)
    assert equal(got, expected)
    assert got.numel() == 0 or got.is_contiguous(
        memory_format=torch.channels_last if call[-1] else torch.contiguous_format
    )


@pytest.mark.cuda
@given(call=calls(most_pixels=80))
@settings(max_examples=300, deadline=None)
def test_cuda_equals_reference(call):
    on_device = [a.cuda() if isinstance(a, torch.Tensor) else a for a in call]
    assert equal(torch.ops.gpuaug.augment(*on_device).cpu(), reference.augment(*call))


@pytest.mark.native
@given(call=calls(most_pixels=12))
@settings(max_examples=25, deadline=None)
def test_augment_passes_opcheck(call):
    torch.library.opcheck(torch.ops.gpuaug.augment.default, call)


def one_draw(height=4, width=4):
    records = RecipeBuilder.of_batch((1, 1, height, width)).recipes((height, width)).records
    return torch.arange(height * width, dtype=torch.uint8), records


@pytest.mark.parametrize(
    ("field", "value"),
    [("offset", -1), ("offset", 1), ("height", 5), ("width", 0), ("width", 2**62), ("height", -3)],
)
@pytest.mark.parametrize("backend", [torch.ops.gpuaug.augment, reference.augment], ids=["op", "reference"])
def test_a_record_outside_the_storage_is_refused(backend, field, value):
    storage, records = one_draw()
    records[0, WORD[field]] = value
    with pytest.raises(RuntimeError, match="draw 0 reads outside the images"):
        backend(storage, records, None, 1, 4, 4, False, 0, False)


@pytest.mark.parametrize("backend", [torch.ops.gpuaug.augment, reference.augment], ids=["op", "reference"])
def test_a_window_outside_the_image_is_clamped(backend):
    storage, records = one_draw()
    records[0, WORD["stages"]] = GEOMETRY
    records[0, WORD["left"]], records[0, WORD["right"]] = -(2**40), 2**40
    records[0, WORD["top"]], records[0, WORD["bottom"]] = 100, 50
    out = backend(storage, records, None, 1, 4, 4, False, GEOMETRY, False)
    assert out[0, 0].tolist() == [[12, 13, 14, 15]] * 4  # the window is left with the last row


@pytest.mark.native
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("draws", [1, 2, 3, 20])
def test_an_image_cut_into_strips_is_measured_whole(draws, threads):
    images = torch.randint(30, 160, (draws, 3, 150, 40), dtype=torch.uint8)
    images[:, :, 100:] //= 3
    builder = RecipeBuilder.of_batch(tuple(images.shape))
    builder.blur(1.0, torch.arange(draws) % 2 == 0)
    for curve in (EQUALIZE, AUTOCONTRAST, CONTRAST):
        builder.curve(curve, 90000, torch.arange(draws) % 3 != 1)
    recipes = builder.recipes((150, 40))
    call = (images.flatten(), recipes.records, None, 3, 150, 40, False, recipes.stages, False)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        out = torch.ops.gpuaug.augment(*call)
    finally:
        torch.set_num_threads(before)
    assert equal(out, reference.augment(*call))


@pytest.mark.parametrize("stages", [0, CURVES, STATISTICS, CURVES | STATISTICS])
def test_curves_are_measured_where_both_bits_are_set(stages):
    storage, records = one_draw()
    records[0, WORD["curve0"]], records[0, WORD["curve1"]] = AUTOCONTRAST, POSTERIZE | 4 << 8
    records[0, WORD["stages"]] = stages
    call = storage, records, None, 1, 4, 4, False, stages, False
    out = torch.ops.gpuaug.augment(*call)
    assert equal(out, reference.augment(*call))
    expected = {0: [0, 5, 15], CURVES: [0, 0, 0], STATISTICS: [0, 5, 15]}.get(stages, [0, 80, 240])
    assert out.flatten()[[0, 5, 15]].tolist() == expected


@pytest.mark.native
def test_an_image_too_large_to_count_is_refused():
    storage, records = one_draw()
    records[0, WORD["stages"]] = GEOMETRY | CURVES | STATISTICS
    with pytest.raises(RuntimeError, match="draw 0 has curves that go by the image, of at most 2147483647 "):
        torch.ops.gpuaug.augment(storage, records, None, 1, 1 << 16, 1 << 15, False, EVERY_STAGE, False)


@pytest.mark.slow
@pytest.mark.native
@given(seed=st.integers(0, 2**32), word=st.sampled_from(sorted(set(FIELDS) - {"offset", "width", "height"})))
@settings(max_examples=100, deadline=None)
def test_a_wild_word_ends_in_an_image(seed, word):
    random = torch.Generator().manual_seed(seed)
    _, records = one_draw()
    storage = torch.randint(256, (16,), generator=random, dtype=torch.uint8)
    for name, value in {
        **{"stages": EVERY_STAGE, "xx": 2**33, "yy": -(2**33), "outer": 9000, "inner": 20000},
        **{"salt": 9000, "pepper": 20000, "rr": 1 << 12, "gg": 1 << 12, "bb": 1 << 12},
        **{"curve0": 3 | 50000 << 8, "curve1": EQUALIZE | 5 << 8, "curve2": CONTRAST | 9 << 28},
        **{"noise": NORMAL | PER_PIXEL, "noise_low": 3000, "noise_span": 3000},
    }.items():
        records[0, WORD[name]] = value
    wild = [-(2**63), 2**63 - 1, -1, 2**48 + 1, int(torch.randint(-(2**62), 2**62, (), generator=random))]
    for value in wild:
        records[0, WORD[word]] = value
        call = storage, records, None, 1, 5, 7, False, EVERY_STAGE, False
        out = torch.ops.gpuaug.augment(*call)
        assert out.shape == (1, 1, 5, 7)
        assert equal(out, reference.augment(*call))


@pytest.mark.parametrize("backend", [torch.ops.gpuaug.augment, reference.augment], ids=["op", "reference"])
@pytest.mark.parametrize("shape", [(2, 1, 256), (0, 1, 256), (1, 2, 256), (1, 1, 255)])
def test_a_table_of_another_shape_is_refused(backend, shape):
    storage, records = one_draw()
    with pytest.raises(RuntimeError, match=r"table must be contiguous \(1 or N, C, 256\)"):
        backend(storage, records, torch.zeros(shape), 1, 4, 4, False, 0, False)


@pytest.mark.native
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: torch.zeros(16)}, "storage must be flat, contiguous uint8"),
        (
            {1: torch.zeros(1, 3, dtype=torch.int64)},
            rf"records must be contiguous int64 \(N, {len(FIELDS)}\)",
        ),
        ({2: torch.zeros(1, 2, 256)}, r"table must be contiguous \(1 or N, C, 256\)"),
        ({2: torch.zeros(1, 1, 256, dtype=torch.float64)}, "table must be float32, float16 or bfloat16"),
        ({3: 5}, r"channels must be in \[1, 4\], got 5"),
        ({4: 0}, "the output size must be positive, got 0 x 4"),
    ],
)
def test_the_op_checks_its_tensors(change, message):
    call = [*one_draw(), None, 1, 4, 4, False, 0, False]
    for position, value in change.items():
        call[position] = value
    with pytest.raises(RuntimeError, match=message):
        torch.ops.gpuaug.augment(*call)


def begun_at(tensor: torch.Tensor, byte: int) -> torch.Tensor:
    """A copy in memory that PyTorch did not allocate, from that byte on."""
    memory = np.zeros(tensor.nbytes + byte, np.uint8)
    memory[byte:] = tensor.flatten().view(torch.uint8).numpy()
    return torch.frombuffer(memory, dtype=tensor.dtype, offset=byte).view(tensor.shape)


def copies_made(call: tuple) -> tuple[torch.Tensor, int]:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        out = torch.ops.gpuaug.augment(*call)
    return out, sum(event.count for event in profile.key_averages() if event.key == "aten::clone")


@pytest.mark.native
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("byte", [1, 2, 3, 4, 5, 8])
def test_tensors_may_begin_at_any_byte(dtype, byte):
    """What is read in words is copied where its address is not a multiple of them, and only there."""
    mean, std = torch.rand(2, 2, 3, dtype=torch.float64) + 0.5
    table = normalization_table(mean, std, channels=3, dtype=dtype)
    scale_shift = normalization_scale_shift(mean, std, channels=3)
    records = RecipeBuilder.of_batch((2, 3, 9, 20)).recipes((9, 20)).records
    storage = torch.randint(256, (2 * 3 * 9 * 20,), dtype=torch.uint8)
    expected = reference.augment(storage, records, table, 3, 9, 20, False, 0, False)
    moved = [begun_at(tensor, byte) for tensor in (storage, records, table, scale_shift)]
    out, copies = copies_made((*moved[:3], 3, 9, 20, False, 0, False, moved[3]))
    assert equal(out, expected)
    widths = (8, 4, 8)  # bytes that are read at a time, of records, table and scale_shift
    assert copies == sum(
        tensor.data_ptr() % width != 0 for tensor, width in zip(moved[1:], widths, strict=True)
    )


def test_a_16_bit_table_may_begin_at_an_odd_element(device):
    storage, records = one_draw()
    values = torch.randn(257).half()
    table = values.to(device)[1:].view(1, 1, 256)
    assert table.storage_offset() == 1
    out = torch.ops.gpuaug.augment(storage.to(device), records.to(device), table, 1, 4, 4, False, 0, False)
    assert torch.equal(out.cpu().flatten(), values[1 + storage.long()])


@pytest.mark.native
def test_offsets_beyond_two_to_the_31():
    # Reserved, but only the last image's pages are ever touched.
    size = 64
    count = 2**31 // (3 * size * size) + 2
    images = torch.empty(count, 3, size, size, dtype=torch.uint8)
    images[-1] = torch.randint(256, (3, size, size), dtype=torch.uint8)
    index = torch.tensor([count - 1])
    records = RecipeBuilder.of_batch(tuple(images.shape), index).recipes((size, size)).records
    assert records[0, WORD["offset"]] > 2**31
    out = torch.ops.gpuaug.augment(images.view(-1), records, None, 3, size, size, False, 0, False)
    assert torch.equal(out[0], images[-1])
