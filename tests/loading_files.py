"""Loaders of encoded images, for tests: JPEG of several forms and PNG, of different sizes."""

import io
import threading

import numpy as np
import torch
from encoded_images import encoded, jpeg, picture
from PIL import Image

import gpuaug

LABELS = [0] * 13 + [1] * 5
SIZES = np.random.default_rng(1).integers(40, 160, (len(LABELS), 2)).tolist()
FORMS = ["4:2:0", "4:4:4", "progressive"]
DATA = [
    encoded(picture(w, h, n), "PNG") if n % 5 == 4 else jpeg(w, h, FORMS[n % 3], n)
    for n, (w, h) in enumerate(SIZES)
]
DECODED = [np.array(Image.open(io.BytesIO(data)).convert("RGB")) for data in DATA]
DAMAGED = DATA[3][:-300]


def chain():
    moved = [gpuaug.RandomResizedCrop(16), gpuaug.RandomHorizontalFlip()]
    return gpuaug.Compose([*moved, gpuaug.ColorJitter(0.2), gpuaug.Normalize(0.5, 0.5)])


def make(data=DATA, augment=None, batch_size=4, *, labels=LABELS, sampler=None, files=None, **options):
    of_files = {name: options.pop(name) for name in ("reducing_gap", "on_error", "decode") if name in options}
    files = gpuaug.ImageFiles(data, labels, **of_files) if files is None else files
    sampler = sampler or gpuaug.BalancedSampler(labels, seed=3)
    return gpuaug.BalancedLoader(
        files, sampler, chain() if augment is None else augment, batch_size, **options
    )


def epoch(loader):
    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels)


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("gpuaug")]
