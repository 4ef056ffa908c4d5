"""Encoded images that a CUDA device decodes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gpuaug.files.image_file import CHANNELS, ImageFile
from gpuaug.images.packed import Packed

# Decodes bytes, each uint8 (n,) on the host, to images uint8 (3, H, W) on the device.
DecodeBatch = Callable[[list[Tensor], torch.device], Sequence[Tensor]]


def decode_by_nvjpeg(data: list[Tensor], device: torch.device) -> Sequence[Tensor]:
    """Decodes all images in one call of nvJPEG, through torchvision."""
    from torchvision.io import ImageReadMode, decode_jpeg

    decoded: Sequence[Tensor] = decode_jpeg(data, mode=ImageReadMode.RGB, device=device)
    return decoded


@dataclass(frozen=True)
class EncodedImages:
    """The files of a batch, in place of its images. ``to`` decodes them on the device.

    Attributes:
        files: the files.
        names: the names of their samples, for messages.
        heights: int64 ``(n,)``, from the headers; recipes were made from them.
        widths: int64 ``(n,)``, from the headers.
        refusals: nvJPEG's errors for files that it did not decode.
    """

    files: list[ImageFile]
    names: list[str]
    heights: Tensor
    widths: Tensor
    refusals: list[RuntimeError] = field(default_factory=list, repr=False)

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def to(self, device: torch.device, decode: DecodeBatch = decode_by_nvjpeg) -> Packed:
        """Decodes whole images on the device. A file that nvJPEG does not accept is decoded on the host.

        Args:
            device: the device of the images.
            decode: decodes the bytes of several files.

        Raises:
            RuntimeError: a file is truncated or damaged (the message names the sample), or the device is out
                of memory.
        """
        jpegs = [place for place, file in enumerate(self.files) if file.windowed]
        images = self._together(jpegs, device, decode)
        if jpegs and len(self.refusals) == len(jpegs):
            warnings.warn(
                f"nvJPEG decoded none of {len(jpegs)} files; its last error was: {self.refusals[-1]}. The "
                "host decodes them in one thread; ImageFiles(decode='host') uses num_workers threads",
                RuntimeWarning,
                stacklevel=2,
            )
        for place in range(len(self.files)):
            if place not in images:
                images[place] = self._on_host(place).to(device)
        channels = CHANNELS[self.files[0].mode]
        lengths = self.heights * self.widths * channels
        storage = torch.cat([images[place].reshape(-1) for place in range(len(self.files))])
        offsets = lengths.cumsum(0) - lengths
        return Packed(storage, offsets, self.heights, self.widths, channels, interleaved=False)

    def _together(self, places: list[int], device: torch.device, decode: DecodeBatch) -> dict[int, Tensor]:
        """The images that the device decodes, by place; those that it does not accept are left out."""
        if not places:
            return {}
        files = [self.files[place] for place in places]
        data = [torch.frombuffer(file.data, dtype=torch.uint8) for file in files]
        try:
            decoded = zip(decode(data, device), files, strict=True)
            return dict(zip(places, (_checked(image, file) for image, file in decoded), strict=True))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            if len(places) == 1:
                self.refusals.append(error)
                return {}
        # One of the files caused the error: decode each alone.
        return {
            place: image
            for alone in places
            for place, image in self._together([alone], device, decode).items()
        }

    def _on_host(self, place: int) -> Tensor:
        """Decodes a file on the host: uint8 ``(channels, height, width)``."""
        file = self.files[place]
        out = torch.empty(file.height, file.width, CHANNELS[file.mode], dtype=torch.uint8, device="cpu")
        try:
            file.decode(out, 0, 0, 1)
        except Exception as error:
            raise RuntimeError(f"{self.names[place]}: {type(error).__name__}: {error}") from error
        return out.permute(2, 0, 1)


def _checked(image: Tensor, file: ImageFile) -> Tensor:
    if tuple(image.shape) != (CHANNELS[file.mode], file.height, file.width):
        raise RuntimeError(
            f"an image of {file.height} x {file.width} pixels was decoded to shape {tuple(image.shape)}"
        )
    return image
