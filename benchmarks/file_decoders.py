"""The speed of decoding alone: plain loops that read and decode every file, and do nothing else.

A decoder is a function of a path, the image's size and a scale, 1 or 2. It returns uint8 (height, width, 3)
or (3, height, width), RGB.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from image_files import Size, paths_of
from PIL import Image

Decoder = Callable[[str, Size, int], Any]
NEAR = 2.0  # levels, the mean over an image: decoders upsample the colors differently


def pillow(path: str, size: Size, scale: int) -> Image.Image:
    image = Image.open(path)
    if scale > 1:
        image.draft("RGB", (size[0] // scale, size[1] // scale))
    image.load()
    return image


def torchvision(path: str, size: Size, scale: int) -> Any:
    from torchvision.io import decode_jpeg, read_file

    return decode_jpeg(read_file(path))


def opencv(path: str, size: Size, scale: int) -> Any:
    import cv2

    return cv2.imread(path, {1: cv2.IMREAD_COLOR_RGB, 2: cv2.IMREAD_REDUCED_COLOR_2}[scale])


def simplejpeg(path: str, size: Size, scale: int) -> Any:
    import simplejpeg

    smaller = {} if scale == 1 else {"min_width": size[0] // scale, "min_height": size[1] // scale}
    return simplejpeg.decode_jpeg(Path(path).read_bytes(), **smaller)


DECODERS: dict[str, tuple[str, Decoder, tuple[int, ...]]] = {  # the module, the function, and its scales
    "pillow": ("PIL", pillow, (1, 2)),
    "torchvision": ("torchvision", torchvision, (1,)),
    "opencv": ("cv2", opencv, (1, 2)),
    "simplejpeg": ("simplejpeg", simplejpeg, (1, 2)),
}
SCALES = {"whole": 1, "half": 2}


def loops(root: Path, size: Size, threads: int) -> dict[str, dict[str, Callable[[], int]]]:
    """A function that decodes every file, for "whole" and "half" and each installed decoder."""
    paths = [str(path) for path in paths_of(root)]
    found: dict[str, dict[str, Callable[[], int]]] = {name: {} for name in SCALES}
    for name, (module, decoder, scales) in DECODERS.items():
        if find_spec(module) is None:
            continue
        for which, scale in SCALES.items():
            if scale in scales:
                check(name, decoder, paths[0], size, scale)
                found[which][name] = partial(decode_all, decoder, paths, size, scale, threads)
    return found


def decode_all(decoder: Decoder, paths: list[str], size: Size, scale: int, threads: int) -> int:
    """Decodes all files and returns their number. Threads take the next path from one iterator."""
    left, failed = iter(paths), []

    def work() -> None:
        try:
            for path in left:
                decoder(path, size, scale)
        except Exception as error:
            failed.append(error)

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failed:
        raise failed[0]
    return len(paths)


def check(name: str, decoder: Decoder, path: str, size: Size, scale: int) -> None:
    """Checks that the pixels are those of Pillow."""
    expected, found = (np.asarray(one(path, size, scale)) for one in (pillow, decoder))
    if found.shape[0] == 3:
        found = found.transpose(1, 2, 0)
    if name == "opencv" and scale > 1:
        found = found[..., ::-1]  # OpenCV has no flag for RGB and half size at once
    assert found.shape == expected.shape, f"{name} decodes to {found.shape}, Pillow to {expected.shape}"
    difference = np.abs(found.astype(int) - expected).mean()
    assert difference <= NEAR, f"{name} differs from Pillow by {difference:.1f} levels, at most {NEAR}"


def best_rates(decoders: dict[str, dict[str, dict[str, Any]]]) -> dict[str, float]:
    """The images per second of the fastest decoder, for whole images and halves.

    A loader that decodes windows may be faster.

    >>> best_rates({"whole": {"a": {"images_per_second": 3.0}, "b": {"images_per_second": 5.0}}, "half": {}})
    {'whole': 5.0}
    """
    rates = {which: [row["images_per_second"] for row in rows.values()] for which, rows in decoders.items()}
    return {which: max(found) for which, found in rates.items() if found}
