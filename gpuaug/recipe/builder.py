"""The builder of a batch's recipes: transforms write their operations into it."""

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
    """Builds the recipes of one pass: transforms write into it in their order, then ``recipes`` makes them.

    The builder records a program (``gpuaug/recipe/program.py``). A parameter that is the same for all draws
    is a number, any other a tensor ``(n,)``; a pair is a tuple or a tensor ``(n, 2)``, x first. A call
    applies to the draws in its ``selection``.

    >>> builder = RecipeBuilder.of_batch((1, 3, 32, 32))
    >>> builder.crop(torch.tensor([[6, 6]]), (20, 20))
    >>> builder.resize((32, 32))
    >>> recipes = builder.recipes(size=(32, 32))
    >>> recipes.stages, recipes.field("left").tolist(), recipes.field("right").tolist()
    (1, [6], [26])
    """

    samples: Tensor | None = None  # the samples of the draws, for messages
    ends: Tensor | None = None  # the windows of values through which draws are read; see ``read_through``

    def __init__(
        self,
        count: int,
        channels: int,
        extent: Extent,
        first: Operand,
        step: int,
        device: torch.device | None = None,
    ) -> None:
        """A builder for ``count`` draws.

        Args:
            count: the number of draws.
            channels: the number of channels of the images.
            extent: the size of the source images.
            first: the first byte of the first draw's source image in the storage.
            step: the number of bytes from one draw's source image to the next.
            device: the device of the recipes.
        """
        self.count, self.channels = count, channels
        self._device = device or torch.device("cpu")
        self._program = Program(first, step, extent)
        self._extent = extent
        self._changes: list[tuple[Selection, Extent]] = []  # changes of the extent since it was last read

    @classmethod
    def of_batch(
        cls, shape: tuple[int, ...], index: Tensor | None = None, device: torch.device | None = None
    ) -> RecipeBuilder:
        """The builder for a dense batch ``(N, C, H, W)``, or the first frames of clips ``(N, T, C, H, W)``.

        Args:
            shape: the shape of the batch.
            index: the image that each draw reads, int64 ``(n,)``; None means one draw for each image.
            device: the device of the recipes, if there is no ``index``.
        """
        count, (channels, height, width) = shape[0], shape[-3:]
        image = math.prod(shape[1:])
        if index is None:
            return cls(count, channels, (width, height), 0, image, device)
        return cls(len(index), channels, (width, height), index * image, 0, index.device)

    @classmethod
    def of_source(cls, source: Source, index: Tensor | None = None) -> RecipeBuilder:
        """The builder for a dense or packed batch."""
        return cls.of_packed(source, index) if isinstance(source, Packed) else cls.of_batch(source, index)

    @classmethod
    def of_packed(cls, packed: Packed, index: Tensor | None = None) -> RecipeBuilder:
        """The builder for a packed batch. Draw n reads image ``index[n]``; without an index, image n."""
        whole = (packed.offsets, packed.widths, packed.heights)
        offset, width, height = whole if index is None else (v[index] for v in whole)
        return cls(len(offset), packed.channels, torch.stack((width, height), dim=1), offset, 0)

    def name_of(self, number: int) -> str:
        """The name of a draw in messages: its place in the batch, and its sample if that is known."""
        sample = "" if self.samples is None else f" (sample {int(self.samples[number])})"
        return f"draw {number}{sample}"

    # ---- Geometry

    @property
    def extent(self) -> Extent:
        """The size of the image that the next transform sees."""
        while self._changes:
            selection, extent = self._changes.pop(0)
            if not (isinstance(extent, tuple) and extent == self._extent):
                self._extent = where(selection, self._rows(extent), self._rows(self._extent))
        return self._extent

    @extent.setter
    def extent(self, extent: Extent) -> None:
        """Sets the extent of all draws, for a transform that brings them all to one extent."""
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
        """Crops to the window at ``corner`` (left, top). Outside the image it shows the ``border``."""
        self._program.write(Opcode.CROP, selection, corner, extent)
        self._resized(extent, selection)

    def window(
        self, fraction: Operand, extent: Extent, selection: Selection = True, *, padding: int = 0
    ) -> None:
        """Crops to a window at a ``fraction`` in [0, 1) of its possible positions, in x and in y.

        The window may reach beyond the image by ``padding`` pixels.
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
        """Crops to the first candidate window that fits the image, and resizes it to ``extent``.

        The window is at a ``fraction`` of its possible positions. The candidates have the given ``shares`` of
        the image's area and ``ratios`` of width to height, both ``(n, TRIES)``. If none fits, the window is
        the largest one in the middle whose ratio is within the ``limits``.
        """
        self._program.write(Opcode.FIT, selection, fraction, limits, shares, ratios)
        self.resize(extent, selection, antialias=antialias)

    def resize(self, extent: Extent, selection: Selection = True, *, antialias: bool = True) -> None:
        """Resizes bilinearly, with half-pixel centres. Pixels outside the current image are never read.

        If the whole chain shrinks, ``antialias`` widens the filter to the step, as in Pillow.
        """
        self._program.write(Opcode.RESIZE, selection, extent, antialias)
        self._resized(extent, selection)

    def flip(self, axis: int, selection: Selection = True) -> None:
        """Flips along an axis: 0 is x (horizontally), 1 is y (vertically)."""
        self._program.write(Opcode.FLIP, selection, axis)

    def affine(
        self, inverse: Operand, shares: Operand, selection: Selection = True, *, scale: Operand = 1.0
    ) -> None:
        """Rotates, scales and shears about the middle, after a translation. The extent stays.

        Args:
            inverse: ``(n, 4)`` or four operands, xx, xy, yx, yy: divided by ``scale``, the map from output to
                input; kept in steps of 2**-30.
            shares: the translation in x and y, as shares of the extent; rounded to whole pixels.
            selection: the draws that this applies to.
            scale: the divisor of ``inverse``.

        Pixels outside the image follow the ``border``.
        """
        self._program.write(Opcode.AFFINE, selection, inverse, scale, shares)

    def perspective(self, inverse: Operand, selection: Selection = True) -> None:
        """Applies a perspective. The extent stays.

        ``inverse``, ``(n, 8)`` or eight operands, is the matrix from output to input coordinates, in pixels
        from the corner, by rows and without its last number, which is 1. Points behind the viewer are outside
        the image.
        """
        self._program.write(Opcode.PERSPECTIVE, selection, inverse)

    def border(self, name: str, selection: Selection = True, *, fill: tuple[int, ...] = (0,)) -> None:
        """Sets the border. A "zero" border has the level ``fill``: one for all channels, or one for each."""
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
        """Sets the interpolation: "nearest" reads the nearest source pixel, halves up, without a filter."""
        if interpolation == "nearest":
            self._program.write(Opcode.NEAREST, selection)

    # ---- Blur, color, curves, noise and impulse noise

    def blur(self, sigma: Operand | None, selection: Selection = True) -> None:
        """Blurs by a Gaussian of ``sigma`` pixels, reflect-101 border; None: by the article's kernel."""
        kind, given = (ARTICLE, 1.0) if sigma is None else (GAUSSIAN, sigma)
        self._program.write(Opcode.BLUR, selection, kind, given)

    def sharpen(self, factor: Operand, selection: Selection = True) -> None:
        """Blends with a mean of nine pixels by a ``factor``: 0 is the mean, 1 the image, above 1 sharper."""
        self._program.write(Opcode.BLUR, selection, SHARPEN, factor)
        self.words(SHARPNESS, "noise", selection)  # the bit only, no word

    def color(self, matrix: Operand, selection: Selection = True) -> None:
        """Mixes the colors by a 3 x 4 matrix, ``(n, 12)`` or twelve numbers, by rows.

        A row has the weights of red, green and blue in a channel, and a number to add, in units of white. The
        matrices of a pass are multiplied. The product is kept in steps of 2**-12, within [-8, 8); only its
        result is rounded and clamped.
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
        """Multiplies brightness, contrast (about middle grey) and saturation, and rotates the ``hue``.

        The hue is given as cosine and sine of an angle. The result is a matrix, as in ``color``.
        """
        self._program.write(Opcode.ADJUST, selection, brightness, contrast, saturation, brightness_first, hue)

    def curve(self, curve: int, parameter: Tensor | int = 0, selection: Selection = True) -> None:
        """Adds a curve of levels, of at most ``MOST_CURVES``.

        Fixed curves are ``POSTERIZE`` to a number of bits, ``SOLARIZE`` from a threshold in 1/THRESHOLD_UNIT
        of white, and ``POWER`` with an exponent in 1/EXPONENT_UNIT. Measured curves depend on the image as
        the curves before leave it: ``AUTOCONTRAST`` and ``EQUALIZE``, without a parameter, and ``CONTRAST``
        about the mean by a factor in 1/CONTRAST_UNIT.
        """
        self._program.write(Opcode.CURVE, selection, curve + parameter * 256)
        if curve in MEASURED_CURVES:
            self.words(STATISTICS, "noise", selection)  # the bit only, no word

    def curve_words(self, words: Tensor, selection: Selection, measured: Selection) -> None:
        """Adds a curve that differs by draw: the words ``(n,)`` of the recipe, as ``curve`` makes them.

        ``measured`` selects the draws whose curve depends on the image.
        """
        self._program.write(Opcode.CURVE, selection, words)
        self.words(STATISTICS, "noise", measured)

    def noise(
        self, kind: int, low: Operand, span: Operand, keys: Tensor, place: int, selection: Selection = True
    ) -> None:
        """Adds noise.

        The kind is ``NORMAL``, with a standard deviation of ``low`` in 1/DEVIATION_UNIT of a level, or
        ``FACTOR``, with factors between ``low`` and ``low + span`` in 1/FACTOR_UNIT; and the flags
        ``PER_CHANNEL`` and ``PER_PIXEL``.
        """
        self.words(NOISE, "noise", selection, kind, place, low, span, keys)

    def impulse(
        self, salt: Operand, pepper: Operand, keys: Tensor, place: int, selection: Selection = True
    ) -> None:
        """Adds salt and pepper to the given shares of pixels, in steps of 2**-16."""
        self._program.write(Opcode.IMPULSE, selection, keys, place, salt, pepper)

    # ---- Erasing

    def erase(self, boxes: Tensor, fill: Operand, selection: Selection = True) -> None:
        """Fills up to ``BOXES`` boxes of the output with the level ``fill``.

        ``boxes`` are int64 ``(n, k, 4)``: left, top, right, bottom, the last two exclusive. Coordinates end
        at 65535.
        """
        words = quad(*boxes.clamp(0, 0xFFFF).unbind(2))
        nothing = (0,) * (BOXES - words.shape[1] + 2)
        self.words(ERASE, "fill", selection, fill, words, nothing)

    def cut_out(self, place: Operand, size: Operand, fill: Operand, selection: Selection = True) -> None:
        """Fills one more box, of at most ``BOXES``, with the level ``fill``.

        The box has a ``size`` (width, height) in pixels. Its middle is at ``place``, a share of the extent in
        [0, 1) in x and in y. It is clipped at the border.
        """
        self._program.write(Opcode.CUT_OUT, selection, place, size, fill)

    def erase_grid(
        self, unit: Tensor, hole: Tensor, phase: Tensor, fill: Operand, selection: Selection = True
    ) -> None:
        """Fills a corner of every square of a grid with the level ``fill``.

        Args:
            unit: int64 ``(n,)``, the side of a square, below 65536.
            hole: int64 ``(n,)``, the side of the filled part of a square, below 65536.
            phase: int64 ``(n, 2)``, the pixels by which the first squares are cut off, in x and in y.
            fill: the level.
            selection: the draws that this applies to.
        """
        grid = quad(unit, unit, hole, hole)
        self.words(ERASE, "fill", selection, fill, (0,) * BOXES, grid, quad(*phase.unbind(1)))

    # ---- Any stage

    def words(self, bit: int, first: str, selection: Selection, *words: Operand) -> None:
        """Gives draws the stage of ``bit``, and sets words of their recipes from the word ``first`` on.

        The words are int64 ``(n,)`` or numbers. Only words from ``FIRST_FREE`` on may be set.
        """
        self._program.write_words(bit, first, selection, *words)

    # ---- Recording and repeating

    def record(self) -> Recording:
        """Records all that was written so far, to be repeated. It must not have changed the extent."""
        return Recording(self._program)

    def repeat(self, recording: Recording, rows: Tensor) -> None:
        """Writes a recording, once for each row of its table that a draw takes.

        ``rows`` are float64 ``(n, times, columns)``.
        """
        recording.repeat(self._program, rows)

    # ---- Recipes

    def recipes(self, size: tuple[int, int]) -> Recipes:
        """The recipes. The geometry of every draw must have ended at ``size``, (height, width)."""
        columns, constants, code = self._program.columns, self._program.constants, self._program.code
        # If values cannot be read (a graph would break, the host would wait for a device, or there are none),
        # every stage that was written counts as used.
        if torch.compiler.is_compiling() or self._device.type != "cpu" or self.count == 0:
            records = execute(columns, constants, code, self.count, size, self._device)
            return Recipes(records, size, possible_stages(constants, code))
        records = torch.empty((self.count, len(FIELDS)), dtype=torch.int64, device="cpu")
        return Recipes(records, size, torch.ops.gpuaug.assemble(records, columns, constants, code, *size))


def quad(*numbers: Tensor) -> Tensor:
    """Packs up to four numbers of 16 bits into one word, the first in the lowest bits; int64, of one shape.

    >>> hex(quad(*torch.tensor([[1], [2], [3], [4]])).item())
    '0x4000300020001'
    """
    word = numbers[0]
    for place, number in enumerate(numbers[1:], start=1):
        word = word | (number << (16 * place))
    return word
