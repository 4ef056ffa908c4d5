"""Encoded images that a CUDA device decodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gpuaug.files.image_file import CHANNELS, ImageFile
from gpuaug.images.packed import Packed

# Of encoded bytes, each uint8 (n,) on the host, to images uint8 (3, H, W) on the device.
DecodeBatch = Callable[[list[Tensor], torch.device], Sequence[Tensor]]


def decode_by_nvjpeg(data: list[Tensor], device: torch.device) -> Sequence[Tensor]:
    """All images in one call of nvJPEG, through torchvision."""
    from torchvision.io import ImageReadMode, decode_jpeg

    decoded: Sequence[Tensor] = decode_jpeg(data, mode=ImageReadMode.RGB, device=device)
    return decoded


@dataclass(frozen=True)
class EncodedImages:
    """The files of a batch, in the place of its images: ``to`` decodes them on the device.

    Their sizes are those of the heads, which recipes were made from.
    """

    files: list[ImageFile]
    heights: Tensor
    widths: Tensor

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def to(self, device: torch.device, decode: DecodeBatch = decode_by_nvjpeg) -> Packed:
        """The decoded images, whole, on the device. A file that nvJPEG does not take is decoded on the host.

        Raises:
            OSError, and what else Pillow raises: a file that is cut off or damaged.
        """
        jpegs = [place for place, file in enumerate(self.files) if file.windowed]
        images: dict[int, Tensor] = dict(
            zip(jpegs, self._together([self.files[place] for place in jpegs], device, decode), strict=True)
        )
        for place, file in enumerate(self.files):
            if place not in images:
                images[place] = _on_host(file).to(device)
        channels = CHANNELS[self.files[0].mode]
        lengths = self.heights * self.widths * channels
        storage = torch.cat([images[place].reshape(-1) for place in range(len(self.files))])
        offsets = lengths.cumsum(0) - lengths
        return Packed(storage, offsets, self.heights, self.widths, channels, interleaved=False)

    def _together(self, files: list[ImageFile], device: torch.device, decode: DecodeBatch) -> Sequence[Any]:
        if not files:
            return []
        data = [torch.frombuffer(file.data, dtype=torch.uint8) for file in files]
        try:
            return [_checked(image, file) for image, file in zip(decode(data, device), files, strict=True)]
        except RuntimeError:
            if len(files) == 1:
                return [_on_host(files[0]).to(device)]
        # One of them is to blame: each alone.
        return [image for file in files for image in self._together([file], device, decode)]


def _checked(image: Tensor, file: ImageFile) -> Tensor:
    if tuple(image.shape) != (CHANNELS[file.mode], file.height, file.width):
        raise RuntimeError(f"an image of {file.height} x {file.width} was decoded to {tuple(image.shape)}")
    return image


def _on_host(file: ImageFile) -> Tensor:
    """uint8 ``(channels, height, width)``."""
    out = torch.empty(file.height, file.width, CHANNELS[file.mode], dtype=torch.uint8, device="cpu")
    file.decode(out, 0, 0, 1)
    return out.permute(2, 0, 1)
