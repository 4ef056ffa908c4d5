"""The layout of recipes, and of the programs that recipes are made from. It is defined here alone.

``csrc/common/layout.h`` is made from this file; after a change, run ``python -m gpuaug.recipe.header``.
"""

from __future__ import annotations

from enum import IntEnum

# ---- The recipe: the words of one draw, int64 each, that the kernel executes. Pairs of x and y are adjacent,
# as in programs.

# Each group of words: its description, and its words, a tuple for each line of the header.
GROUPS: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    ("The stages of this draw, as bits.", (("stages",),)),
    (
        "Source image: its first byte in the storage, and its size in pixels.",
        (("offset", "width", "height"),),
    ),
    (
        "Geometry: the inverse affine map, from an output pixel's (x, y) to the source's, pixel centres "
        "on whole numbers, 32.32 fixed point: source x = xx * x + xy * y + x1. Taps beyond the window "
        "[left, right) x [top, bottom) follow the border.",
        (("xx", "yy", "xy", "yx", "x1", "y1"), ("left", "top", "right", "bottom"), ("border",)),
    ),
    (
        "Geometry: the levels of a zero border, 8 bits for each channel, the first in the lowest bits.",
        (("outside",),),
    ),
    (
        "Perspective: the divisor of the map's sums, px * x + py * y + p1, in 1/2^48.",
        (("px", "py", "p1"),),
    ),
    (
        "Blur: its kind; the weight of the two taps two pixels away together, and of the two taps one pixel "
        "away together, in 1/2^15. For sharpening, `outer` is the factor, in 1/2^16.",
        (("blur", "outer", "inner"),),
    ),
    (
        "Color: the weights of red, green and blue in each of the three, in 1/2^12, and a number to add, in "
        "1/2^12 of a level.",
        (("rr", "rg", "rb", "r1"), ("gr", "gg", "gb", "g1"), ("br", "bg", "bb", "b1")),
    ),
    (
        "Curves: up to three, applied one after another. A word has the curve in its low eight bits, and its "
        "parameter above them. Measured curves also need the stage bit STATISTICS.",
        (("curve0", "curve1", "curve2"),),
    ),
    (
        "Noise: its kind and flags, and in bits 16 to 23 the number of the image's channel that is the first "
        "here; its place in the chain, its least value and its span. It uses the key below.",
        (("noise", "noise_place", "noise_low", "noise_span"),),
    ),
    (
        "Impulse noise: a pixel becomes 255 if its 16 random bits are below `salt`, else 0 if they are below "
        "`pepper`, which includes the share of salt. The bits come from the draw's key and the place in the "
        "chain.",
        (("key", "place", "salt", "pepper"),),
    ),
    (
        "Erasing: the level to fill with, up to four boxes of the output, and a grid. Boxes and grids are "
        "words of four 16-bit numbers, the first in the lowest bits: left, top, right, bottom (exclusive) of "
        "a box; the side of a grid's unit in x and y, and of the erased part of it, in x and y; the pixels "
        "by which the first units are cut off, in x and y.",
        (("fill", "box0", "box1", "box2", "box3", "grid", "grid_at"),),
    ),
)
FIELDS = tuple(name for _, lines in GROUPS for line in lines for name in line)
WORD = {name: index for index, name in enumerate(FIELDS)}
FIRST_FREE = WORD["noise"]  # a WORDS entry may write the words from here on

# ---- Stages


class Stage(IntEnum):
    """The stages of a pass in their fixed order: before the kernel, in the kernel, and after it."""

    READ = -1  # before the kernel: a window maps values to levels
    GEOMETRY = 0
    BLUR = 1
    COLOR = 2
    CURVES = 3
    NOISE = 4
    IMPULSE = 5
    ERASE = 6
    OUTPUT = 7
    BATCHED = 8  # after the kernel: batched transforms, in PyTorch, on the draws that need them


# Bits of the word `stages`, and of the union over a batch. SHRINK is geometry with an antialiasing filter,
# NEAREST geometry that reads one source pixel for each output pixel, PERSPECTIVE geometry with a divided map.
# STATISTICS marks measured curves, which depend on the image; SHARPNESS a blur that sharpens.
GEOMETRY, BLUR, IMPULSE, SHRINK, COLOR, ERASE, CURVES, NOISE = 1, 2, 4, 8, 16, 32, 64, 128
STATISTICS, SHARPNESS, NEAREST, PERSPECTIVE = 256, 512, 1024, 2048
BITS = {
    **{"geometry": GEOMETRY, "blur": BLUR, "impulse": IMPULSE, "shrink": SHRINK},
    **{"color": COLOR, "erase": ERASE, "curves": CURVES, "noise": NOISE},
    **{"statistics": STATISTICS, "sharpness": SHARPNESS},
    **{"nearest": NEAREST, "perspective": PERSPECTIVE},
}

# ---- Reading

VALUE_UNIT = 16  # the ends of a window are kept in 1/VALUE_UNIT of a value
LEAST_END, MOST_END = -65536, 131072  # the range of a window's ends, in values

# ---- Geometry

BORDERS = {"edge": 0, "zero": 1, "reflect": 2}
FIXED_POINT = float(1 << 32)
STEADY = 2.0**30  # a map is kept in steps of 1/STEADY: it then does not depend on a machine's cosine
PERSPECTIVE_UNIT = float(1 << 48)
TRIES = 10  # windows to choose from in FIT
# Added to a coordinate before its fraction is dropped, to find the nearest pixel: a half, and a little more
# than the rounding error of the map, so that all halves are rounded up.
NEAREST_HALF = (1 << 31) + (1 << 12)

# ---- Blur

GAUSSIAN, ARTICLE, SHARPEN = 0, 1, 2
BLUR_UNIT = 1 << 15
SHARPEN_UNIT = 1 << 16
MOST_SHARPENING = 10 * SHARPEN_UNIT
# The article's blur kernel: its sum is 273, its border zero, its result truncated to whole levels.
ARTICLE_KERNEL = (
    (1, 4, 7, 4, 1),
    (4, 16, 26, 16, 4),
    (7, 26, 41, 26, 7),
    (4, 16, 26, 16, 4),
    (1, 4, 7, 4, 1),
)

# ---- Color

COLOR_UNIT = 1 << 12
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue, ITU-R BT.601
# A rotation of the hue by a quarter turn, from red to yellow as in HSV, but in YIQ, which keeps the luma.
QUARTER = (
    (-0.167911, -0.329645, 0.497556),
    (0.327953, -0.035089, -0.292864),
    (-1.248272, 1.045272, 0.203),
)

# ---- Curves: the low eight bits of a word, and the units of the parameter above them.

MOST_CURVES = 3
POSTERIZE, SOLARIZE, POWER = 1, 2, 3
THRESHOLD_UNIT = 1 << 24
EXPONENT_UNIT = 1 << 16
# Measured curves. They depend on the image as the curves before leave it: on the least and greatest level of
# each channel, on the histogram of each channel, and on the mean.
AUTOCONTRAST, EQUALIZE, CONTRAST = 4, 5, 6
MEASURED_CURVES = (AUTOCONTRAST, EQUALIZE, CONTRAST)
CONTRAST_UNIT = 1 << 16
MOST_CONTRAST = 10 * CONTRAST_UNIT
GREY = (19595, 38470, 7471)  # LUMA in 1/2^16, with a sum of exactly 2^16

# ---- Noise: its kind, and the flags for separate noise of each channel and each pixel.

NORMAL, FACTOR = 1, 2
PER_CHANNEL, PER_PIXEL = 1 << 8, 1 << 9
FIRST_CHANNEL = 1 << 16  # the unit of the first channel's number, for images with many channels
DEVIATION_UNIT = (1 << 20) / 5120  # of a level
FACTOR_UNIT = 1 << 12

# ---- Impulse noise and erasing

IMPULSE_UNIT = 1 << 16
BOXES = 4

# ---- Programs: each entry is an opcode and its operands.


class Opcode(IntEnum):
    """The kinds of entries. The first operand selects draws; the others follow."""

    CROP = 0  # left, top, width, height
    WINDOW = 1  # fraction of the room in x and y, width, height, padding
    FIT = 2  # fraction of the room in x and y, least ratio, most ratio, TRIES shares, TRIES ratios
    RESIZE = 3  # width, height, antialias
    FLIP = 4  # axis
    AFFINE = 5  # inverse map by rows, its divisor, translation in x and y as shares of the extent
    BORDER = 6  # the border, and the word `outside` of the recipe
    BLUR = 7  # kind, sigma (for SHARPEN the factor)
    IMPULSE = 8  # key, place, salt, pepper
    COLOR = 9  # for red, green and blue: the weights of the three, and a number to add in units of white
    ADJUST = 10  # brightness, contrast, saturation, whether brightness is first, cosine and sine of the hue
    CURVE = 11  # the word of one more curve
    CUT_OUT = 12  # a box's middle in x and y, as shares of the extent; width, height, fill
    WORDS = 13  # in the code itself a stage's bit, the first word's index, the count of words; then the words
    NEAREST = 14  # no further operand
    PERSPECTIVE = 15  # the matrix from output to input by rows, without its last number, which is 1


# The number of operands of each opcode, with the selection; for WORDS, of those before its words.
ARITY: dict[int, int] = {
    **{Opcode.CROP: 5, Opcode.WINDOW: 6, Opcode.FIT: 5 + 2 * TRIES, Opcode.RESIZE: 4},
    **{Opcode.FLIP: 2, Opcode.AFFINE: 8, Opcode.BORDER: 3, Opcode.BLUR: 3, Opcode.IMPULSE: 5},
    **{Opcode.COLOR: 13, Opcode.ADJUST: 7, Opcode.CURVE: 2, Opcode.CUT_OUT: 6, Opcode.WORDS: 4},
    **{Opcode.NEAREST: 1, Opcode.PERSPECTIVE: 9},
}
# The stage that an entry gives its draws. WORDS names its own; geometry is found from the finished map.
STAGE_OF: dict[int, int] = {
    **{Opcode.BLUR: BLUR, Opcode.IMPULSE: IMPULSE, Opcode.COLOR: COLOR, Opcode.ADJUST: COLOR},
    **{Opcode.CURVE: CURVES, Opcode.CUT_OUT: ERASE, Opcode.NEAREST: NEAREST},
    **{Opcode.PERSPECTIVE: PERSPECTIVE},
}
