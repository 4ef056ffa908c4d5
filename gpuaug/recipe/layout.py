"""The layout of a recipe and of the program that recipes are made from: the one place that says both.

``csrc/common/layout.h`` is made from this file: after a change, ``python -m gpuaug.recipe.header``.
"""

from __future__ import annotations

from enum import IntEnum

# ---- The record: the words of one draw, int64 each, as the kernel executes it. Pairs of x and y stand side
# by side, as programs have them.

# What a group of words is, and the words, a tuple for each line of the header.
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
        "Of geometry: what a zero border is, a level for each channel, 8 bits each, the first in the lowest.",
        (("outside",),),
    ),
    (
        "Perspective: what the sums of the map are divided by, px * x + py * y + p1, in 1/2^48.",
        (("px", "py", "p1"),),
    ),
    (
        "Blur: of the two taps two pixels away, and of the two taps one pixel away, the weights together,"
        " in 1/2^15. Of sharpening, `outer` is its factor, in 1/2^16.",
        (("blur", "outer", "inner"),),
    ),
    (
        "Color: what red, green and blue each become of the three, in 1/2^12, and what is added, in "
        "1/2^12 of a level.",
        (("rr", "rg", "rb", "r1"), ("gr", "gg", "gb", "g1"), ("br", "bg", "bb", "b1")),
    ),
    (
        "Curves: up to three, one after another. A word is the curve in its low eight bits and its "
        "parameter above them. Curves that go by the image itself need the stage bit STATISTICS too.",
        (("curve0", "curve1", "curve2"),),
    ),
    (
        "Noise: its kind and flags, and in bits 16 to 23 which of the image's channels comes first here; "
        "its place in the chain, its least and its span; from the key below.",
        (("noise", "noise_place", "noise_low", "noise_span"),),
    ),
    (
        "Impulse noise: a pixel whose 16 bits lie below `salt` becomes 255, else below `pepper` 0. The "
        "thresholds add up. The bits come from the draw's key and the place in the chain.",
        (("key", "place", "salt", "pepper"),),
    ),
    (
        "Erasing: the level that is put there, up to four boxes of the output, and a grid. Words of four "
        "16-bit numbers, the first in the lowest bits: a box's left, top, right, bottom (exclusive); a "
        "grid's unit in x and y and the part of it that is erased, in x and y; and how many pixels the "
        "first units lack, in x and y.",
        (("fill", "box0", "box1", "box2", "box3", "grid", "grid_at"),),
    ),
)
FIELDS = tuple(name for _, lines in GROUPS for line in lines for name in line)
WORD = {name: index for index, name in enumerate(FIELDS)}
FIRST_FREE = WORD["noise"]  # from here on, the words that a WORDS entry may write

# ---- Stages


class Stage(IntEnum):
    """The kernel's stages in its fixed order, what may come before it, and what may follow it in the same
    pass.
    """

    READ = -1  # before the kernel: levels of values that a window maps
    GEOMETRY = 0
    BLUR = 1
    COLOR = 2
    CURVES = 3
    NOISE = 4
    IMPULSE = 5
    ERASE = 6
    OUTPUT = 7
    BATCHED = 8  # after the kernel: PyTorch on the draws that need it


# Bits of the word `stages`, and of the union over a batch. SHRINK is geometry with a filter, NEAREST without
# any: one source pixel for each of the output's; PERSPECTIVE is geometry whose map is divided. STATISTICS is
# curves that go by the image itself; SHARPNESS is blur that sharpens.
GEOMETRY, BLUR, IMPULSE, SHRINK, COLOR, ERASE, CURVES, NOISE = 1, 2, 4, 8, 16, 32, 64, 128
STATISTICS, SHARPNESS, NEAREST, PERSPECTIVE = 256, 512, 1024, 2048
BITS = {
    **{"geometry": GEOMETRY, "blur": BLUR, "impulse": IMPULSE, "shrink": SHRINK},
    **{"color": COLOR, "erase": ERASE, "curves": CURVES, "noise": NOISE},
    **{"statistics": STATISTICS, "sharpness": SHARPNESS},
    **{"nearest": NEAREST, "perspective": PERSPECTIVE},
}

# ---- Reading

VALUE_UNIT = 16  # a window's ends are kept in 1/VALUE_UNIT of a value
LEAST_END, MOST_END = -65536, 131072  # of a window, in values

# ---- Geometry

BORDERS = {"edge": 0, "zero": 1, "reflect": 2}
FIXED_POINT = float(1 << 32)
STEADY = 2.0**30  # a map is kept in such steps, so that it does not matter how a machine rounds a cosine
PERSPECTIVE_UNIT = float(1 << 48)
TRIES = 10  # windows to choose from in FIT
# Added to a coordinate before its fraction is cut off, where the nearest pixel is read: a half, and more than
# what rounding of the map may take away, so that all halves go up.
NEAREST_HALF = (1 << 31) + (1 << 12)

# ---- Blur

GAUSSIAN, ARTICLE, SHARPEN = 0, 1, 2
BLUR_UNIT = 1 << 15
SHARPEN_UNIT = 1 << 16
MOST_SHARPENING = 10 * SHARPEN_UNIT
# The article's blur: sum 273, zero border, truncated to whole levels.
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
# What a quarter turn makes of a color: from red to yellow, as HSV's hue, but in YIQ, which keeps the luma.
QUARTER = (
    (-0.167911, -0.329645, 0.497556),
    (0.327953, -0.035089, -0.292864),
    (-1.248272, 1.045272, 0.203),
)

# ---- Curves: a word's low eight bits, and the units of the parameter above them.

MOST_CURVES = 3
POSTERIZE, SOLARIZE, POWER = 1, 2, 3
THRESHOLD_UNIT = 1 << 24
EXPONENT_UNIT = 1 << 16
# Those that go by the image as the curves before leave it: by each channel's least and greatest level, by
# each channel's histogram, and by the mean.
AUTOCONTRAST, EQUALIZE, CONTRAST = 4, 5, 6
MEASURED_CURVES = (AUTOCONTRAST, EQUALIZE, CONTRAST)
CONTRAST_UNIT = 1 << 16
MOST_CONTRAST = 10 * CONTRAST_UNIT
GREY = (19595, 38470, 7471)  # LUMA in 1/2^16, which add up to that exactly

# ---- Noise: its kind, and whether each channel and each pixel have noise of their own.

NORMAL, FACTOR = 1, 2
PER_CHANNEL, PER_PIXEL = 1 << 8, 1 << 9
FIRST_CHANNEL = 1 << 16  # the unit of the first channel's number, for images that come in parts
DEVIATION_UNIT = (1 << 20) / 5120  # of a level
FACTOR_UNIT = 1 << 12

# ---- Impulse noise and erasing

IMPULSE_UNIT = 1 << 16
BOXES = 4

# ---- Programs: entries of an opcode and its operands.


class Opcode(IntEnum):
    """Every kind of entry. Its first operand selects draws; the others follow."""

    CROP = 0  # left, top, width, height
    WINDOW = 1  # fraction of the room in x and y, width, height, padding
    FIT = 2  # fraction of the room in x and y, least ratio, most ratio, TRIES shares, TRIES ratios
    RESIZE = 3  # width, height, antialias
    FLIP = 4  # axis
    AFFINE = 5  # inverse map by rows, what divides it, shares of the extent moved by in x and y
    BORDER = 6  # which, and the record's word of what lies there
    BLUR = 7  # kind, sigma; or of SHARPEN the factor
    IMPULSE = 8  # key, place, salt, pepper
    COLOR = 9  # for red, green and blue each: how much of the three, and what is added, in units of white
    ADJUST = (
        10  # factors of brightness, contrast, saturation; whether brightness is first; hue's cosine, sine
    )
    CURVE = 11  # a curve after those before it: the record's word
    CUT_OUT = 12  # a box's middle in x and y, as shares of the extent; width, height, fill
    WORDS = 13  # in the code itself a stage's bit, the first word's index and their count; then the words
    NEAREST = 14  # nothing more
    PERSPECTIVE = 15  # from output to input: by rows, all but the last, which is 1


# What follows each opcode in the code, the selection first; of WORDS, what comes before its words.
ARITY: dict[int, int] = {
    **{Opcode.CROP: 5, Opcode.WINDOW: 6, Opcode.FIT: 5 + 2 * TRIES, Opcode.RESIZE: 4},
    **{Opcode.FLIP: 2, Opcode.AFFINE: 8, Opcode.BORDER: 3, Opcode.BLUR: 3, Opcode.IMPULSE: 5},
    **{Opcode.COLOR: 13, Opcode.ADJUST: 7, Opcode.CURVE: 2, Opcode.CUT_OUT: 6, Opcode.WORDS: 4},
    **{Opcode.NEAREST: 1, Opcode.PERSPECTIVE: 9},
}
# The stage that an entry gives its draws; WORDS names its own, and the record shows what moves.
STAGE_OF: dict[int, int] = {
    **{Opcode.BLUR: BLUR, Opcode.IMPULSE: IMPULSE, Opcode.COLOR: COLOR, Opcode.ADJUST: COLOR},
    **{Opcode.CURVE: CURVES, Opcode.CUT_OUT: ERASE, Opcode.NEAREST: NEAREST},
    **{Opcode.PERSPECTIVE: PERSPECTIVE},
}
