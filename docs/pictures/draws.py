"""``draws.png``: one cat as an epoch draws it, the original and the copies that balancing adds.

python docs/pictures/draws.py            # fails where the file shows something else
python docs/pictures/draws.py --write    # writes it
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageDraw

import gpuaug

FILE = Path(__file__).with_name("draws.png")
SIZE, GAP, IN_A_ROW, COUNT = 120, 6, 6, 12
LIMIT = 150_000  # bytes: the README shows it
COLORS = 160
FRAME = (10, 70, 230)


def draws() -> torch.Tensor:
    """The draws of one cat among twelve dogs, in the order of their copies."""
    sampler = gpuaug.BalancedSampler([0, *[1] * COUNT], seed=286)
    rows = sampler.draws()
    cats = rows[rows[:, 0] == 0]
    return cats[cats[:, 1].argsort()]


def batch() -> torch.Tensor:
    """The cat in each of its draws, uint8 ``(COUNT, 3, SIZE, SIZE)``; the original first, as it is."""
    photograph = Image.fromarray(skimage.data.chelsea()).crop((75, 0, 375, 300))
    cat = photograph.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    images = torch.from_numpy(np.array(cat)).permute(2, 0, 1)
    augment = gpuaug.Compose(
        [
            gpuaug.RandomResizedCrop(SIZE, scale=(0.5, 1.0)),
            gpuaug.RandomHorizontalFlip(),
            gpuaug.RandomRotation(15, padding_mode="reflect"),
            gpuaug.ColorJitter(brightness=0.25, contrast=0.2, saturation=0.4, hue=0.03),
            gpuaug.RandomApply([gpuaug.CutOut(40, fill=128)], p=0.4),
        ],
        apply_to="copies",
        seed=0,
    )
    return augment(images.expand(COUNT, -1, -1, -1).contiguous(), draws())


def picture(images: torch.Tensor) -> bytes:
    """The images in rows: a PNG of a palette. The original, the first, has a frame."""
    step = SIZE + GAP
    rows = -(-len(images) // IN_A_ROW)
    sheet = Image.new("RGB", (IN_A_ROW * step - GAP, rows * step - GAP), "white")
    for at, image in enumerate(images):
        tile = Image.fromarray(image.permute(1, 2, 0).numpy())
        sheet.paste(tile, (at % IN_A_ROW * step, at // IN_A_ROW * step))
    ImageDraw.Draw(sheet).rectangle((0, 0, SIZE - 1, SIZE - 1), outline=FRAME, width=3)
    file = io.BytesIO()
    sheet.quantize(COLORS, dither=Image.Dither.FLOYDSTEINBERG).save(file, "PNG", optimize=True)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    wanted = picture(batch())
    if len(wanted) > LIMIT:
        raise SystemExit(f"{FILE.name} would have {len(wanted)} bytes, more than {LIMIT}")
    if parser.parse_args().write:
        FILE.write_bytes(wanted)
        print(f"{FILE.name}: {len(wanted)} bytes", file=sys.stderr)
    elif not FILE.exists() or not same(FILE.read_bytes(), wanted):
        raise SystemExit(f"{FILE.name} does not show these draws: run with --write")


def same(one: bytes, other: bytes) -> bool:
    """Whether two files show the same pixels: compression differs between versions of Pillow."""
    first, second = (Image.open(io.BytesIO(file)).convert("RGB") for file in (one, other))
    return first.size == second.size and first.tobytes() == second.tobytes()


if __name__ == "__main__":
    main()
