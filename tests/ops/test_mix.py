"""The op ``gpuaug::mix``: both implementations give the same bytes, near the sum in floating point."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug.ops import mix
from gpuaug.ops.mix import MIX_UNIT

OPS = [pytest.param(torch.ops.gpuaug.mix, marks=pytest.mark.native), mix.mix]
both = pytest.mark.parametrize("op", OPS, ids=["op", "reference"])


@st.composite
def mixtures(draw: st.DrawFn) -> tuple:
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    n, width, size = draw(st.integers(1, 5)), draw(st.integers(0, 16)), draw(st.integers(1, 300))
    rows = None
    if draw(st.booleans()):
        rows = torch.randperm(n, generator=random)[: draw(st.integers(0, n))]
    count = n if rows is None else len(rows)
    whole = {"generator": random, "dtype": torch.uint8}
    images, parts = torch.randint(256, (n, size), **whole), torch.randint(256, (count * width, size), **whole)
    if draw(st.booleans()):
        images.fill_(255), parts.fill_(255)
    shares = torch.rand(count, 1 + width, generator=random, dtype=torch.float64).pow(4)
    shares = (shares / shares.sum(1, keepdim=True) * MIX_UNIT).round().long().clamp(max=MIX_UNIT - 1)
    return images, rows, parts, shares


@both
@given(mixture=mixtures())
@settings(max_examples=150, deadline=None)
def test_near_the_exact_sum(op, mixture):
    images, rows, parts, shares = mixture
    out = images.clone()
    op(out, rows, parts, shares)
    chosen = torch.arange(len(images)) if rows is None else rows
    all_of_them = torch.cat(
        (images[chosen][:, None], parts.view(len(shares), -1 + shares.shape[1], images.shape[1])), 1
    )
    exact = (all_of_them.double() * shares[..., None] / MIX_UNIT).sum(1)
    assert (out[chosen].double() - exact).abs().le(0.5 + 0.5 * shares.shape[1] / 128).all()
    others = [n for n in range(len(images)) if n not in chosen.tolist()]
    assert torch.equal(out[others], images[others])


@pytest.mark.native
@given(mixture=mixtures())
@settings(max_examples=150, deadline=None)
def test_the_op_is_the_reference(mixture):
    images, *rest = mixture
    expected, got = images.clone(), images.clone()
    mix.mix(expected, *rest)
    torch.ops.gpuaug.mix(got, *rest)
    assert torch.equal(got, expected)


@both
def test_all_of_one_image_is_that_image(op):
    levels = torch.arange(256, dtype=torch.uint8)[None]
    for share, expected in (([MIX_UNIT - 1, 0], levels), ([0, MIX_UNIT - 1], levels.flip(1))):
        out = levels.clone()
        op(out, None, levels.flip(1), torch.tensor([share]))
        assert torch.equal(out, expected)


@pytest.mark.native
def test_mix_passes_opcheck():
    images = torch.randint(256, (3, 70), dtype=torch.uint8)
    shares = torch.full((2, 3), MIX_UNIT // 3)
    call = (images, torch.tensor([2, 0]), images[[0, 1, 2, 1]], shares)
    torch.library.opcheck(torch.ops.gpuaug.mix.default, call)


@both
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": torch.zeros(2, 6)}, r"images must be contiguous uint8 \(n, bytes\)"),
        ({"parts": torch.zeros(4, 12, dtype=torch.uint8)[:, ::2]}, "parts must be contiguous uint8"),
        ({"parts": torch.zeros(3, 6, dtype=torch.uint8)}, r"parts must be \(4, 6\), .* got \(3, 6\)"),
        ({"shares": torch.zeros(2, 18).long()}, r"shares must be contiguous int64 \(n, 1 to 17\)"),
        ({"shares": torch.full((2, 3), MIX_UNIT)}, r"shares must be in \[0, 32768\), got 32768"),
        ({"shares": torch.full((2, 3), MIX_UNIT - 1)}, "shares must add up to 32785 at most, got 98301"),
        ({"rows": torch.tensor([0])}, "shares must be of each row, got 2"),
        ({"rows": torch.tensor([0, 2])}, r"rows must be in \[0, 2\), got 2"),
        ({"rows": torch.tensor([-1, 0])}, r"rows must be in \[0, 2\), got -1"),
    ],
)
def test_wrong_arguments_of_mix_are_refused(op, changed, message):
    given = {"images": torch.zeros(2, 6, dtype=torch.uint8), "rows": None}
    given |= {"parts": torch.zeros(4, 6, dtype=torch.uint8), "shares": torch.zeros(2, 3).long()}
    with pytest.raises(RuntimeError, match=message):
        op(*(given | changed).values())


@both
def test_rows_that_are_not_there(op):
    images, shares = torch.zeros(2, 6, dtype=torch.uint8), torch.zeros(1, 1).long()
    with pytest.raises(RuntimeError, match=r"rows must be in \[0, 2\), got 2"):
        op(images, torch.tensor([2]), images[:0], shares)
