"""A batch of encoded images: its files are read, its recipes made, and its windows decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from gpuaug.files.encoded_images import EncodedImages
from gpuaug.files.image_file import ImageFile
from gpuaug.files.image_files import ImageFiles
from gpuaug.files.substitutes import Substitutes
from gpuaug.images.packed import Packed, Source
from gpuaug.recipe.reading import read_elsewhere
from gpuaug.recipe.recipes import Recipes
from gpuaug.recipe.windows import read_windows, whole_windows
from gpuaug.travel.buffers import Buffer, BufferRing, Event

# Makes the recipes of draws, from the draws, the sizes of their images, and their labels.
MakeRecipes = Callable[[Tensor, Source, Tensor], tuple[Recipes, ...]]


class Skipped(NamedTuple):
    """A file that could not be read, and was replaced by other samples of its label.

    Attributes:
        sample: the index of the sample.
        name: "sample 3", followed by the path if there is one.
        error: the type and message of the error.
        draws: the number of its draws that other samples took.
    """

    sample: int
    name: str
    error: str
    draws: int = 1


def add_skipped(known: dict[int, Skipped], more: Iterable[Skipped]) -> None:
    """Adds the skipped files of a batch to those of the batches before.

    >>> known = {3: Skipped(3, "sample 3", "OSError: truncated")}
    >>> add_skipped(known, [known[3]])
    >>> known[3].draws
    2
    """
    for skipped in more:
        before = known.get(skipped.sample)
        draws = skipped.draws + (before.draws if before is not None else 0)
        known[skipped.sample] = skipped._replace(draws=draws)


class FileBatch:
    """A batch that is made in three steps: ``read`` for each draw, ``plan`` once, ``decode`` for each draw.

    The calls of a step are independent of one another, so that threads may share them.

    Args:
        files: the data set.
        draws: int64 ``(n, 3)``: index, copy, key.
        labels: ``(n, ...)``, the labels for the recipes; None takes the data set's.
        recipes: makes the recipes; None leaves images as they are.
        substitutes: the substitutes of samples that cannot be read; None raises an error for them.
        ring: the buffers for the pixels.
    """

    def __init__(
        self,
        files: ImageFiles,
        draws: Tensor,
        labels: Tensor | None,
        recipes: MakeRecipes | None,
        substitutes: Substitutes | None,
        ring: BufferRing,
    ) -> None:
        self.draws, self._ring = draws, ring
        self._buffer: Buffer | None = None  # taken late: other batches use it while files are read
        self._files, self._labels, self._recipes = files, labels, recipes
        self._index, self._keys = draws[:, 0].tolist(), draws[:, 2].tolist()
        self._substitutes = substitutes
        self._left: dict[int, Iterator[int]] = {}  # by place in the batch: the substitutes not yet tried
        self._opened: dict[int, ImageFile] = {}  # by place in the batch
        self._skipped: list[tuple[int, Skipped]] = []  # with the place in the batch
        self.passes: tuple[Recipes, ...] | None = None
        self.images: Packed | EncodedImages

    def __len__(self) -> int:
        return len(self._index)

    @property
    def index(self) -> Tensor:
        """The samples, int64 ``(n,)``: those of the draws, with substitutes for skipped ones."""
        return torch.tensor(self._index, dtype=torch.int64, device="cpu")

    @property
    def skipped(self) -> list[Skipped]:
        """The skipped files, in the order of the draws."""
        return [skipped for _, skipped in sorted(self._skipped, key=lambda entry: entry[0])]

    def free(self, event: Event | None = None) -> None:
        """Returns the memory to the ring, to be used again once ``event`` is done; with None, at once."""
        if self._buffer is not None:
            self._buffer.free(event)
            self._buffer = None

    # ---- Read

    def read(self, place: int) -> None:
        """Reads the file of a draw and its header."""
        while place not in self._opened:
            index = self._index[place]
            try:
                self._opened[place] = self._files.read(index)
            except Exception as error:
                self._replace(place, error)

    def _replace(self, place: int, error: Exception) -> None:
        """Gives a draw the next sample of its label. Raises if there is none, or if skipping is off."""
        index = self._index[place]
        name, text = self._files.name(index), f"{type(error).__name__}: {error}"
        if self._substitutes is None:
            raise RuntimeError(f"{name}: {text}") from error
        if place not in self._left:
            self._left[place] = self._substitutes.of(index, self._keys[place])
        other = next(self._left[place], None)
        if other is None:
            raise RuntimeError(f"{name}: {text}; no other sample of its label can be read") from error
        self._index[place] = other
        self._opened.pop(place, None)
        self._skipped.append((place, Skipped(index, name, text)))

    # ---- Plan

    def plan(self) -> None:
        """Makes the recipes, and places the window of each draw in the buffer."""
        for place in range(len(self)):
            self.read(place)  # again, if it was decoded and freed before
        opened = [self._opened[place] for place in range(len(self))]
        channels, empty = self._files.channels, torch.empty(0, dtype=torch.uint8, device="cpu")
        whole = Packed.of_sizes(empty, [(o.height, o.width) for o in opened], channels, interleaved=True)
        windows, records = whole_windows(whole.heights, whole.widths), empty
        if self._recipes is not None:
            labels = self._files.labels[self.index] if self._labels is None else self._labels
            first, *others = self._recipes(self.draws, whole, labels)
            if self._files.decode == "device":
                names = [self._files.name(index) for index in self._index]
                self.images = EncodedImages(opened, names, whole.heights, whole.widths)
                self.passes = (first, *others)
                return
            reducible = torch.tensor([o.windowed for o in opened], device="cpu")
            windows, records = read_windows(first, self._files.reducing_gap, reducible)
        lengths = windows.heights * windows.widths * channels
        offsets = lengths.cumsum(0) - lengths
        self._buffer = self._buffer or self._ring.take()
        storage = self._buffer.bytes(int(lengths.sum()))
        self.images = Packed(storage, offsets, windows.heights, windows.widths, channels, interleaved=True)
        if self._recipes is not None:
            first = read_elsewhere(first._replace(records=records), offsets, storage.numel())
            self.passes = (first, *others)
        self._places = list(
            zip(offsets.tolist(), windows.left.tolist(), windows.top.tolist(), windows.sizes, strict=True)
        )
        self._scales = windows.scales.tolist()

    # ---- Decode

    def decode(self, place: int) -> bool:
        """Decodes the window of a draw. False if the file is damaged: a substitute was opened, and its recipe
        is still to be made.
        """
        if isinstance(self.images, EncodedImages):
            return True  # the device decodes them
        offset, left, top, (height, width) = self._places[place]
        channels = self._files.channels
        flat = self.images.storage[offset : offset + height * width * channels]
        try:
            self._opened[place].decode(flat.view(height, width, channels), left, top, self._scales[place])
        except Exception as error:
            self._replace(place, error)
            return False
        del self._opened[place]  # frees the bytes of the file
        return True

    def run(self) -> None:
        """Does all steps in this thread."""
        places = range(len(self))
        for place in places:
            self.read(place)
        self.plan()
        while [place for place in places if not self.decode(place)]:
            self.plan()
