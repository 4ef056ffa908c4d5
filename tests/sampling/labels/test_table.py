"""The table of labels, against a dictionary."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug.sampling.labels import table as module
from gpuaug.sampling.labels.table import build_table


def expected(labels):
    found = {}
    for index, label in enumerate(labels):
        found.setdefault(int(label), []).append(index)
    return dict(sorted(found.items()))


def check(table, labels):
    by_class = expected(labels)
    assert table.classes == tuple(by_class)
    assert all(type(name) is int for name in table.classes)
    assert table.counts.tolist() == list(map(len, by_class.values()))
    assert table.starts.tolist() == (table.counts.cumsum(0) - table.counts).tolist()
    assert table.members.tolist() == [index for indices in by_class.values() for index in indices]


SIZES = (
    st.integers(0, 5)
    | st.integers(250, 260)
    | st.integers(65_530, 65_540)
    | st.just(2**40)
    | st.just(2**63 - 1)
)


@pytest.mark.parametrize("piece", [3, 1 << 16])
@settings(max_examples=40, deadline=None)
@given(st.lists(SIZES, min_size=1, max_size=48))
def test_against_a_dictionary(piece, labels):
    before, module._PIECE = module._PIECE, piece
    try:
        table = build_table(np.array(labels, np.int64))
    finally:
        module._PIECE = before
    check(table, labels)


@pytest.mark.parametrize("classes", [3, 300, 70_000])
def test_more_labels_than_a_piece_and_more_classes_than_a_byte_or_two(classes):
    labels = np.random.default_rng(0).integers(0, classes, 150_000)
    check(build_table(labels), labels)


@pytest.mark.parametrize("dtype", ["u1", "i2", ">u4", "u8", "i8"])
def test_every_integer_type_and_stride(dtype):
    labels = np.array([5, 7, 5, 0, 5, 7], dtype)[::-2]
    table = build_table(labels)
    check(table, [7, 0, 7])
    assert table.members.dtype == torch.int32


def test_names_without_a_sample_are_left_out():
    table = build_table(np.array([2, 0], np.uint8), ["cat", "dog", "eel"])
    assert table.classes == ("cat", "eel")
    assert table.members.tolist() == [1, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_a_table_takes_four_bytes_per_label_beside_the_labels(dtype):
    labels = (np.arange(5_000_000) % 101).astype(dtype)
    tracemalloc.start()
    try:
        table = build_table(labels)
        taken, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert table.counts.sum() == len(labels)
    assert taken < 4 * len(labels) + 2**16
    assert peak < 4 * len(labels) + 2**23
