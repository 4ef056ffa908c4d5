"""Labels from columns: pandas, Polars, Arrow, Hugging Face data sets. None of the libraries is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpuaug.sampling.labels.codes import Labels, empty, from_codes, missing


def read_column(labels: Any) -> Labels | np.ndarray | None:
    """The labels of a column of a known library: codes, or an array that is yet to be checked.

    None if ``labels`` is not such a column. The library of a column is loaded already, so this imports no
    library that was not imported before.
    """
    for kind in type(labels).__mro__:
        reader = _READERS.get(kind.__module__.partition(".")[0])
        if reader is not None:
            return reader(labels)
    return None


def arrow_column(dataset: Any, name: str) -> Any:
    """A column of a Hugging Face data set as it is stored: a pyarrow chunked array."""
    return dataset.select_columns(name).with_format("arrow")[:][name]


def _read_datasets(labels: Any) -> Labels | np.ndarray | None:
    source = getattr(labels, "source", None)  # of dataset["label"]
    if hasattr(source, "select_columns"):
        return _read_pyarrow(arrow_column(source, labels.column_name))
    return None


def _read_pandas(labels: Any) -> Labels | np.ndarray | None:
    import pandas

    values = labels.array if isinstance(labels, (pandas.Series, pandas.Index)) else labels
    if isinstance(values, pandas.Categorical):
        return from_codes(
            [(values.codes, values.categories.tolist())],
            declared="remove_unused_categories() removes it from the categories",
        )
    if isinstance(values, pandas.arrays.ArrowExtensionArray):
        import pyarrow

        return _read_pyarrow(pyarrow.array(values))
    if not isinstance(values, pandas.api.extensions.ExtensionArray):
        return None
    if not hasattr(values.dtype, "numpy_dtype"):
        return np.asarray(values)
    absent = np.asarray(values.isna())
    if absent.any():
        raise missing(int(np.argmax(absent)))
    numbers: np.ndarray = values.to_numpy(dtype=values.dtype.numpy_dtype)
    return numbers


def _read_polars(labels: Any) -> Labels | np.ndarray | None:
    import polars

    if not isinstance(labels, polars.Series):
        return None
    if labels.null_count():
        raise missing(int(labels.is_null().arg_max() or 0))
    if isinstance(labels.dtype, polars.Enum):
        codes, names = labels.to_physical(), labels.dtype.categories.to_list()
        return from_codes([(codes.to_numpy(), names)], declared="leave it out of the Enum's categories")
    if labels.dtype in (polars.String, polars.Categorical):
        found = labels.unique().cast(polars.String).sort()
        codes = labels.cast(polars.String).cast(polars.Enum(found)).to_physical()
        return from_codes([(codes.to_numpy(), found.to_list())])
    numbers: np.ndarray = labels.to_numpy()
    return numbers


def _read_pyarrow(labels: Any) -> Labels | np.ndarray | None:
    import pyarrow
    from pyarrow import compute, types

    if not isinstance(labels, (pyarrow.Array, pyarrow.ChunkedArray)):
        return None
    chunks = labels.chunks if isinstance(labels, pyarrow.ChunkedArray) else [labels]
    chunks = [chunk for chunk in chunks if len(chunk)]
    if not chunks:
        raise empty()
    if labels.null_count:
        raise missing(compute.index(compute.is_null(labels), True).as_py())
    if types.is_dictionary(labels.type):
        return from_codes([(chunk.indices.to_numpy(), chunk.dictionary.to_pylist()) for chunk in chunks])
    if (
        types.is_string(labels.type)
        or types.is_large_string(labels.type)
        or types.is_string_view(labels.type)
    ):
        names = sorted(compute.unique(labels).to_pylist())
        wide = pyarrow.large_string()  # index_in knows no string_view
        numbers = np.empty(len(labels), np.min_scalar_type(len(names) - 1))
        start = 0
        for chunk in chunks:
            stop = start + len(chunk)
            numbers[start:stop] = compute.index_in(chunk.cast(wide), pyarrow.array(names, wide)).to_numpy()
            start = stop
        return Labels(numbers, tuple(names))
    arrays = [chunk.to_numpy(zero_copy_only=False) for chunk in chunks]
    if len(arrays) == 1 or not types.is_integer(labels.type):
        return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
    # One array is needed, but in the narrowest type that holds the values, not in the column's.
    bounds = compute.min_max(labels).as_py()
    width = np.result_type(*map(np.min_scalar_type, bounds.values()))
    return np.concatenate(arrays, dtype=width, casting="unsafe")


_READERS: dict[str, Callable[[Any], Labels | np.ndarray | None]] = {
    "datasets": _read_datasets,
    "pandas": _read_pandas,
    "polars": _read_polars,
    "pyarrow": _read_pyarrow,
}
