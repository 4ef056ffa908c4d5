"""Several labels per sample: the same sets from every form, and what is refused."""

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug.sampling.labels.sets import read_label_sets

MATRIX = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
SETS = [[0, 2], [], [1], [0, 1, 2]]


pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")


def sets_of(read):
    return [
        {read.classes[number] for number in read.numbers[start:stop]}
        for start, stop in zip(read.starts[:-1], read.starts[1:], strict=True)
    ]


@pytest.mark.parametrize(
    "labels",
    [
        MATRIX,
        MATRIX.astype(bool),
        MATRIX.astype(np.float32),
        MATRIX[::-1][::-1],
        np.asfortranarray(MATRIX),
        torch.tensor(MATRIX),
        torch.tensor(MATRIX, dtype=torch.bool),
        torch.tensor(MATRIX, dtype=torch.bfloat16),
        torch.tensor(MATRIX).to_sparse(),
        scipy.sparse.csr_matrix(MATRIX),
        scipy.sparse.coo_array(MATRIX.astype(bool)),
        scipy.sparse.lil_array(MATRIX.astype(float)),
        list(torch.tensor(MATRIX, dtype=torch.float32)),
        list(MATRIX.astype(bool)),
        SETS,
        tuple(map(set, SETS)),
        [[0, 2, 0, 2], (), [1], frozenset({0, 1, 2})],
        [torch.tensor(labels, dtype=torch.int64) for labels in SETS],
        np.array(SETS, dtype=object),
    ],
    ids=lambda labels: type(labels).__name__,
)
def test_every_form_of_the_same_sets(labels):
    read = read_label_sets(labels)
    assert read.classes == (0, 1, 2)
    assert read.starts.tolist() == [0, 2, 2, 3, 6]
    assert sets_of(read) == list(map(set, SETS))
    assert read.counts.tolist() == [2, 2, 2]


def test_names_and_numbers_with_gaps():
    assert sets_of(read_label_sets([["dog"], ["cat", "dog"], []])) == [{"dog"}, {"cat", "dog"}, set()]
    read = read_label_sets([[900, 7], [7]])
    assert read.classes == (7, 900)
    assert sets_of(read) == [{7, 900}, {7}]


def test_a_sparse_matrix_is_not_written():
    matrix = scipy.sparse.csr_matrix((np.ones(2), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    assert sets_of(read_label_sets(matrix)) == [{0, 1}]
    assert matrix.indices.tolist() == [1, 0]


@pytest.mark.parametrize("labels", [[5, 0, 5], np.array([5, 0, 5]), ["b", "a", "b"]])
def test_one_label_per_sample(labels):
    assert sets_of(read_label_sets(labels)) == [{label} for label in labels]


def test_rows_of_a_tensor_are_a_matrix():
    assert sets_of(read_label_sets(torch.tensor(MATRIX).to_sparse_csr())) == list(map(set, SETS))


def test_a_stored_zero_is_no_label():
    matrix = scipy.sparse.csr_matrix((np.array([1, 0, 1]), ([0, 0, 1], [0, 1, 1])), shape=(2, 2))
    assert sets_of(read_label_sets(matrix)) == [{0}, {1}]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=30).filter(any))
def test_matrix_in_parts_against_lists(sets):
    import gpuaug.sampling.labels.sets as module

    classes = sorted(set().union(*sets))
    matrix = np.array([[name in labels for name in classes] for labels in sets])
    before, module._ROWS = module._ROWS, 7
    try:
        read = read_label_sets(matrix)
    finally:
        module._ROWS = before
    assert sets_of(read) == [{classes.index(name) for name in labels} for labels in sets]
    assert sets_of(read_label_sets(list(map(sorted, sets)))) == sets


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (np.array([[0, 1], [1, 2]]), ValueError, "of 0 and 1, .*got 2 at sample 1"),
        (np.array([[0, np.nan], [1, 1]]), ValueError, "got nan at sample 0"),
        (torch.tensor([[0, -1], [1, 1]]), ValueError, "got -1 at sample 0"),
        (scipy.sparse.csr_matrix([[0, 1], [3, 1]]), ValueError, "got 3 at sample 1"),
        (torch.tensor([[0, 1], [3, 1]]).to_sparse(), ValueError, "got 3 at sample 1"),
        (np.array([["a", "b"]]), TypeError, "got str"),
        (torch.zeros(2, 2, 2), ValueError, r"got shape \(2, 2, 2\)"),
        (np.zeros((0, 3)), ValueError, r"labels must not be empty, got shape \(0, 3\)"),
        (np.zeros((3, 0)), ValueError, r"labels must not be empty, got shape \(3, 0\)"),
        (np.array([[1, 0], [1, 0]]), ValueError, "column for the class 1, which no sample has"),
        ([[], []], ValueError, "labels must not be empty, got no label in any sample"),
        ([[0], 1], TypeError, r"got 1 \(int\) at sample 1"),
        ([[0], [1, "a"]], TypeError, r"got 'a' \(str\) at position 2, after int labels .*sample 1"),
        ([[0], [], ["a"]], TypeError, r"got 'a' \(str\) at position 1, after int labels .*sample 2"),
        ([[0], [], [-1]], ValueError, r"got -1 at position 1 .*sample 2"),
        ([[0], [0.5]], TypeError, r"got 0.5 \(float\) at position 1, .*sample 1"),
        ([[0], [[1]]], TypeError, r"got \[\[1\]\] at sample 1"),
        ([[0, 0, 1], [1, 0, 0]], ValueError, r"lists that repeat 0 and 1: give numpy.array\(labels\)"),
        (list(torch.tensor([[0, 1, 1], [1, 0, 0]])), ValueError, "lists that repeat 0 and 1"),
        (list(np.array([[0, 1, 1], [1, 0, 0]])), ValueError, "lists that repeat 0 and 1"),
        ("abc", TypeError, "got str"),
        (None, TypeError, "got NoneType"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_label_sets_are_refused(labels, error, message):
    with pytest.raises(error, match=message):
        read_label_sets(labels)
