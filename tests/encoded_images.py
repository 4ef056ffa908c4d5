"""Encoded images for tests: pictures with edges and colour, in every form that files come in."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """Blocks of colour, blended and with noise: no two pixels, rows or blocks of a JPEG are alike."""
    random = np.random.default_rng([seed, width, height])
    coarse = random.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    noisy = smooth + random.normal(0, 9, (height, width, 1))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


JPEGS = {
    "4:4:4": {"subsampling": "4:4:4"},
    "4:2:2": {"subsampling": "4:2:2"},
    "4:2:0": {"subsampling": "4:2:0"},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 3},
    "coarse": {"quality": 30},
    "icc": {"icc_profile": bytes(70_000)},  # more than one segment
}


def jpeg(width: int = 97, height: int = 64, form: str = "4:2:0", seed: int = 0, **options) -> bytes:
    return encoded(picture(width, height, seed), **{"quality": 90, **JPEGS[form], **options})
