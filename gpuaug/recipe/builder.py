"""Builds the recipes of a batch: transforms write into it what happens to their draws."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gpuaug.images.batch import FEW_CHANNELS
from gpuaug.images.packed import Packed, Source
from gpuaug.recipe.assemble import execute
from gpuaug.recipe.layout import (
    ARTICLE,
    BORDERS,
    BOXES,
    ERASE,
    FIELDS,
    GAUSSIAN,
    MEASURED_CURVES,
    NOISE,
    SHARPEN,
    SHARPNESS,
    STATISTICS,
    Opcode,
)
from gpuaug.recipe.program import Operand, Program, possible_stages
from gpuaug.recipe.recipes import Recipes
from gpuaug.recipe.recording import Recording
from gpuaug.recipe.selection import Selection, where

# (width, height) in pixels: the same for all draws, or ``(n, 2)``.
Extent = tuple[int, int] | Tensor


class RecipeBuilder:
    """Builds the recipes of one pass: transforms write into it one after another, then ``recipes`` packs it.

    It records a program (``gpuaug/recipe/program.py``). A parameter that is the same for all
    draws is given as a number, else as a tensor ``(n,)``; a pair as a tuple, or as ``(n, 2)``, x first.
    ``selection`` says which draws a call is for.

    >>> builder = RecipeBuilder.of_batch((1, 3, 32, 32))
    >>> builder.crop(torch.tensor([[6, 6]]), (20, 20))
    >>> builder.resize((32, 32))
    >>> recipes = builder.recipes(size=(32, 32))
    >>> recipes.stages, recipes.field("left").tolist(), recipes.field("right").tolist()
    (1, [6], [26])
    """

    samples: Tensor | None = None  # the draws' indices, for messages
    ends: Tensor | None = (
        None  # of the windows of values that draws are read through, as ``read_through`` has
    )

    def __init__(
        self,
        count: int,
        channels: int,
        extent: Extent,
        first: Operand,
        step: int,
        device: torch.device | None = None,
    ) -> None:
        """Of ``count`` draws of images of ``channels``: the first one's source image begins at byte ``first``
        of the storage, that of each next one ``step`` bytes further.
        """
        self.count, self.channels = count, channels
        self._device = device or torch.device("cpu")
        self._program = Program(first, step, extent)
        self._extent = extent
        self._changes: list[tuple[Selection, Extent]] = []  # of the extent, since it was last asked for

    @classmethod
    def of_batch(
        cls, shape: tuple[int, ...], index: Tensor | None = None, device: torch.device | None = None
    ) -> RecipeBuilder:
        """The builder of a dense batch ``(N, C, H, W)``: of image ``index[n]`` for draw n, or of all in
        turn; or of clips ``(N, T, C, H, W)``, of the first frame of each.
        """
        count, (channels, height, width) = shape[0], shape[-3:]
        image = math.prod(shape[1:])
        if index is None:
            return cls(count, channels, (width, height), 0, image, device)
        return cls(len(index), channels, (width, height), index * image, 0, index.device)

    @classmethod
    def of_source(cls, source: Source, index: Tensor | None = None) -> RecipeBuilder:
        """The builder of a dense or packed batch, as its images have it."""
        return cls.of_packed(source, index) if isinstance(source, Packed) else cls.of_batch(source, index)

    @classmethod
    def of_packed(cls, packed: Packed, index: Tensor | None = None) -> RecipeBuilder:
        """The builder of a packed batch: of image ``index[n]`` for draw n, or of all in turn."""
        whole = (packed.offsets, packed.widths, packed.heights)
        offset, width, height = whole if index is None else (v[index] for v in whole)
        return cls(len(offset), packed.channels, torch.stack((width, height), dim=1), offset, 0)

    def name_of(self, number: int) -> str:
        """A draw as messages name it: its place in the batch, and its sample where that is known."""
        sample = "" if self.samples is None else f" (sample {int(self.samples[number])})"
        return f"draw {number}{sample}"

    # ---- Geometry

    @property
    def extent(self) -> Extent:
        """Of the image as the next transform sees it."""
        while self._changes:
            selection, extent = self._changes.pop(0)
            if not (isinstance(extent, tuple) and extent == self._extent):
                self._extent = where(selection, self._rows(extent), self._rows(self._extent))
        return self._extent

    @extent.setter
    def extent(self, extent: Extent) -> None:
        """For a transform that knows that it has left all draws at one extent, whatever each came through."""
        self._changes.clear()
        self._extent = extent

    @property
    def sides(self) -> Tensor:
        """Width and height of the extent, float64 ``(n or 1, 2)``."""
        if isinstance(extent := self.extent, Tensor):
            return extent.double()
        return torch.tensor([extent], dtype=torch.float64, device="cpu")

    def _rows(self, extent: Extent) -> Tensor:
        if isinstance(extent, Tensor):
            return extent
        return torch.tensor([extent], device=self._device).expand(self.count, 2)

    def _resized(self, extent: Extent, selection: Selection) -> None:
        if selection is True:
            self.extent = extent
        else:
            self._changes.append((selection, extent))

    def crop(self, corner: Operand, extent: Extent, selection: Selection = True) -> None:
        """The window at ``corner`` (left, top) becomes the image. It may reach beyond it, to the
        ``border``.
        """
        self._program.write(Opcode.CROP, selection, corner, extent)
        self._resized(extent, selection)

    def window(
        self, fraction: Operand, extent: Extent, selection: Selection = True, *, padding: int = 0
    ) -> None:
        """``crop`` at a ``fraction`` in [0, 1) of the positions that the window has, in x and in y, where it
        may reach beyond the image by ``padding`` pixels.
        """
        self._program.write(Opcode.WINDOW, selection, fraction, extent, padding)
        self._resized(extent, selection)

    def fit(
        self,
        fraction: Operand,
        shares: Tensor,
        ratios: Tensor,
        limits: tuple[float, float],
        extent: Extent,
        selection: Selection = True,
        *,
        antialias: bool = True,
    ) -> None:
        """The first window that fits, at a ``fraction`` of the positions that it has, resized to ``extent``.

        The windows to choose from have the ``shares`` of the image's area and the ``ratios`` of width and
        height, both ``(n, TRIES)``. Where none fits it is the largest whose ratio is within the ``limits``,
        in the middle.
        """
        self._program.write(Opcode.FIT, selection, fraction, limits, shares, ratios)
        self.resize(extent, selection, antialias=antialias)

    def resize(self, extent: Extent, selection: Selection = True, *, antialias: bool = True) -> None:
        """Bilinear, half-pixel centres; what lies outside the present image is never read.

        Where the whole chain shrinks, ``antialias`` widens the filter to the step, as Pillow does.
        """
        self._program.write(Opcode.RESIZE, selection, extent, antialias)
        self._resized(extent, selection)

    def flip(self, axis: int, selection: Selection = True) -> None:
        """Mirror along an axis: 0 is x, left and right; 1 is y, top and bottom."""
        self._program.write(Opcode.FLIP, selection, axis)

    def affine(
        self, inverse: Operand, shares: Operand, selection: Selection = True, *, scale: Operand = 1.0
    ) -> None:
        """Turn, scale and shear about the middle, after a move by ``shares`` of the extent in x and in y, in
        whole pixels. ``inverse``, ``(n, 4)`` or four operands, over the ``scale`` maps outputs to inputs: xx,
        xy, yx, yy; kept in steps of 2**-30.

        The extent stays. What is beyond the image follows the ``border``.
        """
        self._program.write(Opcode.AFFINE, selection, inverse, scale, shares)

    def perspective(self, inverse: Operand, selection: Selection = True) -> None:
        """``inverse``, ``(n, 8)`` or eight operands, maps outputs to inputs, in pixels from the corner: the
        first two rows, then the last, of which the third number is 1. What is behind the eye is beyond the
        image. The extent stays.
        """
        self._program.write(Opcode.PERSPECTIVE, selection, inverse)

    def border(self, name: str, selection: Selection = True, *, fill: tuple[int, ...] = (0,)) -> None:
        """What lies beyond the image; a "zero" border has the level ``fill``, or one for each channel."""
        self._program.write(Opcode.BORDER, selection, BORDERS[name], self._outside(fill))

    def _outside(self, fill: tuple[int, ...]) -> int:
        if len(fill) not in (1, self.channels):
            raise ValueError(
                f"fill must be a level or one for each of the {self.channels} channels, "
                f"got {len(fill)} levels"
            )
        each = fill * FEW_CHANNELS if len(fill) == 1 else fill
        return sum(level << 8 * channel for channel, level in enumerate(each))

    def interpolate(self, interpolation: str | None, selection: Selection = True) -> None:
        """Where it is "nearest", the pass reads one pixel of the source for each of its own: the nearest,
        halves up. No filter is widened then.
        """
        if interpolation == "nearest":
            self._program.write(Opcode.NEAREST, selection)

    # ---- Blur, color, curves, noise and impulse noise

    def blur(self, sigma: Operand | None, selection: Selection = True) -> None:
        """A Gaussian of ``sigma`` pixels, reflect-101 border; None: the article's kernel."""
        kind, given = (ARTICLE, 1.0) if sigma is None else (GAUSSIAN, sigma)
        self._program.write(Opcode.BLUR, selection, kind, given)

    def sharpen(self, factor: Operand, selection: Selection = True) -> None:
        """Blended with the mean of nine pixels by a ``factor``: 0 the mean, 1 the image, above 1 sharper."""
        self._program.write(Opcode.BLUR, selection, SHARPEN, factor)
        self.words(SHARPNESS, "noise", selection)  # the bit, and no word

    def color(self, matrix: Operand, selection: Selection = True) -> None:
        """Mix the colors: three rows of four, ``(n, 12)`` or twelve numbers. A row says how much of red,
        green and blue a channel becomes, and what is added, in units of white. The matrices of a pass
        multiply; the product is kept in steps of 2**-12, within [-8, 8), and only its result is rounded and
        clamped.
        """
        self._program.write(Opcode.COLOR, selection, matrix)

    def adjust(
        self,
        brightness: Operand,
        contrast: Operand,
        saturation: Operand,
        brightness_first: Operand,
        hue: Operand = (1.0, 0.0),
        selection: Selection = True,
    ) -> None:
        """Factors of brightness, of contrast about middle grey, of saturation, and a turn of the ``hue``,
        given as cosine and sine: a matrix like those of ``color``.
        """
        self._program.write(Opcode.ADJUST, selection, brightness, contrast, saturation, brightness_first, hue)

    def curve(self, curve: int, parameter: Tensor | int = 0, selection: Selection = True) -> None:
        """One more curve of levels, of at most ``MOST_CURVES``: ``POSTERIZE`` to a number of bits,
        ``SOLARIZE`` from a threshold on, in 1/THRESHOLD_UNIT of white, or ``POWER``, in 1/EXPONENT_UNIT.

        Or one that goes by the image as the curves before leave it: ``AUTOCONTRAST`` and ``EQUALIZE``, which
        have no parameter, or ``CONTRAST`` by a factor about the mean, in 1/CONTRAST_UNIT.
        """
        self._program.write(Opcode.CURVE, selection, curve + parameter * 256)
        if curve in MEASURED_CURVES:
            self.words(STATISTICS, "noise", selection)  # the bit, and no word

    def curve_words(self, words: Tensor, selection: Selection, measured: Selection) -> None:
        """One more curve, of each draw its own: the record's words ``(n,)``, as ``curve`` makes them. Those
        that are ``measured`` go by the image.
        """
        self._program.write(Opcode.CURVE, selection, words)
        self.words(STATISTICS, "noise", measured)

    def noise(
        self, kind: int, low: Operand, span: Operand, keys: Tensor, place: int, selection: Selection = True
    ) -> None:
        """Noise of the kind ``NORMAL``, of a deviation ``low`` in 1/DEVIATION_UNIT of a level, or ``FACTOR``,
        between ``low`` and ``low + span`` in 1/FACTOR_UNIT; with ``PER_CHANNEL`` and ``PER_PIXEL``.
        """
        self.words(NOISE, "noise", selection, kind, place, low, span, keys)

    def impulse(
        self, salt: Operand, pepper: Operand, keys: Tensor, place: int, selection: Selection = True
    ) -> None:
        """Salt and pepper with the given shares of pixels, in steps of 2**-16."""
        self._program.write(Opcode.IMPULSE, selection, keys, place, salt, pepper)

    # ---- Erasing

    def erase(self, boxes: Tensor, fill: Operand, selection: Selection = True) -> None:
        """Put the level ``fill`` into up to ``BOXES`` boxes, int64 ``(n, k, 4)``: left, top, right, bottom of
        the output, exclusive. Pixels from the 65536th on are not reached.
        """
        words = quad(*boxes.clamp(0, 0xFFFF).unbind(2))
        nothing = (0,) * (BOXES - words.shape[1] + 2)
        self.words(ERASE, "fill", selection, fill, words, nothing)

    def cut_out(self, place: Operand, size: Operand, fill: Operand, selection: Selection = True) -> None:
        """Put the level ``fill`` into one more box, of at most ``BOXES``: of ``size`` (width, height) in
        pixels, around a ``place`` in [0, 1) of the extent, in x and in y, and cut off at the border.
        """
        self._program.write(Opcode.CUT_OUT, selection, place, size, fill)

    def erase_grid(
        self, unit: Tensor, hole: Tensor, phase: Tensor, fill: Operand, selection: Selection = True
    ) -> None:
        """Put the level ``fill`` into a corner of every square of a grid. ``unit`` and ``hole``, int64
        ``(n,)``: the sides of its squares and of what is erased, below 65536; ``phase``, ``(n, 2)``: how many
        pixels the first squares lack, in x and in y.
        """
        grid = quad(unit, unit, hole, hole)
        self.words(ERASE, "fill", selection, fill, (0,) * BOXES, grid, quad(*phase.unbind(1)))

    # ---- Any stage

    def words(self, bit: int, first: str, selection: Selection, *words: Operand) -> None:
        """Give draws the stage of ``bit``, and set its words of the record from ``first`` on: int64 ``(n,)``,
        or numbers. The words from ``FIRST_FREE`` on are for this.
        """
        self._program.write_words(bit, first, selection, *words)

    # ---- What was written before

    def record(self) -> Recording:
        """What was written so far, to be repeated; it must have left the extent as it was."""
        return Recording(self._program)

    def repeat(self, recording: Recording, rows: Tensor) -> None:
        """Write what was recorded, once for each row of its table that a draw takes, float64
        ``(n, times, columns)``.
        """
        recording.repeat(self._program, rows)

    # ---- Packing

    def recipes(self, size: tuple[int, int]) -> Recipes:
        """The records. ``size``, (height, width), is what every draw's geometry must have come to."""
        columns, constants, code = self._program.columns, self._program.constants, self._program.code
        # Where values cannot be looked at (a graph would break, a device be waited for, there are none), a
        # stage that was written to counts as used.
        if torch.compiler.is_compiling() or self._device.type != "cpu" or self.count == 0:
            records = execute(columns, constants, code, self.count, size, self._device)
            return Recipes(records, size, possible_stages(constants, code))
        records = torch.empty((self.count, len(FIELDS)), dtype=torch.int64, device="cpu")
        return Recipes(records, size, torch.ops.gpuaug.assemble(records, columns, constants, code, *size))


def quad(*numbers: Tensor) -> Tensor:
    """Up to four numbers of 16 bits in one word, the first in the lowest bits: int64, all of one shape.

    >>> hex(quad(*torch.tensor([[1], [2], [3], [4]])).item())
    '0x4000300020001'
    """
    word = numbers[0]
    for place, number in enumerate(numbers[1:], start=1):
        word = word | (number << (16 * place))
    return word
