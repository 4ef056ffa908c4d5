"""Columns of data frames: the same labels from each, and what each refuses."""

from types import SimpleNamespace

import pytest

from gpuaug.sampling.labels.read import read_labels

NUMBERS = [2, 0, 2, 7, 0]
NAMES = ["b", "a", "b", "c", "a"]
KINDS = "labels must be non-negative integers or strings"


def library(name):
    return pytest.importorskip(name, reason=f"needs {name}: pip install -r tests/requirements.txt")


@pytest.fixture(scope="module")
def pandas():
    return library("pandas")


@pytest.fixture(scope="module")
def polars():
    return library("polars")


@pytest.fixture(scope="module")
def arrow():
    arrow = library("pyarrow")
    return SimpleNamespace(
        **{
            name: getattr(arrow, name)
            for name in ("array", "chunked_array", "table", "int32", "int64", "string")
        },
        encoded=lambda values: arrow.array(values).dictionary_encode(),
        views=lambda values: arrow.array(values, arrow.string_view()),
        large=lambda values: arrow.array(values, arrow.large_string()),
    )


def accepted(labels, classes):
    table = read_labels(labels)
    assert table.classes == classes
    assert {type(name) for name in table.classes} == {type(classes[0])}
    assert table.counts.tolist() == [2, 2, 1]
    assert table.members.tolist() == [1, 4, 0, 2, 3]


PANDAS = {
    "series": lambda pd, values: pd.Series(values, index=[9, 8, 7, 7, 0]),
    "index": lambda pd, values: pd.Index(values),
    "object": lambda pd, values: pd.Series(values, dtype=object),
    "categorical": lambda pd, values: pd.Categorical(values),
    "category": lambda pd, values: pd.Series(values).astype("category"),
    "category index": lambda pd, values: pd.CategoricalIndex(values),
    "another order": lambda pd, values: pd.Categorical(values, categories=sorted(set(values), reverse=True)),
    "its array": lambda pd, values: pd.Series(values).array,
    "inferred": lambda pd, values: pd.Series(values).convert_dtypes(),
    "arrow": lambda pd, values: pd.Series(values).convert_dtypes(dtype_backend="pyarrow"),
}

POLARS = {
    "series": lambda pl, values: pl.Series(values),
    "in chunks": lambda pl, values: pl.concat([pl.Series(values[:1]), pl.Series(values[1:])], rechunk=False),
    "small": lambda pl, values: pl.Series(values, dtype=pl.UInt8) if values == NUMBERS else pl.Series(values),
    "categorical": lambda pl, values: pl.Series([str(value) for value in values], dtype=pl.Categorical),
    "enum": lambda pl, values: pl.Series(
        list(map(str, values)), dtype=pl.Enum(list(dict.fromkeys(map(str, values))))
    ),
}

ARROW = {
    "array": lambda pa, values: pa.array(values),
    "slice": lambda pa, values: pa.array([values[3], *values, values[3]])[1:6],
    "chunks": lambda pa, values: pa.chunked_array([values[:2], [], values[2:]], pa.array(values).type),
    "encoded": lambda pa, values: pa.encoded(values),
    "encoded slice": lambda pa, values: pa.encoded(["z", *values] if values == NAMES else [99, *values])[1:],
    "encoded chunks": lambda pa, values: pa.chunked_array([pa.encoded(values[:2]), pa.encoded(values[2:])]),
    "column": lambda pa, values: pa.table({"label": values})["label"],
}


@pytest.mark.parametrize("values", [NUMBERS, NAMES], ids=["numbers", "names"])
@pytest.mark.parametrize("form", PANDAS)
def test_pandas_columns_are_read(pandas, form, values):
    if form == "arrow":
        library("pyarrow")
    accepted(PANDAS[form](pandas, values), tuple(sorted(set(values))))


@pytest.mark.parametrize("values", [NUMBERS, NAMES], ids=["numbers", "names"])
@pytest.mark.parametrize("form", POLARS)
def test_polars_columns_are_read(polars, form, values):
    kind = str if form in ("categorical", "enum") else type(values[0])
    accepted(POLARS[form](polars, values), tuple(kind(value) for value in sorted(set(values))))


@pytest.mark.parametrize("values", [NUMBERS, NAMES], ids=["numbers", "names"])
@pytest.mark.parametrize("form", ARROW)
def test_arrow_columns_are_read(arrow, form, values):
    accepted(ARROW[form](arrow, values), tuple(sorted(set(values))))


@pytest.mark.parametrize("form", ["views", "large"])
def test_arrow_strings_of_other_layouts(arrow, form):
    accepted(getattr(arrow, form)(NAMES), ("a", "b", "c"))


def test_a_parquet_column_is_read(arrow, tmp_path):
    parquet = library("pyarrow.parquet")
    parquet.write_table(arrow.table({"label": NAMES}), tmp_path / "labels.parquet", row_group_size=2)
    for dictionary in ([], ["label"]):
        table = parquet.read_table(tmp_path / "labels.parquet", read_dictionary=dictionary)
        accepted(table["label"], ("a", "b", "c"))


def test_chunks_with_the_widest_numbers(arrow):
    chunks = arrow.chunked_array([[2**63 - 1], [0, 300]])
    assert read_labels(chunks).classes == (0, 300, 2**63 - 1)


FAULTS = {
    "pandas": [
        (lambda pd: pd.Series([0, 1, None]), ValueError, "a missing value at position 2"),
        (lambda pd: pd.Series([0, 1, None], dtype="Int64"), ValueError, "a missing value at position 2"),
        (lambda pd: pd.Series(["a", None]), ValueError, "a missing value at position 1"),
        (lambda pd: pd.Categorical(["a", None]), ValueError, "a missing value at position 1"),
        (lambda pd: pd.Series([0, -1], dtype="Int64"), ValueError, "got -1 at position 1"),
        (lambda pd: pd.Categorical([3, -1, 3]), ValueError, "got -1 at position 1"),
        (lambda pd: pd.Categorical([3, 3, 1.5]), TypeError, r"got 1.5 \(float\) at position 2"),
        (lambda pd: pd.Categorical([1, False, True, "a"]), TypeError, r"got False \(bool\) at position 1"),
        (lambda pd: pd.Categorical([1, "a"]), TypeError, "not both: got 1 at position 0, 'a' at position 1"),
        (lambda pd: pd.Series([1.0], dtype="Float64"), TypeError, "got float64: 1.0 at position 0"),
        (lambda pd: pd.to_datetime(["2020-01-01"]), TypeError, "got datetime64"),
        (lambda pd: pd.Categorical([]), ValueError, "labels must not be empty"),
        (lambda pd: pd.DataFrame({"label": [0, 1]}), ValueError, r"one dimension, got shape \(2, 1\)"),
        (
            lambda pd: pd.Categorical(["a"], categories=["a", "z"]),
            ValueError,
            r"labels declare the class 'z', which has no sample; remove_unused_categories\(\)",
        ),
    ],
    "polars": [
        (lambda pl: pl.Series([0, None]), ValueError, "a missing value at position 1"),
        (lambda pl: pl.Series(["a", "b", None]), ValueError, "a missing value at position 2"),
        (lambda pl: pl.Series([0.5]), TypeError, "got float64: 0.5 at position 0"),
        (lambda pl: pl.Series([0, -1]), ValueError, "got -1 at position 1"),
        (lambda pl: pl.Series([], dtype=pl.Int64), ValueError, "labels must not be empty"),
        (lambda pl: pl.Series(["a"], dtype=pl.Enum(["a", "z"])), ValueError, "declare the class 'z', which"),
        (lambda pl: pl.DataFrame({"label": [0, 1]}), ValueError, r"one dimension, got shape \(2, 1\)"),
    ],
    "pyarrow": [
        (lambda pa: pa.array([0, None]), ValueError, "a missing value at position 1"),
        (lambda pa: pa.chunked_array([["a"], ["b", None]]), ValueError, "a missing value at position 2"),
        (lambda pa: pa.array([0.5]), TypeError, "got float64: 0.5 at position 0"),
        (lambda pa: pa.array([0.5, float("nan")]), ValueError, "got NaN at position 1"),
        (lambda pa: pa.chunked_array([[1], [0, -1]]), ValueError, "got -1 at position 2"),
        (lambda pa: pa.array([b"x"]), TypeError, r"got b'x' \(bytes\) at position 0"),
        (lambda pa: pa.array([1, -5]).dictionary_encode(), ValueError, "got -5 at position 1"),
        (lambda pa: pa.chunked_array([], pa.int64()), ValueError, "labels must not be empty"),
        (lambda pa: pa.table({"label": [0]}), ValueError, r"one dimension, got shape \(1, 1\)"),
        (lambda pa: pa.array([[1], [2]]), ValueError, "labels must have one dimension"),
        (lambda pa: pa.scalar(1), TypeError, "a tensor, an array, a column or a sequence, got Int64Scalar"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "make", "error", "message"),
    [(name, *row) for name, rows in FAULTS.items() for row in rows],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_columns_are_refused(name, make, error, message):
    labels = make(library(name))
    with pytest.raises(error, match=message):
        read_labels(labels)


def test_an_encoding_may_hold_values_that_no_label_has(arrow):
    assert read_labels(arrow.encoded(["z", *NAMES])[1:]).classes == ("a", "b", "c")
