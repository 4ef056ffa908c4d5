"""One augmentation chain, as gpuaug and its peers express it: each a function that makes a batch.

The chain: a random window of 20/32 of the side, bilinear back to the side, a horizontal flip of half of the
images, a 5x5 Gaussian of sigma 1, 25 % salt and pepper (60 % of it salt), normalised float32 NCHW; from
uint8 images, with parameters of its own for every image.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue

import numpy as np
import torch
from torch import Tensor

MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
SIGMA, AMOUNT, SALT = 1.0, 0.25, 0.6

Run = Callable[[], Tensor]


@dataclass(frozen=True)
class Case:
    side: int
    batch: int
    threads: int

    @property
    def window(self) -> int:
        return self.side * 20 // 32

    def __str__(self) -> str:
        return f"{self.side} px, batch {self.batch}"


# ---- Whole batches


@contextmanager
def gpuaug_batch(case: Case, images: Tensor) -> Iterator[Run]:
    import gpuaug

    augment = gpuaug.Compose(
        [
            gpuaug.RandomCrop(case.window),
            gpuaug.Resize(case.side),
            gpuaug.RandomHorizontalFlip(),
            gpuaug.GaussianBlur(5, sigma=SIGMA),
            gpuaug.SaltAndPepper(AMOUNT, SALT),
            gpuaug.Normalize(MEAN, STD),
        ]
    )
    yield lambda: augment(images)


@contextmanager
def kornia_batch(case: Case, images: Tensor) -> Iterator[Run]:
    import kornia.augmentation as K

    size = (case.side, case.side)
    augment = K.AugmentationSequential(
        K.RandomCrop((case.window, case.window)),
        K.Resize(size),
        K.RandomHorizontalFlip(p=0.5),
        K.RandomGaussianBlur((5, 5), (SIGMA, SIGMA), p=1.0),
        K.RandomSaltAndPepperNoise(amount=AMOUNT, salt_vs_pepper=SALT, p=1.0),
        K.Normalize(torch.tensor(MEAN), torch.tensor(STD)),
        data_keys=["input"],
    )
    yield lambda: augment(images.float().div(255))


@contextmanager
def dali_batch(case: Case, images: Tensor) -> Iterator[Run]:
    from nvidia.dali import fn, pipeline_def, types

    samples = list(np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy()))

    @pipeline_def(batch_size=case.batch, num_threads=case.threads, device_id=None, seed=1)
    def chain():
        image = fn.external_source(lambda: samples, layout="HWC", no_copy=True)
        place = {"crop_pos_x": fn.random.uniform(range=(0, 1)), "crop_pos_y": fn.random.uniform(range=(0, 1))}
        image = fn.crop(image, crop=(case.window, case.window), **place)
        linear = types.DALIInterpType.INTERP_LINEAR
        image = fn.resize(image, size=(case.side, case.side), interp_type=linear, antialias=False)
        image = fn.flip(image, horizontal=fn.random.coin_flip(probability=0.5))
        image = fn.gaussian_blur(image, window_size=5, sigma=SIGMA)
        image = fn.noise.salt_and_pepper(image, prob=AMOUNT, salt_vs_pepper=SALT)
        scaled = {"mean": [255 * m for m in MEAN], "std": [255 * s for s in STD]}
        return fn.crop_mirror_normalize(image, dtype=types.FLOAT, output_layout="CHW", **scaled)

    pipeline = chain()
    pipeline.build()
    yield lambda: torch.from_numpy(np.asarray(pipeline.run()[0].as_tensor()))


# ---- One image at a time, in a process for each thread; nothing is sent back, which favours them


def torchvision_sample(case: Case) -> Callable[[Tensor], Tensor]:
    from torchvision.transforms import v2

    def salt_and_pepper(image: Tensor) -> Tensor:  # torchvision has none
        chance = torch.rand(image.shape[-2:])
        return image.masked_fill(chance < AMOUNT, 0).masked_fill(chance < AMOUNT * SALT, 255)

    return v2.Compose(
        [
            v2.RandomCrop(case.window),
            v2.Resize(case.side, antialias=False),
            v2.RandomHorizontalFlip(),
            v2.GaussianBlur(5, sigma=SIGMA),
            salt_and_pepper,
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )


def albumentations_sample(case: Case) -> Callable[[Tensor], Tensor]:
    import albumentations as A
    import cv2
    from albumentations.pytorch import ToTensorV2

    cv2.setNumThreads(1)
    chain = A.Compose(
        [
            A.RandomCrop(case.window, case.window),
            A.Resize(case.side, case.side, interpolation=cv2.INTER_LINEAR),
            A.HorizontalFlip(p=0.5),
            A.GaussianBlur(blur_limit=(5, 5), sigma_limit=(SIGMA, SIGMA), p=1.0),
            A.SaltAndPepper(amount=(AMOUNT, AMOUNT), salt_vs_pepper=(SALT, SALT), p=1.0),
            A.Normalize(MEAN, STD),
            ToTensorV2(),
        ]
    )
    return lambda image: chain(image=image)["image"]


class _Worker:
    """What a process keeps: its transform and its share of the images."""

    transform: Callable[[Tensor], Tensor]
    images: list

    @classmethod
    def start(cls, make: Callable[[Case], Callable], case: Case, images: Tensor, seeds: Queue) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(seeds.get())
        share = images[: case.batch // case.threads]
        # Albumentations takes arrays (H, W, C), torchvision tensors (C, H, W).
        as_array = make is albumentations_sample
        cls.images = list(np.ascontiguousarray(share.permute(0, 2, 3, 1)) if as_array else share)
        cls.transform = staticmethod(make(case))

    @classmethod
    def run(cls, send: bool) -> Tensor | None:
        out = torch.stack([cls.transform(image) for image in cls.images])
        return out if send else None


def per_sample(make: Callable[[Case], Callable]) -> Callable[[Case, Tensor], Iterator[Run]]:
    @contextmanager
    def batch(case: Case, images: Tensor) -> Iterator[Run]:
        make(case)  # a missing library is noticed here, not in the processes
        fork = multiprocessing.get_context("fork")
        seeds = fork.Queue()
        for seed in range(case.threads):
            seeds.put(seed)
        with fork.Pool(case.threads, _Worker.start, (make, case, images, seeds)) as pool:

            def run(send: bool = False) -> Tensor | None:
                parts = pool.map(_Worker.run, [send] * case.threads, chunksize=1)
                return torch.cat(parts) if send else None

            run.result = lambda: run(send=True)
            yield run

    return batch


PEERS = {
    "gpuaug": gpuaug_batch,
    "torchvision": per_sample(torchvision_sample),
    "kornia": kornia_batch,
    "albumentations": per_sample(albumentations_sample),
    "dali": dali_batch,
}
