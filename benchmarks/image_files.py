"""Makes folders of JPEG files, with a folder for every class, as for torchvision's ``ImageFolder``.

Photographs are a mosaic of the scenes in ``../shared/data/intel-scenes.zip``, enlarged, with grain. Without
that file they are noise with a photograph's spectrum, 1/f. The same numbers make the same files.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

SCENES = Path(__file__).resolve().parents[2] / "shared" / "data" / "intel-scenes.zip"
QUALITY, HALF_CHROMA = 90, 2  # as of cameras and ImageNet: 4:2:0
CLASSES = ("first", "second")
ENLARGED = {False: 2.0, True: 3.0}  # scenes by this: so the bytes a pixel are those of photographs
GRAIN = {False: 3.0, True: 2.0}  # levels
LARGE = 1_000_000  # pixels; by whether an image has more
READ = 1024  # scenes

Size = tuple[int, int]  # width and height in pixels
Make = Callable[[int], np.ndarray]  # from the number of a file to uint8 (height, width, 3)


def write_photographs(root: Path, size: Size, count: int) -> Path:
    """Writes ``count`` files, half of them in each class; existing files are kept."""
    scenes = list(_scenes()) if SCENES.exists() else []
    make = partial(mosaic, scenes, size) if scenes else partial(pink_noise, size)
    return write_folder(root, make, count)


def write_ramps(root: Path, size: Size, count: int) -> Path:
    """Writes files that show the cut window: red grows across, green down, and blue is that of the class."""
    return write_folder(root, partial(ramps, size), count)


def write_folder(root: Path, make: Make, count: int) -> Path:
    def write(number: int) -> None:
        path = root / CLASSES[number % len(CLASSES)] / f"{number:05}.jpg"
        if path.exists():
            return
        begun = path.with_suffix(".begun")  # so that an interrupted run leaves no incomplete file
        Image.fromarray(make(number)).save(begun, "JPEG", quality=QUALITY, subsampling=HALF_CHROMA)
        begun.rename(path)

    for name in CLASSES:
        (root / name).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(count)))
    return root


def mosaic(scenes: list[Image.Image], size: Size, number: int) -> np.ndarray:
    width, height = size
    random = np.random.default_rng(number)
    large = width * height > LARGE
    side = round(ENLARGED[large] * scenes[0].width)
    canvas = Image.new("RGB", size)
    for top in range(0, height, side):
        for left in range(0, width, side):
            scene = scenes[random.integers(len(scenes))]
            canvas.paste(scene.resize((side, side), Image.Resampling.BICUBIC), (left, top))
    grain = random.standard_normal((height, width, 1), dtype=np.float32) * GRAIN[large]
    return (np.asarray(canvas) + grain).clip(0, 255).astype(np.uint8)


def pink_noise(size: Size, number: int) -> np.ndarray:
    """Noise with amplitudes of 1/f. The channels share most of it, as in photographs."""
    width, height = size
    random = np.random.default_rng(number)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    frequency[0, 0] = np.inf  # removes the mean
    shared, own = random.standard_normal((1, height, width)), random.standard_normal((3, height, width))
    white = np.fft.rfft2(shared + 0.3 * own)
    pink = np.fft.irfft2(white / frequency, s=(height, width))
    levels = 127 + 50 * pink / pink.std()
    return levels.clip(0, 255).astype(np.uint8).transpose(1, 2, 0)


def ramps(size: Size, number: int) -> np.ndarray:
    width, height = size
    image = np.empty((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, width)
    image[..., 1] = np.linspace(0, 255, height)[:, None]
    image[..., 2] = (64, 192)[number % len(CLASSES)]
    return image


def paths_of(root: Path) -> list[Path]:
    return sorted(root.glob("*/*.jpg"))


def megabytes(root: Path) -> float:
    return sum(path.stat().st_size for path in paths_of(root)) / 1e6


def _scenes() -> Iterator[Image.Image]:
    with zipfile.ZipFile(SCENES) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        for name in names[:: max(1, len(names) // READ)]:
            yield Image.open(io.BytesIO(archive.read(name))).convert("RGB")
