"""Checks that a library's output is that of the chain of ``file_loaders.py``, before it is timed.

Whole photographs must look like those from Pillow; each must come once, with its class. Ramps show for each
result which window was cut, and whether it was flipped: sizes and shares must be those of RandomResizedCrop.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from case import Case
from file_loaders import SIDE, Batches, FileCase, Library
from image_files import Size, paths_of
from PIL import Image
from probes import SIGMAS, levels_of, near, share

BATCH = 8
EPOCHS = 16
FURTHEST = 3.0  # levels, the mean over an image: decoders upsample colors, and filters end, differently
ROUNDING = 0.01  # the precision of a window's side, from levels


def check(library: Library, photographs: Path, ramps: Path, size: Size) -> None:
    """Raises AssertionError if a check fails. Both folders hold files of ``size``, in whole batches of 8."""
    with library(FileCase.whole(photographs, size, BATCH)) as epoch:
        check_photographs(epoch(), photographs)
    with library(FileCase(ramps, batch=BATCH)) as epoch:
        check_windows([batch for _ in range(EPOCHS) for batch in epoch_of(epoch())], size)


def epoch_of(batches: Batches) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """An epoch as levels (n, 3, 224, 224), and its labels."""
    for images, labels in batches:
        least, most = images.min(), images.max()
        assert torch.isfinite(images).all(), f"results must be finite, got {least} to {most}"
        labels = labels.numpy().copy()  # copied, as the next batch may reuse the memory
        yield levels_of(Case("resize", SIDE, len(labels), threads=1), images), labels


def check_photographs(batches: Batches, root: Path) -> None:
    paths = paths_of(root)
    classes = sorted({path.parent.name for path in paths})
    expected = np.stack([resized(path) for path in paths])
    seen: list[int] = []
    for images, labels in epoch_of(batches):
        assert images.min() >= -2, f"levels must be at least 0, got {images.min()}"
        assert images.max() <= 257, f"levels must be at most 255, got {images.max()}"
        for image, label in zip(images, labels, strict=True):
            differences = np.abs(expected - image).mean((1, 2, 3))
            found = int(differences.argmin())
            near("difference from Pillow in levels", differences[found], 0, FURTHEST)
            assert classes[label] == paths[found].parent.name, f"{paths[found]} has the label {label}"
            seen.append(found)
    assert sorted(seen) == list(range(len(paths))), f"an epoch must have every file once, got {sorted(seen)}"


def resized(path: Path) -> np.ndarray:
    """The image of a file, resized by Pillow: float32 (3, 224, 224)."""
    image = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32).transpose(2, 0, 1)


def check_windows(batches: list[tuple[np.ndarray, np.ndarray]], size: Size) -> None:
    images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert ((images[:, 2].mean((1, 2)) > 128) == labels).all(), "an image has another class's label"
    across, down = slope(images[:, 0].mean(1)), slope(images[:, 1].mean(2))
    share("of flips", across < 0, FileCase.flip)
    windows = expected_windows(size)
    for what, found, expected in (
        ("width", np.abs(across), windows[:, 0]),
        ("height", down, windows[:, 1]),
        ("area", np.abs(across) * down, windows.prod(1)),
    ):
        error = SIGMAS * expected.std() / len(found) ** 0.5 + ROUNDING
        near(f"mean {what} of a window, as a share,", found.mean(), expected.mean(), error)
        near(f"spread of {what}", found.std(), expected.std(), error)


def slope(levels: np.ndarray) -> np.ndarray:
    """The rise of ramps (n, 224) over the whole side, as a share of 255."""
    places = np.arange(SIDE) - (SIDE - 1) / 2
    return levels @ places / (places @ places) * SIDE / 255


def expected_windows(size: Size, draws: int = 4096) -> np.ndarray:
    """The widths and heights of torchvision's windows as shares of the image's, float64 (draws, 2)."""
    from torchvision.transforms import RandomResizedCrop

    image = torch.empty(0, size[1], size[0])
    case = FileCase(Path())
    found = [RandomResizedCrop.get_params(image, case.scale, case.ratio) for _ in range(draws)]
    return np.array([(width / size[0], height / size[1]) for _, _, height, width in found])
