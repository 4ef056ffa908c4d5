"""The samples of a data set: an image and the items beside it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils.data import ConcatDataset, Subset

from gpuaug.loading.decoded import is_pil, to_tensor
from gpuaug.transforms.annotations.tv_tensors import kind_of

IMAGE_NAMES = ("image", "img")
LABEL_NAMES = ("label", "labels", "target", "targets", "class")
# PyTorch advises spawning the workers, but then each would hold a CUDA context.
_CUDA_ADVICE = (
    ". Workers decode on the CPU and never use CUDA: "
    "give the transform to BalancedLoader, which runs it on the device"
)


class Sample(NamedTuple):
    """A sample, split into the image and the other items.

    Attributes:
        image: ``(C, H, W)``.
        rest: the other items: a tuple without the image, or a dictionary with a placeholder for it.
        name: the name of the image in a dictionary; None for a tuple.
        as_image: whether the image came as ``tv_tensors.Image``.
    """

    image: Tensor
    rest: tuple[Any, ...] | dict[Any, Any]
    name: Any
    as_image: bool

    def with_image(self, image: Any) -> tuple[Any, ...] | dict[Any, Any]:
        return join(image, self.rest, self.name)


def join(image: Any, rest: Any, name: Any) -> tuple[Any, ...] | dict[Any, Any]:
    """Joins an image and the other items into a sample or a batch, in the data set's own form.

    >>> join("picture", (3,), None), join("picture", {"label": 3, "image": None}, "image")
    (('picture', 3), {'label': 3, 'image': 'picture'})
    """
    return {**rest, name: image} if isinstance(rest, dict) else (image, *rest)


def label_place(rest: Any) -> Any:
    """The place of the labels in the rest of a batch, if they are a tensor; else None.

    Labels are the second item of a tuple, or an entry with one of ``LABEL_NAMES``.
    """
    places = LABEL_NAMES if isinstance(rest, dict) else range(min(1, len(rest)))
    held = rest.get if isinstance(rest, dict) else rest.__getitem__
    return next((place for place in places if isinstance(held(place), Tensor)), None)


def read(dataset: Any, index: int) -> Sample:
    """Reads ``dataset[index]``, with its image as a tensor ``(C, H, W)``; errors name the sample.

    >>> import numpy
    >>> read([(numpy.zeros((4, 5, 3), numpy.uint8), 7)], 0).rest
    (7,)
    """
    check_index(dataset, index)
    return as_sample(fetch(dataset, index), index)


def check_index(dataset: Any, index: int) -> None:
    if not 0 <= index < len(dataset):
        raise IndexError(
            f"index must be in [0, {len(dataset)}), the length of the data set, got {index}; "
            "was the sampler built from this data set's labels?"
        )


def fetch(dataset: Any, index: int) -> Any:
    """Reads ``dataset[index]`` as it is; an error names the sample."""
    try:
        return dataset[index]
    except Exception as error:
        raise failure(dataset, index, error) from error


def failure(dataset: Any, index: int, error: Exception) -> RuntimeError:
    """The exception to raise for an error of ``dataset[index]``; it names the sample."""
    return RuntimeError(f"{_name(dataset, index)}: {with_advice(error)}")


def with_advice(error: Exception) -> str:
    """The text of a data set's error, with advice if there is any."""
    advice = _CUDA_ADVICE if "Cannot re-initialize CUDA" in str(error) else ""
    return f"{type(error).__name__}: {error}{advice}"


def as_sample(item: Any, index: int) -> Sample:
    """A sample of a data set, with its image as a tensor ``(C, H, W)``; ``index`` is for messages."""
    image, rest, name = _split(item, index)
    _check_one_image(rest, name, index)
    try:
        return Sample(to_tensor(image, index), rest, name, kind_of(image) == "Image")
    except OSError as error:  # Pillow reads pixels late: a truncated file raises here
        file = getattr(image, "filename", "") or type(image).__name__
        raise RuntimeError(f"sample {index} ({file}): {type(error).__name__}: {error}") from error


def _split(item: Any, index: int) -> tuple[Any, Any, Any]:
    if isinstance(item, Mapping):
        name = image_name(item, index)
        return item[name], {**item, name: None}, name
    if not isinstance(item, (tuple, list)) or len(item) < 2:
        found = f"{len(item)} items" if isinstance(item, (tuple, list)) else type(item).__name__
        raise TypeError(
            f"sample {index}: dataset[index] must be (image, label), a longer tuple that begins with the "
            f"image, or a dictionary with an image, got {found}"
        )
    return item[0], tuple(item[1:]), None


def image_name(item: Mapping[Any, Any], index: int) -> Any:
    """The name of the image in a dictionary."""
    for name in IMAGE_NAMES:
        if name in item:
            return name
    found = [name for name, value in item.items() if kind_of(value) == "Image" or is_pil(value)]
    if len(found) != 1:
        raise ValueError(
            f"sample {index}: a dictionary must have its image under 'image' or 'img', or hold exactly one "
            f"tv_tensors.Image or PIL image, got {len(found)} of these among {list(item)}"
        )
    return found[0]


def _check_one_image(rest: Any, name: Any, index: int) -> None:
    for key, value in rest.items() if isinstance(rest, dict) else enumerate(rest, start=1):
        if kind_of(value) in ("Image", "Video"):
            raise TypeError(
                f"sample {index}: a sample must have one image, got a tv_tensors.{kind_of(value)} at "
                f"[{key!r}] as well: wrap it in tv_tensors.Mask to move it with the image"
            )


def _name(dataset: Any, index: int) -> str:
    """The name of a sample for messages: "sample 3", with its path if the data set has ``samples``."""
    try:
        path = _path(dataset, index)
    except (LookupError, TypeError):
        # An index that a subset does not have. Reading it fails too, and that error is to be shown.
        path = None
    return f"sample {index}" if path is None else f"sample {index} ({path})"


def _path(dataset: Any, index: Any) -> Any:
    if isinstance(dataset, Subset):
        return _path(dataset.dataset, dataset.indices[index])
    if isinstance(dataset, ConcatDataset):
        index = range(len(dataset))[index]  # a subset's may be negative
        part = bisect_right(dataset.cumulative_sizes, index)
        return _path(dataset.datasets[part], index - [0, *dataset.cumulative_sizes][part])
    samples = getattr(dataset, "samples", None)
    if isinstance(samples, list) and len(samples) == len(dataset) and isinstance(samples[index], tuple):
        return samples[index][0]
    return None
