"""The command ``preview``: a sheet of what a transform makes of a folder's images."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gpuaug.study import extras
from gpuaug.study.cli.options import number, techniques

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

    from gpuaug.study.arms.chains import Chain

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
EPILOG = """\
A CHAIN is a technique of the study (with its strength) or a transform of gpuaug, or several joined by +:
"hflip", "crop(0.8) + hflip", "RandomResizedCrop(64, scale=(0.5, 1.0)) + GaussianBlur(sigma=(0.1, 2.0))".

{techniques}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m gpuaug preview``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = "Draws a sheet: some images of a folder, each with a few draws of a transform."
    parser.epilog = EPILOG.format(techniques=techniques())
    parser.add_argument(
        "--data", type=Path, required=True, help="a folder; images in folders below count too"
    )
    parser.add_argument(
        "--transform", required=True, metavar="CHAIN", help="techniques or transforms, by name"
    )
    parser.add_argument("--out", type=Path, required=True, help="the sheet, a PNG file")
    parser.add_argument(
        "--images",
        type=number(int, 1),
        default=4,
        help="how many, from all over the folder (default: %(default)s)",
    )
    parser.add_argument(
        "--draws", type=number(int, 1), default=4, help="of each image (default: %(default)s)"
    )
    parser.add_argument("--seed", type=number(int, 0), default=0, help="of the keys (default: %(default)s)")


def run(arguments: argparse.Namespace) -> str:
    """Write the sheet; a line that says what is on it.

    Raises:
        ValueError: a folder without images, an unknown transform, arguments that one refuses, a file that is
            no PNG's.
        RuntimeError: a package that is missing, an image that cannot be decoded.
        OSError: a sheet that cannot be written.
    """
    extras.require("matplotlib", "PIL")
    from gpuaug.study.arms.chains import read_chain

    if arguments.out.suffix.lower() != ".png":
        raise ValueError(f"out must be a .png file, got {arguments.out}")
    chain = read_chain(arguments.transform)
    files = image_files(arguments.data)
    chosen = spread(len(files), arguments.images)
    figure = draw_preview(
        [
            (index, files[index].relative_to(arguments.data).as_posix(), read(files[index]))
            for index in chosen
        ],
        chain,
        arguments.draws,
        arguments.seed,
    )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.out, dpi=100)
    count = f"{len(chosen)} of {len(files):,} images, {arguments.draws} draws each"
    return f"{arguments.out}: {count} of {chain.text}"


def image_files(folder: Path) -> list[Path]:
    """The folder's images and those of the folders below, in the order of their paths.

    Raises:
        ValueError: no folder, or none with an image.
    """
    if not folder.is_dir():
        raise ValueError(f"data must be a folder, and {folder} is not")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise ValueError(f"data must hold images ({', '.join(SUFFIXES)}), and {folder} has none")
    return files


def spread(count: int, wanted: int) -> list[int]:
    """Numbers from all over ``range(count)``.

    >>> spread(100, 4), spread(2, 4)
    ([0, 25, 50, 75], [0, 1])
    """
    return list(range(count)) if wanted >= count else [place * count // wanted for place in range(wanted)]


def read(path: Path) -> Tensor:
    """An image, uint8 ``(3, H, W)``.

    Raises:
        RuntimeError: a file that cannot be decoded, or is a decompression bomb.
    """
    import numpy as np
    import torch

    from gpuaug.study.data.decoder import Decoder

    try:
        image = Decoder(None)(str(path))
    except Exception as error:  # Pillow's readers raise errors of many types on broken files
        raise RuntimeError(f"{path} cannot be decoded: {error}") from error
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def draw_preview(images: list[tuple[int, str, Tensor]], chain: Chain, draws: int, seed: int) -> Figure:
    """A line for each image (number, name, pixels): the original, then its draws with their keys."""
    from matplotlib.figure import Figure

    from gpuaug.study.report.gallery import copies_of

    figure = Figure(figsize=(2.0 * (draws + 1), 2.3 * len(images) + 0.4), layout="constrained")
    figure.suptitle(f"{chain.text}, seed {seed}", fontsize=9)
    grid = figure.subplots(len(images), draws + 1, squeeze=False)
    for line, (index, name, image) in zip(grid, images, strict=True):
        keyed = copies_of(index, draws, seed)
        show(line[0], image, f"{name}\nindex {index}, {image.shape[2]} x {image.shape[1]}")
        copies = augment(chain, image, keyed)
        for place, pixels, (_, copy, key) in zip(line[1:], copies, keyed.tolist(), strict=True):
            show(place, pixels, f"copy {copy}\nkey {key % 2**64:016x}")
    return figure


def augment(chain: Chain, image: Tensor, draws: Tensor) -> Tensor:
    """The draws of one image: uint8 ``(n, 3, height, width)``."""
    import torch

    from gpuaug import Compose

    transform = Compose(chain(*image.shape[1:]))
    return transform(image[None], draws, index=torch.zeros(len(draws), dtype=torch.int64))


def show(place: Axes, image: Tensor, title: str) -> None:
    place.imshow(image.permute(1, 2, 0).numpy())
    place.set_title(title, fontsize=6)
    place.set_axis_off()
