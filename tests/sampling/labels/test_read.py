import array
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug.sampling import BalancedSampler, RepeatFactorSampler
from gpuaug.sampling.labels.read import check_labels, read_labels

SAME = [2, 0, 2, 7, 0]


class Series:
    """Stands for a pandas series: no sequence, but it has ``__array__``."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


@settings(deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1) | st.lists(st.text("abc", max_size=2), min_size=1))
def test_table_against_a_dictionary(labels):
    expected = {}
    for index, label in enumerate(labels):
        expected.setdefault(label, []).append(index)
    table = read_labels(labels)
    assert list(table.classes) == sorted(expected)
    assert table.counts.tolist() == [len(expected[name]) for name in table.classes]
    for number, name in enumerate(table.classes):
        assert table.members_of(number).tolist() == expected[name]


@pytest.mark.parametrize(
    "labels",
    [
        SAME,
        tuple(SAME),
        array.array("i", SAME),
        [np.int16(label) for label in SAME],
        np.array(SAME, dtype=np.uint8),
        np.array(SAME, dtype=object),
        np.array(SAME, dtype=">i4"),
        np.repeat(SAME, 2)[::2],
        np.array(SAME[::-1])[::-1],
        torch.tensor(SAME),
        torch.tensor(SAME, dtype=torch.int8),
        torch.tensor(SAME, dtype=torch.uint16),
        Series(SAME),
    ],
    ids=lambda labels: type(labels).__name__,
)
def test_every_container_of_the_same_labels(labels):
    table = read_labels(labels)
    assert table.classes == (0, 2, 7)
    assert all(type(name) is int for name in table.classes)
    assert table.counts.tolist() == [2, 2, 1]
    assert table.members.tolist() == [1, 4, 0, 2, 3]


VARIABLE_WIDTH = [np.dtypes.StringDType] if hasattr(np.dtypes, "StringDType") else []  # of NumPy 2


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a", "b"],
        ("b", np.str_("a"), "b"),
        np.array(["b", "a", "b"]),
        np.array(["b", "a", "b"], dtype=object),
        *(np.array(["b", "a", "b"], dtype=kind()) for kind in VARIABLE_WIDTH),
        Series(["b", "a", "b"]),
    ],
)
def test_names_become_codes(labels):
    table = read_labels(labels)
    assert table.classes == ("a", "b")
    assert all(type(name) is str for name in table.classes)
    assert table.members.tolist() == [1, 0, 2]


def test_read_only_memory_map_is_read_and_not_written(tmp_path):
    path = tmp_path / "labels.npy"
    np.save(path, np.array(SAME))
    before = path.read_bytes()
    assert read_labels(np.load(path, mmap_mode="r")).classes == (0, 2, 7)
    assert path.read_bytes() == before


def test_memory_map_is_not_copied(tmp_path):
    labels = np.lib.format.open_memmap(tmp_path / "labels.npy", "w+", np.int64, (1 << 21,))
    labels[::3] = 2
    tracemalloc.start()
    try:
        numbers = check_labels(labels).numbers
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert np.shares_memory(numbers, labels)


def test_names_are_coded_piece_by_piece(monkeypatch):
    monkeypatch.setattr("gpuaug.sampling.labels.codes._CHUNK", 3)
    names = np.array(list("dabbcaddbc"))
    coded = check_labels(names)
    assert coded.classes == ("a", "b", "c", "d")
    assert [coded.classes[number] for number in coded.numbers] == names.tolist()
    assert coded.numbers.dtype == np.uint8


def test_first_fault_beyond_the_first_piece(monkeypatch):
    monkeypatch.setattr("gpuaug.sampling.labels.codes._CHUNK", 3)
    with pytest.raises(ValueError, match="got -4 at position 7"):
        check_labels(np.array([0, 1, 2, 3, 4, 5, 6, -4, -5]))
    with pytest.raises(ValueError, match="got NaN at position 4"):
        check_labels(np.array([0, 1, 2, 3, np.nan]))


def test_the_largest_label_fits():
    assert read_labels([2**63 - 1, 0]).classes == (0, 2**63 - 1)


def test_members_take_four_bytes():
    assert read_labels(SAME).members.dtype == torch.int32


BOOLEANS = {
    "list": lambda: [True, False, True],
    "NumPy's in a list": lambda: [np.True_, np.False_, np.True_],
    "array": lambda: np.array([True, False, True]),
    "strided array": lambda: np.array([[True, False], [False, True], [True, True]])[:, 0],
    "objects": lambda: np.array([True, False, True], object),
    "tensor": lambda: torch.tensor([True, False, True]),
    "pandas": lambda: pytest.importorskip("pandas").Series([True, False, True]),
    "pandas' own": lambda: pytest.importorskip("pandas").Series([True, False, True], dtype="boolean"),
    "categorical": lambda: pytest.importorskip("pandas").Categorical([True, False, True]),
    "Polars": lambda: pytest.importorskip("polars").Series([True, False, True]),
    "Arrow": lambda: pytest.importorskip("pyarrow").chunked_array([[True, False], [True]]),
}


@pytest.mark.parametrize("form", BOOLEANS)
@pytest.mark.parametrize(
    "make",
    [BalancedSampler, lambda labels: RepeatFactorSampler(labels, 0.5)],
    ids=["balanced", "repeat factor"],
)
def test_booleans_are_the_classes_0_and_1(form, make):
    labels = BOOLEANS[form]()
    assert make(labels).counts_ == {0: 1, 1: 2}
    assert read_labels(labels).members.tolist() == [1, 0, 2]


def test_numpys_strings_and_integers_are_labels_and_class_names():
    names = [np.str_("b"), "a", np.str_("b")]
    assert BalancedSampler(names, {np.str_("a"): 3}).plan_ == {"a": 3, "b": 2}
    assert all(type(name) is str for name in BalancedSampler(names).counts_)
    assert BalancedSampler([np.int64(1), 0, np.uint8(1)], {np.int8(0): 5}).plan_ == {0: 5, 1: 2}
    assert BalancedSampler([True, False, True], {False: 5}).plan_ == {0: 5, 1: 2}


def test_lists_of_booleans_are_no_lists_of_classes():
    with pytest.raises(TypeError, match=r"list of booleans at sample 1: give numpy.array\(labels\)"):
        RepeatFactorSampler([[0], [True, False]], 0.5)
