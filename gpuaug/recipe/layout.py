"""The record of one draw, as the kernel executes it; ``csrc/common/layout.h`` has the same fields in C++."""

from __future__ import annotations

# Pairs of an x and a y stand side by side, as a program has them.
FIELDS = (
    *("stages", "offset"),
    *("width", "height"),
    *("xx", "yy", "xy", "yx", "x1", "y1"),
    *("left", "top", "right", "bottom", "border"),
    *("blur", "outer", "inner"),
    *("key", "place", "salt", "pepper"),
    *("rr", "rg", "rb", "r1", "gr", "gg", "gb", "g1", "br", "bg", "bb", "b1"),
    *("curve0", "curve1", "curve2"),
    *("noise", "noise_place", "noise_low", "noise_span"),
    *("fill", "box0", "box1", "box2", "box3", "grid", "grid_at"),
)
WORD = {name: number for number, name in enumerate(FIELDS)}

GEOMETRY, BLUR, IMPULSE, SHRINK, COLOR, ERASE, CURVES, NOISE = 1, 2, 4, 8, 16, 32, 64, 128
BORDERS = {"edge": 0, "zero": 1, "reflect": 2}
GAUSSIAN, ARTICLE = 0, 1

FIXED_POINT = float(1 << 32)
BLUR_UNIT = 1 << 15
# The article's blur: sum 273, zero border, truncated to whole levels.
ARTICLE_KERNEL = (
    (1, 4, 7, 4, 1),
    (4, 16, 26, 16, 4),
    (7, 26, 41, 26, 7),
    (4, 16, 26, 16, 4),
    (1, 4, 7, 4, 1),
)
IMPULSE_UNIT = 1 << 16
COLOR_UNIT = 1 << 12
# A word of curves: the curve in its low eight bits, and above them its parameter, in these units.
MOST_CURVES = 3
POSTERIZE, SOLARIZE, POWER = 1, 2, 3
THRESHOLD_UNIT = 1 << 24
EXPONENT_UNIT = 1 << 16
# The word of noise: its kind, and whether each channel and each pixel have noise of their own.
NORMAL, FACTOR = 1, 2
PER_CHANNEL, PER_PIXEL = 1 << 8, 1 << 9
DEVIATION_UNIT = (1 << 20) / 5120  # of a level
FACTOR_UNIT = 1 << 12
BOXES = 4
