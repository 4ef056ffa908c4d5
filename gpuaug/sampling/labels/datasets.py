"""The labels of a data set, read from where it keeps them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import ConcatDataset, IterableDataset, Subset, TensorDataset

from gpuaug.sampling.labels.columns import arrow_column
from gpuaug.sampling.labels.torchvision_datasets import torchvision_labels

_ARRAYS = ("targets", "labels", "_labels")
_PAIRS = ("samples", "_samples", "imgs")


def labels_of(
    dataset: Any, column: str | int | None = None, *, names: bool = False, progress: bool = True
) -> np.ndarray:
    """Returns the label of every sample of a data set, in its order, without decoding images.

    >>> import torch
    >>> from torch.utils.data import Subset, TensorDataset
    >>> dataset = TensorDataset(torch.zeros(4, 3, 8, 8), torch.tensor([0, 1, 1, 2]))
    >>> labels_of(Subset(dataset, [3, 0]))
    array([2, 0])

    Supported are torchvision's data sets, ``TensorDataset``, Hugging Face data sets, and any map-style data
    set that keeps its labels in an attribute ``targets``, ``labels`` or ``_labels``, or as ``(path, label)``
    pairs in ``samples``, ``_samples`` or ``imgs``; also a ``Subset`` (as ``random_split`` returns) or a
    ``ConcatDataset`` of these. An attribute ``target_transform`` is applied, once to each class. Later
    changes of labels, by a joint ``transforms`` or by ``__getitem__``, are not seen.

    For any other data set, every sample is read, as ``(image, label, ...)`` or as a mapping. A warning says
    so, and tqdm shows the progress if it is installed.

    Args:
        dataset: a map-style data set with a length.
        column: chooses the labels where there are several candidates: the column of a Hugging Face data set
            (default: its only ``ClassLabel``, or "label"), the number of a tensor of a ``TensorDataset``
            (default: the last), the name of an attribute, or the name of an entry of samples that are
            mappings.
        names: return the names of the classes instead of their numbers. They come from a ``ClassLabel``, or
            from the data set's ``class_to_idx`` or ``classes``.
        progress: show a tqdm bar if every sample must be read.

    Returns:
        an array ``(n,)``: integers as the data set stores them, or strings as dtype ``object``. If samples
        have several labels: ``(n, C)``, or ``(n,)`` lists as dtype ``object``.

    Raises:
        TypeError: the data set has no length or no random access, or its samples have no label.
        ValueError: ``column`` does not exist or must be given, names are not available, or the number of
            labels is not that of the samples.
        RuntimeError: a sample could not be read; the message names its index.
    """
    if isinstance(dataset, Subset):
        whole = labels_of(dataset.dataset, column, names=names, progress=progress)
        return whole[np.asarray(dataset.indices, dtype=np.int64)]
    if isinstance(dataset, ConcatDataset):
        return np.concatenate(
            [labels_of(part, column, names=names, progress=progress) for part in dataset.datasets]
        )
    if isinstance(dataset, Mapping):
        raise TypeError(f"dataset must be one data set, got a {type(dataset).__name__} of {sorted(dataset)}")
    check_map_style(dataset)
    if hasattr(dataset, "select_columns") and hasattr(dataset, "features"):
        return _of_hugging_face(dataset, column, names)
    labels = _stored(dataset, column)
    if labels is None:
        labels = _read(dataset, column, progress)
    elif getattr(dataset, "target_transform", None) is not None:
        if names:
            raise ValueError("names must be False for a data set with a target_transform, got True")
        labels = _each(labels, dataset.target_transform)
    if len(labels) != len(dataset):
        raise ValueError(
            f"dataset must keep one label per sample, got {len(labels)} labels for {len(dataset)} samples of "
            f"{type(dataset).__name__}"
        )
    return _each(labels, _names(dataset).__getitem__) if names else labels


def check_map_style(dataset: Any) -> None:
    """Raises a TypeError for a data set without a length or without reading by index."""
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__"):
        raise TypeError(
            f"dataset must be map-style (dataset[index] and len(dataset)), got {type(dataset).__name__}"
        )
    if not isinstance(dataset, Sized):
        raise TypeError(f"dataset must have a length, got {type(dataset).__name__} without __len__")


def _of_hugging_face(dataset: Any, column: str | int | None, names: bool) -> np.ndarray:
    features = dataset.features
    if column is None:
        classes = [name for name, feature in features.items() if hasattr(feature, "int2str")]
        column = classes[0] if len(classes) == 1 else "label"
        if len(classes) > 1:
            raise ValueError(f"column must say which of {classes} has the labels, got None")
    if not isinstance(column, str) or column not in features:
        raise ValueError(f"column must be one of {list(features)}, got {column!r}")
    from pyarrow import types

    stored = arrow_column(dataset, column)
    labels = _array(stored.to_pylist()) if types.is_nested(stored.type) else stored.to_numpy()
    if not names:
        return labels
    if not hasattr(features[column], "int2str"):
        raise ValueError(f"names must be False for a column without a ClassLabel, got True for {column!r}")
    return _each(labels, features[column].names.__getitem__)


def _stored(dataset: Any, column: str | int | None) -> np.ndarray | None:
    """The labels that the data set keeps, one per sample; None if none are found."""
    if isinstance(dataset, TensorDataset):
        return _array(_tensor(dataset, -1 if column is None else column))
    if column is not None:
        found = getattr(dataset, column, None) if isinstance(column, str) else None
        return None if found is None or callable(found) else _array(found)
    if (found := torchvision_labels(dataset)) is not None:
        return _array(found)
    for name in _ARRAYS:
        found = getattr(dataset, name, None)
        if isinstance(found, (Sequence, np.ndarray, Tensor)) and len(found) == len(dataset):
            return _array(found)
    for name in _PAIRS:
        found = getattr(dataset, name, None)
        if isinstance(found, Sequence) and len(found) == len(dataset) and _is_pair(found[0]):
            return _array([label for _, label in found])
    return None


def _tensor(dataset: TensorDataset, number: Any) -> Tensor:
    count = len(dataset.tensors)
    if isinstance(number, bool) or not isinstance(number, int) or not -count <= number < count:
        raise ValueError(f"column must be the number of one of the {count} tensors, got {number!r}")
    return dataset.tensors[number]


def _is_pair(item: Any) -> bool:
    return isinstance(item, (tuple, list)) and len(item) == 2


def _read(dataset: Any, column: str | int | None, progress: bool) -> np.ndarray:
    """The labels of samples that must be read one by one."""
    if not len(dataset):
        return np.empty(0, np.int64)
    first = _label(dataset, 0, column)
    warnings.warn(
        f"labels_of finds no attribute with the labels of {type(dataset).__name__}, so it reads all "
        f"{len(dataset)} samples and decodes their images. Keep the result, or name the attribute with "
        "column=",
        stacklevel=3,
    )
    indices: Iterable[int] = range(1, len(dataset))
    if progress and (bar := _progress_bar()) is not None:
        indices = bar(indices, desc="labels_of", unit=" samples", total=len(dataset), initial=1)
    return _array([first, *(_label(dataset, index, column) for index in indices)])


def _progress_bar() -> Any | None:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


def _label(dataset: Any, index: int, column: str | int | None) -> Any:
    try:
        item = dataset[index]
    except Exception as error:
        raise RuntimeError(f"sample {index}: {type(error).__name__}: {error}") from error
    place = ("label" if isinstance(item, Mapping) else 1) if column is None else column
    try:
        label = item[place]
    except (KeyError, IndexError, TypeError):
        label = None
    if isinstance(label, (Tensor, np.ndarray)):
        label = label.tolist()
    if isinstance(label, (int, str, np.integer, list)):
        return label
    kind = f"a mapping of {list(item)}" if isinstance(item, Mapping) else f"of type {type(item).__name__}"
    raise TypeError(
        f"dataset must have labels: {type(dataset).__name__} keeps none that labels_of knows, and "
        f"dataset[{index}] is {kind}, with no class at [{place!r}], but {type(label).__name__}; column= may "
        "name an attribute, or the entry of a sample"
    )


def _array(labels: Any) -> np.ndarray:
    """Labels as an array ``(n,)`` or ``(n, C)``; lists of different lengths as dtype ``object``."""
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu().numpy()
    if not isinstance(labels, np.ndarray):
        labels = list(labels)
        if any(isinstance(label, (list, tuple, str)) or label is None for label in labels):
            objects = np.empty(len(labels), object)
            objects[:] = labels
            return objects
        labels = np.asarray(labels)
    array: np.ndarray = labels
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _each(labels: np.ndarray, function: Callable[[Any], Any]) -> np.ndarray:
    """Applies a function to every label; it is called once for each class."""
    if labels.ndim != 1 or any(isinstance(label, list) for label in labels[:1]):
        raise ValueError(f"names and target_transform need one label per sample, got several in {labels[0]}")
    classes, numbers = np.unique(labels, return_inverse=True)
    return _array([function(name) for name in classes.tolist()])[numbers]


def _names(dataset: Any) -> Mapping[int, str] | Sequence[str]:
    by_name = getattr(dataset, "class_to_idx", None)
    if isinstance(by_name, Mapping):
        return {number: name for name, number in by_name.items()}
    found = getattr(dataset, "classes", None)
    if isinstance(found, Sequence):
        return found
    raise ValueError(
        f"names must be False for {type(dataset).__name__}, which has no class_to_idx or classes"
    )
