"""The chains of ``case.py`` in each library, written as its documentation recommends for speed.

Each function is a context manager that returns a ``Run``. The time for converting the images to the layout
that a library needs is not counted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch
from case import AMOUNT, DEGREES, JITTER, MEAN, SALT, SCALE, SIGMA, STD, Case
from processes import Sample, run_per_sample
from timing import Run
from torch import Tensor, nn

AREA = (20 / 32) ** 2  # the area of the window, as a share of the image's
HOLE = {"scale": (1 / 16, 1 / 16), "ratio": (1.0, 1.0), "value": 0}  # of the image's area, a square
FACTORS = (1 - JITTER, 1 + JITTER)


# ---- Whole batches


def gpuaug_chain(case: Case) -> Callable[..., Tensor]:
    import gpuaug

    window = [gpuaug.RandomCrop(case.window), gpuaug.Resize(case.side)]
    noise = gpuaug.SaltAndPepper(AMOUNT, SALT)
    options = [gpuaug.Compose(window), gpuaug.RandomHorizontalFlip(p=1.0), noise]
    turn = [gpuaug.RandomAffine(DEGREES, scale=SCALE), gpuaug.RandomHorizontalFlip()]
    stages = {
        "full": [*window, gpuaug.RandomHorizontalFlip(), gpuaug.GaussianBlur(5, sigma=SIGMA), noise],
        "resize": [*window, gpuaug.RandomHorizontalFlip()],
        "one of": [gpuaug.OneOf(options)],
        "turn": [*turn, gpuaug.ColorJitter(JITTER, JITTER, JITTER), gpuaug.RandomErasing(1.0, **HOLE)],
    }
    return gpuaug.Compose([*stages[case.chain], gpuaug.Normalize(MEAN, STD)])


@contextmanager
def gpuaug_batch(case: Case, images: Tensor) -> Iterator[Run]:
    """gpuaug: parameters, recipes and the kernel."""
    augment = gpuaug_chain(case)
    yield Run(lambda: augment(images))


@contextmanager
def kornia_batch(case: Case, images: Tensor) -> Iterator[Run]:
    import kornia.augmentation as K

    # kornia recommends "slice" for efficiency; on a GPU it costs several launches for each image.
    mode = "slice" if case.device == "cpu" else "resample"
    window = [K.RandomCrop((case.window,) * 2, cropping_mode=mode)]
    window += [K.Resize((case.side,) * 2, align_corners=False)]
    noise = K.RandomSaltAndPepperNoise(amount=AMOUNT, salt_vs_pepper=SALT, p=1.0)
    normalize = K.Normalize(*(torch.tensor(values, device=case.device) for values in (MEAN, STD)))
    blur = K.RandomGaussianBlur((5, 5), (SIGMA, SIGMA), p=1.0)
    turn = [K.RandomAffine(DEGREES, scale=SCALE, p=1.0), K.RandomHorizontalFlip(p=0.5)]
    stages = {
        "full": [*window, K.RandomHorizontalFlip(p=0.5), blur, noise],
        "resize": [*window, K.RandomHorizontalFlip(p=0.5)],
        "turn": [*turn, K.ColorJitter(JITTER, JITTER, JITTER, p=1.0), K.RandomErasing(p=1.0, **HOLE)],
    }
    if case.chain == "one of":
        options = [nn.Sequential(*window), K.RandomHorizontalFlip(p=1.0), noise]
        augment = nn.Sequential(_KorniaOneOf(options), normalize)
    else:
        augment = K.AugmentationSequential(*stages[case.chain], normalize, data_keys=["input"])
    augment.to(case.device)

    @torch.no_grad()
    def batch() -> Tensor:
        return augment(images.float().div(255))

    yield Run(batch)


class _KorniaOneOf(nn.Module):
    """Chooses one option for each image and runs each image separately; kornia chooses one for a batch."""

    def __init__(self, options: list[nn.Module]) -> None:
        super().__init__()
        self.options = nn.ModuleList(options)

    def forward(self, images: Tensor) -> Tensor:
        choice = torch.randint(len(self.options), (len(images),))
        out = torch.empty_like(images)
        for number, option in enumerate(self.options):
            chosen = (choice == number).nonzero()[:, 0].to(images.device)
            if len(chosen):
                out[chosen] = option(images[chosen])
        return out


@contextmanager
def dali_batch(case: Case, images: Tensor) -> Iterator[Run]:
    """DALI's CPU operators. The result stays in DALI's memory, which a later batch reuses."""
    from nvidia import dali
    from nvidia.dali import fn, pipeline_def, types

    source = np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy())
    # With one thread, the time of a call; with more, the next batch is prepared meanwhile.
    ahead = case.threads > 1
    executor = {"exec_pipelined": ahead, "exec_async": ahead, "enable_conditionals": True}

    def resized_window(image):
        one = {"random_area": [AREA, AREA], "random_aspect_ratio": [1.0, 1.0]}
        linear = {"interp_type": types.DALIInterpType.INTERP_LINEAR, "antialias": False}
        return fn.random_resized_crop(image, size=(case.side, case.side), **one, **linear)

    def noise(image):
        return fn.noise.salt_and_pepper(image, prob=AMOUNT, salt_vs_pepper=SALT)

    def turned(image):
        middle, factor = [case.side / 2, case.side / 2], fn.random.uniform(range=SCALE)
        matrix = fn.transforms.combine(
            fn.transforms.rotation(angle=fn.random.uniform(range=[-DEGREES, DEGREES]), center=middle),
            fn.transforms.scale(scale=fn.stack(factor, factor), center=middle),
        )
        return fn.warp_affine(image, matrix=matrix, inverse_map=False, fill_value=0)

    def recolored(image):
        names = ("brightness", "contrast", "saturation")
        return fn.color_twist(image, **{name: fn.random.uniform(range=FACTORS) for name in names})

    def erased(image):
        corners = fn.random.uniform(range=[0, case.side - case.hole + 1], shape=(2,))
        return fn.erase(image, anchor=dali.math.floor(corners), shape=[case.hole] * 2)

    @pipeline_def(batch_size=case.batch, num_threads=case.threads, device_id=None, seed=1, **executor)
    def chain():
        image = fn.external_source(lambda: source, layout="HWC", no_copy=True)
        if case.chain == "one of":
            option = fn.random.uniform(values=[0, 1, 2], dtype=types.INT32)
            mirror = fn.cast(option == 1, dtype=types.INT32)
            if option == 0:
                image = resized_window(image)
            elif option == 2:
                image = noise(image)
        else:
            mirror = fn.random.coin_flip(probability=0.5)
            image = turned(image) if case.chain == "turn" else resized_window(image)
            if case.chain == "full":
                image = noise(fn.gaussian_blur(image, window_size=5, sigma=SIGMA))
            elif case.chain == "turn":
                image = erased(recolored(image))
        scale = {"mean": [255 * m for m in MEAN], "std": [255 * s for s in STD]}
        result = {"dtype": types.FLOAT, "output_layout": "CHW"}
        # The flip may come last, with the normalization, as no other step depends on it.
        return fn.crop_mirror_normalize(image, mirror=mirror, **scale, **result)

    pipeline = chain()
    pipeline.build()
    yield Run(lambda: torch.from_numpy(np.asarray(pipeline.run()[0].as_tensor())), works_ahead=ahead)


# ---- One image at a time


def torchvision_sample(case: Case) -> Sample:
    from torchvision.transforms import v2

    def noise(image: Tensor) -> Tensor:  # torchvision has none
        chance = torch.rand(image.shape[-2:], device=image.device)
        return image.masked_fill(chance < AMOUNT, 0).masked_fill(chance < AMOUNT * SALT, 255)

    window = [v2.RandomCrop(case.window), v2.Resize(case.side, antialias=False)]
    options = [v2.Compose(window), v2.RandomHorizontalFlip(p=1.0), noise]
    stages = {
        "full": [*window, v2.RandomHorizontalFlip(), v2.GaussianBlur(5, sigma=SIGMA), noise],
        "resize": [*window, v2.RandomHorizontalFlip()],
        "one of": [v2.RandomChoice(options)],
        "turn": [
            v2.RandomAffine(DEGREES, scale=SCALE, interpolation=v2.InterpolationMode.BILINEAR),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(JITTER, JITTER, JITTER),
            v2.RandomErasing(1.0, **HOLE),
        ],
    }
    output = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    return lambda image: torch.from_numpy(image).to(case.device), v2.Compose([*stages[case.chain], *output])


def albumentations_sample(case: Case) -> Sample:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else it asks a server for its latest version
    import albumentations as A
    import cv2
    from albumentations.pytorch import ToTensorV2

    cv2.setNumThreads(1)  # there is a process for each thread already
    resize = A.Resize(case.side, case.side, interpolation=cv2.INTER_LINEAR)
    window = [A.RandomCrop(case.window, case.window), resize]
    blur = A.GaussianBlur(blur_limit=(5, 5), sigma_limit=(SIGMA, SIGMA), p=1.0)
    noise = A.SaltAndPepper(amount=(AMOUNT, AMOUNT), salt_vs_pepper=(SALT, SALT), p=1.0)
    stages = {
        "full": [*window, A.HorizontalFlip(p=0.5), blur, noise],
        "resize": [*window, A.HorizontalFlip(p=0.5)],
        "one of": [A.OneOf([A.Sequential(window, p=1.0), A.HorizontalFlip(p=1.0), noise], p=1.0)],
        "turn": [
            A.Affine(scale=SCALE, rotate=(-DEGREES, DEGREES), keep_ratio=True, p=1.0),
            A.HorizontalFlip(p=0.5),
            A.ColorJitter(FACTORS, FACTORS, FACTORS, hue=(0, 0), p=1.0),
            A.CoarseDropout((1, 1), (case.hole,) * 2, (case.hole,) * 2, p=1.0),
        ],
    }
    augment = A.Compose([*stages[case.chain], A.Normalize(MEAN, STD), ToTensorV2()])
    return np.ascontiguousarray, lambda image: augment(image=image)["image"]


def torchvision_batch(case: Case, images: Tensor) -> AbstractContextManager[Run]:
    return run_per_sample(torchvision_sample, case, images.cpu().numpy())


def albumentations_batch(case: Case, images: Tensor) -> AbstractContextManager[Run]:
    return run_per_sample(albumentations_sample, case, images.permute(0, 2, 3, 1).numpy())


Library = Callable[[Case, Tensor], AbstractContextManager[Run]]

OURS: dict[str, Library] = {"gpuaug": gpuaug_batch}
PEERS: dict[str, Library] = {
    "torchvision": torchvision_batch,
    "kornia": kornia_batch,
    "albumentations": albumentations_batch,
    "dali": dali_batch,
}
PEERS_ON_GPU = ("torchvision", "kornia")
