"""What must not go unnoticed in the stages of a tile."""

from __future__ import annotations

# Of the tables of curves that go by the image.
OF_TABLES = (
    "the curve is made",
    "the next curve may take its place",
    "nothing is counted",
    "the image that the curve sees is counted",
    "and known",
    "the next curve may count",
)

# By file of csrc, then by what goes wrong: the build that must notice it, an expression or a statement of the
# file, and what takes its place.
MUTATIONS: dict[str, dict[str, tuple[str, str, str]]] = {
    "cuda/blur.cuh": {
        "a blur that begins without its first rows": ("plain", "-2 * kHalo", "-kHalo"),
        "a row of the patch in the wrong sum": (
            "plain",
            "sums_[2][j] + fine * centre_",
            "sums_[3][j] + fine * centre_",
        ),
    },
    "cuda/packed.cuh": {
        "a blur of odd columns as if they were even": (
            "plain",
            "j % 2 ? weights.odd[i] : weights.even[i]",
            "weights.even[i]",
        ),
    },
    "cuda/sharpen.cuh": {
        "a border that is sharpened": ("plain", "y + row > 0", "true"),
        "alpha that is sharpened": (
            "plain",
            "column.channel < colored(tiling.channels) ? sharpen_factor(recipe) : kStays",
            "sharpen_factor(recipe)",
        ),
        "the sums of a row that has gone": ("plain", "above = own, own = below", "above = own"),
    },
    "cuda/color.cuh": {
        "color without the impulse noise after it": ("plain", "colors.over(mixed, picks)", "mixed"),
        "green from the row of red": ("plain", "mix(1, stage.green)", "mix(1, stage.red)"),
    },
    "cuda/curves.cuh": {
        "curves in another order": ("plain", "curve_word(recipe, i)", "curve_word(recipe, 2 - i)"),
        "tables of another draw's curves": (
            "plain",
            "batch.measured[plan.draw].tables",
            "batch.measured[0].tables",
        ),
        "the first channel's table for all": ("plain", "tables + channel * step", "tables"),
    },
    "common/stages/statistics.h": {
        **{f"no barrier: {after}": ("thread", f"team.barrier();  // {after}", "") for after in OF_TABLES},
    },
    "cuda/count_tile.cuh": {
        "pixels beyond the edge that are counted": (
            "plain",
            "min(plan.x.extent - x, kStripWidth)",
            "kStripWidth",
        ),
        "counts of the tile before": ("plain", "shared.counting().counts[k] = 0;", ""),
        "levels of the first channel that are counted": (
            "plain",
            "shared.finished() + channel * plane",
            "shared.finished()",
        ),
        "counts of all channels together": (
            "plain",
            "shared.counting().counts + channel * kLevels",
            "shared.counting().counts",
        ),
        "a tile that is not counted": ("plain", "count != 0", "count != 0 && plan.tile > 0"),
        "tables that are made before the last tile": ("plain", "before + 1", "before + 2"),
        "a tile that is told of before its counts": (
            "thread",
            "__threadfence();  // before its own tile",
            "",
        ),
        "a sum that is lost": ("thread", "atomicAdd(at, count);", "*at += count;"),
        "alpha among the channels that are measured": (
            "address",
            "read_anew(colored(batch.channels))",
            "read_anew(batch.channels)",
        ),
    },
    "cuda/noise.cuh": {
        "noise of the first channel": (
            "plain",
            "noise_bits(recipe, channel, pixel)",
            "noise_bits(recipe, 0, pixel)",
        ),
        "noise of channels that count from 0 in each part": (
            "plain",
            "noise_channel(recipe, channel)",
            "recipe.noise & kPerChannel ? channel : 0",
        ),
        "noise of another pixel": (
            "plain",
            "strip_bits(key, recipe.noise_place, own, pixel)",
            "strip_bits(key, recipe.noise_place, own, pixel + 1)",
        ),
    },
    "cuda/strip_bits.cuh": {
        "impulse noise of one block where it straddles two": (
            "plain",
            "past == 0",
            "true",
        ),
    },
    "cuda/threshold.cuh": {
        "a threshold without what pays for it": ("plain", "(pair | 0x80008000u)", "pair"),
        "a threshold that is always in the lower half": (
            "plain",
            "threshold < 0x8000 ? ~0u : 0",
            "~0u",
        ),
        "random bits in another order": ("plain", "0x7351", "0x7531"),
    },
    "cuda/covers.cuh": {
        "covers of the other half of a strip": ("plain", "picks >> 16", "picks"),
        "a level that is covered in black": ("plain", "(pick - 4) * 8", "0"),
    },
    "cuda/cover_tile.cuh": {
        "impulse noise where a box is erased": (
            "plain",
            "selected(erased, kAllErased, picks)",
            "selected(erased, kAllErased | picks, picks)",
        ),
        "no impulse noise around a box": ("plain", "begun ? picks : kAllKept", "kAllKept"),
        "what covered the tile before": ("plain", "begun ? picks : kAllKept", "picks"),
        "a box that begins with its row": ("plain", "left_of(end) & ~left_of(begin)", "left_of(end)"),
        "a box that ends a pixel late": (
            "plain",
            "left_of(end) & ~left_of(begin)",
            "left_of(end + 1) & ~left_of(begin)",
        ),
        "a grid that begins elsewhere": ("plain", "(x + phase) % unit", "x % unit"),
        "a grid of one unit": ("plain", "at + 1 < unit ? at + 1 : 0", "at + 1"),
        "pepper in the place of salt": (
            "plain",
            "selected(white.reached(bits), kAllBlack, kAllWhite)",
            "selected(white.reached(bits), kAllWhite, kAllBlack)",
        ),
    },
    "cuda/level_tile.cuh": {
        "curves of another level": (
            "plain",
            "(j < 4 ? levels.x : levels.y) >> shift & 0xFF",
            "levels.x >> shift & 0xFF",
        ),
        "curves and noise without the impulse noise after them": ("plain", "plan.covered", "false"),
    },
}
