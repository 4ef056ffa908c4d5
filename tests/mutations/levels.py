"""What must not go unnoticed where values become levels."""

from __future__ import annotations

# By file of csrc, then by what goes wrong: the build that must notice it, a piece of the file, and what takes
# that piece's place.
MUTATIONS: dict[str, dict[str, tuple[str, str, str]]] = {
    "common/to_levels.h": {
        "a level that is cut off": ("plain", " + (1 << 12)", ""),
        "a factor that is rounded down": ("plain", "(span << shift) + 1;", "(span << shift);"),
        "a value below the window": ("plain", "n < 0 ? 0 : ", ""),
        "a value above the window": ("plain", "(n > scale.span ? scale.span : n)", "n"),
        "ends of no window": ("address", "clamp(window.low, kLeast, kMost - 1)", "window.low"),
        "ends in whole values": ("plain", "value * kValueUnit", "value"),
        "columns that nobody reads": (
            "address",
            "(window.right - window.left) * pixel",
            "recipe.width * pixel",
        ),
        "rows from the first one on": ("plain", "window.top * row + ", ""),
        "the first plane for all": ("plain", "line / in_plane * plane + ", ""),
        "the crop of a draw without geometry": ("plain", "if (recipe.stages & kGeometry) window", "window"),
        "an image that ends too late": (
            "address",
            "const int64_t left = values - offset;",
            "const int64_t left = values;",
        ),
        "an image that begins too early": ("address", " || offset < 0", ""),
    },
    "cuda/to_levels.cuh": {
        "values beyond the storage": (
            "address",
            "if (!lies_in(values.count, window.offset, recipe, values.channels)) return;",
            "",
        ),
        "levels beyond their room": (
            "address",
            "if (!lies_in(values.levels, recipe.offset, recipe, values.channels)) return;",
            "",
        ),
        "lines of the first block alone": ("plain", "int64_t{part} * warps + threadIdx.x", "threadIdx.x"),
        "one line for all warps": ("thread", " + threadIdx.x / kLineLanes; line", "; line"),
        "columns that are left out": ("plain", "x += kLineLanes", "x += 2 * kLineLanes"),
        "levels where the values were": ("plain", "values.out + recipe.offset", "values.out + window.offset"),
    },
}
