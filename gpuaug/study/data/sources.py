"""The images of a study: where they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gpuaug import Resize
from gpuaug.study import extras
from gpuaug.study.data.folder import load_folder
from gpuaug.study.data.request import Request, refuse_holdout
from gpuaug.study.data.study_data import StudyData, choose
from gpuaug.study.spelling import did_you_mean


def load(request: Request) -> StudyData:
    """The images of a source, of the classes asked for and in their order.

    >>> data = load(Request("embedded"))
    >>> data.classes, data.train_images.shape, data.counts()
    (('t-shirt', 'shirt'), torch.Size([4000, 1, 28, 28]), {'t-shirt': 2000, 'shirt': 2000})

    Raises:
        ValueError: no such folder, an unknown class, fewer than two classes.
        RuntimeError: a package, a file or a download that is missing; an image that cannot be decoded.
    """
    if request.source in SOURCES:
        refuse_holdout(request, f"{request.source} has a test part")
        data = SOURCES[request.source](request)
        return data if request.size is None else resized(data, request.size)
    extras.require(*extras.IMAGE_FILES)
    root = Path(request.source)
    if not root.is_dir():
        raise ValueError(
            f"data must be {', '.join(map(repr, SOURCES))} or a folder, with train/ and test/ or with a "
            f"folder for every class; {root} is not a folder{did_you_mean(SOURCES, request.source)}"
        )
    return load_folder(root, request)


def resized(data: StudyData, size: int) -> StudyData:
    """The images at ``size`` pixels square: bilinear, antialiased where that shrinks them."""
    resize = Resize((size, size), seed=0)
    return replace(data, train_images=resize(data.train_images), test_images=resize(data.test_images))


def load_embedded(request: Request) -> StudyData:
    """T-shirts and shirts of Fashion-MNIST, in the file beside this one; ``embedded/make.py`` made it."""
    file = resources.files("gpuaug.study.data") / "embedded" / "fashion_shirts.npz"
    with file.open("rb") as stream, np.load(stream) as arrays:
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return choose(
        ("t-shirt", "shirt"),
        request.classes,
        tensors["train_images"][:, None],
        tensors["train_labels"],
        tensors["test_images"][:, None],
        tensors["test_labels"],
    )


def load_cifar(name: str, default: Sequence[str] | None, request: Request) -> StudyData:
    """CIFAR-10 or CIFAR-100, through torchvision."""
    train, test = torchvision_splits(name, name.replace("-", ""), request)
    arrays = [
        (torch.from_numpy(split.data).permute(0, 3, 1, 2), torch.tensor(split.targets))
        for split in (train, test)
    ]
    return choose(tuple(train.classes), request.classes or default, *arrays[0], *arrays[1])


def load_fashion_mnist(request: Request) -> StudyData:
    """The ten classes of Fashion-MNIST, through torchvision."""
    train, test = torchvision_splits("Fashion-MNIST", "FashionMNIST", request)
    return choose(
        tuple(train.classes),
        request.classes,
        train.data[:, None],
        train.targets,
        test.data[:, None],
        test.targets,
    )


def torchvision_splits(name: str, dataset: str, request: Request) -> tuple[Any, Any]:
    """The training and the test part of one of torchvision's data sets."""
    from torchvision import datasets

    read = getattr(datasets, dataset)
    try:
        train, test = (read(request.root, train=part, download=request.download) for part in (True, False))
    except RuntimeError as error:
        raise RuntimeError(
            f"{name} is not in the root folder {request.root}, or not whole; download (--download) gets it"
        ) from error
    return train, test


SOURCES: dict[str, Callable[[Request], StudyData]] = {
    "embedded": load_embedded,
    "cifar10": partial(load_cifar, "CIFAR-10", ("cat", "dog")),
    "cifar100": partial(load_cifar, "CIFAR-100", None),
    "fashion-mnist": load_fashion_mnist,
}
