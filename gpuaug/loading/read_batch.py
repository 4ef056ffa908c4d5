"""The samples of a batch, read from the data set at once if it supports that, else one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils.data import StackDataset, Subset

from gpuaug.loading.alike import Form, Stacked
from gpuaug.loading.gather import gather
from gpuaug.loading.samples import Sample, as_sample, check_index, failure, fetch, with_advice
from gpuaug.loading.samples import read as read_sample

_SHOWN = 8  # indices in a message


def read_batch(dataset: Any, indices: list[int]) -> Stacked | list[Sample]:
    """Reads ``dataset[index]`` for each index; stacks the samples if all are pairs of one form.

    >>> import numpy
    >>> images = numpy.zeros((2, 4, 5, 3), numpy.uint8)
    >>> read_batch([(images[0], 7), (images[1], 8)], [1, 0]).labels
    tensor([8, 7])

    The data set's ``__getitems__``, which takes a list of indices, is called instead, if there is one.

    Raises:
        IndexError: an index is out of range.
        RuntimeError: the data set raised an error, which is the cause; the message names the sample.
        TypeError: a sample is of another form, or ``__getitems__`` returns no list.
        ValueError: an image is invalid, or ``__getitems__`` returns a list of another length.
    """
    for index in (min(indices), max(indices)):
        check_index(dataset, index)
    gathered = gather(dataset, indices)
    if gathered is not None:
        return gathered
    read = _reads_many(dataset)
    first, *others = _fetch_many(dataset, indices, read) if read else [fetch(dataset, indices[0])]
    form = Form.of(first, indices[0])
    if form is None and not read:
        # One at a time, as an image that is opened but not decoded keeps its file open.
        return [as_sample(first, indices[0]), *(read_sample(dataset, index) for index in indices[1:])]
    items = [first, *(others if read else _fetch_each(dataset, indices[1:]))]
    if form is not None and form.fits(items):
        return form.stack(items, indices)
    return [as_sample(item, index) for item, index in zip(items, indices, strict=True)]


def _fetch_each(dataset: Any, indices: list[int]) -> list[Any]:
    items: list[Any] = []
    try:
        for index in indices:
            items.append(dataset[index])
    except Exception as error:
        for item, index in zip(items, indices, strict=False):
            as_sample(item, index)  # the first faulty sample is to be named
        raise failure(dataset, indices[len(items)], error) from error
    return items


def _reads_many(dataset: Any) -> Callable[[list[int]], Any] | None:
    """The data set's ``__getitems__``, if it returns the same samples as ``dataset[index]`` and is faster."""
    found = getattr(type(dataset), "__getitems__", None)
    if not callable(found):
        return None
    bases = type(dataset).__mro__
    many, one = (
        next((place for place, base in enumerate(bases) if name in vars(base)), len(bases))
        for name in ("__getitems__", "__getitem__")
    )
    if one < many:
        return None  # a subclass changed the samples
    if found is Subset.__getitems__ or found is StackDataset.__getitems__:
        # These pass the call on. If their parts have no __getitems__, they too read one by one.
        parts = [dataset.dataset] if isinstance(dataset, Subset) else dataset.datasets
        parts = parts.values() if isinstance(parts, dict) else parts
        if not any(map(_reads_many, parts)):
            return None
    read: Callable[[list[int]], Any] = dataset.__getitems__
    return read


def _fetch_many(
    dataset: Any, indices: list[int], read: Callable[[list[int]], Any]
) -> list[Any] | tuple[Any, ...]:
    try:
        items = read(list(indices))
    except Exception as error:
        _find(dataset, indices, error)
        some = ", ".join(map(str, indices[:_SHOWN])) + (", ..." if len(indices) > _SHOWN else "")
        raise RuntimeError(f"{len(indices)} samples ({some}): {with_advice(error)}") from error
    if not isinstance(items, (list, tuple)):
        raise TypeError(
            "dataset.__getitems__ must return a list of samples, one for each index, "
            f"got {type(items).__name__}"
        )
    if len(items) != len(indices):
        raise ValueError(
            f"dataset.__getitems__ must return one sample for each of {len(indices)} indices, "
            f"got {len(items)}"
        )
    return items


def _find(dataset: Any, indices: list[int], error: Exception) -> None:
    """Raises the error of the sample that fails by itself with the same type of error."""
    for index in indices:
        try:
            fetch(dataset, index)
        except RuntimeError as found:
            if type(found.__cause__) is type(error):
                raise
            return
