"""Loaders of JPEG files from several libraries, each set up as its documentation recommends for speed.

The chain is RandomResizedCrop(224), a horizontal flip with probability 0.5, and normalized float32. Each
function is a context manager that returns an ``Epoch``. Workers are kept from epoch to epoch.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from case import MEAN, STD
from image_files import Size, paths_of
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder

SIDE = 224
# Not plain forks: they would lack the threads that DALI and other libraries have started in this process.
START = "forkserver"
multiprocessing.get_context(START).set_forkserver_preload(["gpuaug", "torchvision.transforms.v2"])


@dataclass(frozen=True)
class FileCase:
    root: Path
    scale: tuple[float, float] = (0.08, 1.0)  # the area of the window, as a share of the image's
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    batch: int = 64
    workers: int = 2

    @classmethod
    def whole(cls, root: Path, size: Size, batch: int) -> FileCase:
        """A case without randomness: the whole image, resized to 224 x 224."""
        width, height = size
        return cls(root, (1.0, 1.0), (width / height,) * 2, 0.0, batch)


Batches = Iterable[tuple[Tensor, Tensor]]  # float32 (n, 3, 224, 224) and labels (n,); valid until the next
Epoch = Callable[[], Batches]
Library = Callable[[FileCase], AbstractContextManager[Epoch]]


# ---- gpuaug


@contextmanager
def gpuaug_threads(case: FileCase, **options: Any) -> Iterator[Epoch]:
    import gpuaug

    files = gpuaug.ImageFiles.from_folder(case.root, **options)
    yield balanced_epochs(case, files, gpuaug.labels_of(files))


@contextmanager
def gpuaug_processes(case: FileCase) -> Iterator[Epoch]:
    """A data set that decodes images itself."""
    folder = OwnFolder(str(case.root))
    workers = {"multiprocessing_context": START, "persistent_workers": True}
    yield balanced_epochs(case, folder, folder.targets, **workers)


class OwnFolder(ImageFolder):
    """A folder that is not torchvision's class, as gpuaug would take the files of that."""

    def __getitem__(self, index: int) -> Any:
        return super().__getitem__(index)


def balanced_epochs(case: FileCase, dataset: Any, labels: Any, **options: Any) -> Epoch:
    import gpuaug

    window = gpuaug.RandomResizedCrop(SIDE, case.scale, case.ratio)
    flip, normalize = gpuaug.RandomHorizontalFlip(case.flip), gpuaug.Normalize(MEAN, STD)
    sampler = gpuaug.BalancedSampler(labels, seed=0)
    loader = gpuaug.BalancedLoader(
        dataset,
        sampler,
        gpuaug.Compose([window, flip, normalize]),
        case.batch,
        num_workers=case.workers,
        **options,
    )
    return lambda: loader


# ---- Peers


@contextmanager
def torchvision_processes(case: FileCase, loader: Callable[[str], Any] | None = None) -> Iterator[Epoch]:
    from torchvision.transforms import v2

    window = v2.RandomResizedCrop(SIDE, case.scale, case.ratio, antialias=True)
    output = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    transform = v2.Compose([window, v2.RandomHorizontalFlip(case.flip), *output])
    own = {} if loader is None else {"loader": loader}
    folder = ImageFolder(str(case.root), transform, **own)
    workers = {"multiprocessing_context": START, "persistent_workers": True}
    batches = DataLoader(folder, case.batch, shuffle=True, num_workers=case.workers, **workers)
    yield lambda: batches


def decode_by_torchvision(path: str) -> Tensor:
    from torchvision.io import ImageReadMode, decode_image

    return decode_image(path, ImageReadMode.RGB)


@contextmanager
def dali_threads(case: FileCase) -> Iterator[Epoch]:
    """DALI's CPU operators, of which the decoder reads only the window's blocks. Its results are DALI's own
    memory, not copied.
    """
    from nvidia.dali import fn, pipeline_def, types

    @pipeline_def(batch_size=case.batch, num_threads=case.workers, device_id=None, seed=1)
    def chain() -> Any:
        files, labels = fn.readers.file(file_root=str(case.root), shuffle_after_epoch=True)
        window = {"random_area": list(case.scale), "random_aspect_ratio": list(case.ratio)}
        image = fn.decoders.image_random_crop(files, **window)
        image = fn.resize(image, size=(SIDE, SIDE), interp_type=types.DALIInterpType.INTERP_LINEAR)
        mirror = fn.random.coin_flip(probability=case.flip)
        scale = {"mean": [255 * m for m in MEAN], "std": [255 * s for s in STD]}
        result = {"dtype": types.FLOAT, "output_layout": "CHW"}
        return fn.crop_mirror_normalize(image, mirror=mirror, **scale, **result), labels

    pipeline = chain()
    pipeline.build()
    count, rest = divmod(len(paths_of(case.root)), case.batch)
    assert rest == 0, f"files must be whole batches of {case.batch}, got {rest} more"

    def epoch() -> Batches:
        # Batches are ordered one by one: none is begun for the next epoch, in another library's time.
        ahead = min(2, count)
        for _ in range(ahead):
            pipeline.schedule_run()
        for number in range(count):
            images, labels = (np.asarray(part.as_tensor()) for part in pipeline.share_outputs())
            yield torch.from_numpy(images), torch.from_numpy(labels).flatten()
            pipeline.release_outputs()
            if number + ahead < count:
                pipeline.schedule_run()

    yield epoch


@contextmanager
def spdl_threads(case: FileCase) -> Iterator[Epoch]:
    """SPDL's threads, with FFmpeg's decoder and filters: crop, resize and flip are one graph for an image."""
    import spdl.io
    from spdl.pipeline import PipelineBuilder
    from torchvision.transforms import v2

    folder = ImageFolder(str(case.root))
    spdl.io.demux_image(folder.samples[0][0])  # says here what is missing; a pipeline would only log it
    window = v2.RandomResizedCrop(SIDE, case.scale, case.ratio)
    mean, std = (torch.tensor(values).view(3, 1, 1).mul(255) for values in (MEAN, STD))

    def decode(path: str) -> Any:
        packets = spdl.io.demux_image(path)
        size = torch.empty(0, packets.height, packets.width)
        cut = window.make_params([size])
        steps = [
            f"crop={cut['width']}:{cut['height']}:{cut['left']}:{cut['top']}:exact=1",
            f"scale={SIDE}:{SIDE}:flags=bilinear",
            *(["hflip"] if torch.rand(()) < case.flip else []),
            "format=pix_fmts=rgb24",
        ]
        return spdl.io.decode_packets(packets, filter_desc=",".join(steps))

    def batch(files: list[tuple[str, int]]) -> tuple[Tensor, Tensor]:
        frames = [decode(path) for path, _ in files]
        pixels = spdl.io.to_torch(spdl.io.convert_frames(frames))
        images = pixels.permute(0, 3, 1, 2).contiguous().float().sub_(mean).div_(std)
        return images, torch.tensor([label for _, label in files])

    def epoch() -> Batches:
        order = torch.randperm(len(folder)).tolist()
        files = [folder.samples[index] for index in order]
        parts = [files[begin : begin + case.batch] for begin in range(0, len(files), case.batch)]
        builder = PipelineBuilder().add_source(parts).pipe(batch, concurrency=case.workers).add_sink(2)
        pipeline = builder.build(num_threads=case.workers)
        with pipeline.auto_stop():
            yield from pipeline

    yield epoch


OURS: dict[str, Library] = {
    "gpuaug": gpuaug_threads,
    "gpuaug, full scale": partial(gpuaug_threads, reducing_gap=None),
    "gpuaug, processes": gpuaug_processes,
}
PEERS: dict[str, Library] = {
    "torchvision, pillow": torchvision_processes,
    "torchvision, decode_image": partial(torchvision_processes, loader=decode_by_torchvision),
    "dali": dali_threads,
    "spdl": spdl_threads,
}
# FFCV's only release, 1.0.2 of 2023, is not among them: it has no wheel, and its sources ask for OpenCV's and
# libturbojpeg's headers.
