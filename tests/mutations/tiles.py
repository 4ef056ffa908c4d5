"""What must not go unnoticed in the steps of a tile: its plan, its source pixels, its output."""

from __future__ import annotations

BARRIERS = (
    "the first plan is made",
    "taps, covers and tables are made",
    "the band's rows are filtered across",
    "the next band may take their place",
    "the patch has its levels",
    "the tile has its levels",
    "the tile is finished",
    "the tile is counted",
    "its counts are added to the draw's",
    "it is known whether the draw is counted",
    "no thread is at this tile any more",
)

# By file of csrc, then by what goes wrong: the build that must notice it, an expression or a statement of the
# file, and what takes its place.
MUTATIONS: dict[str, dict[str, tuple[str, str, str]]] = {
    "cuda/kernel.cuh": {
        **{f"no barrier: {after}": ("thread", f"__syncthreads();  // {after}", "") for after in BARRIERS},
    },
    "cuda/tiling.h": {
        "a finished tile over the patch that is still read": (
            "thread",
            "halo && tiling.vectors && !(stages & LevelStages::kBits)",
            "halo && tiling.vectors",
        ),
        "too little memory for covers": ("plain", "kStripWidth / 2", "kStripWidth / 4"),
        "counted before color": ("plain", "StagePlace<CurvesStage>::kBitsBefore", "0"),
        "counted under what covers pixels": (
            "plain",
            "batch.out ? named | measured : named & counted",
            "named | measured",
        ),
        "no memory for the other channels' tables": ("plain", "colored(channels)", "1"),
    },
    "cuda/tile_plan.cuh": {
        "halo not resolved": (
            "address",
            "resolve(at < last ? at : last, 0, axis.size, plan.blur_border)",
            "at < last ? at : last",
        ),
        "words of rows that are not aligned": ("address", "recipe.width % 4 == 0", "true"),
        "words beyond the end of the storage": (
            "address",
            "end + 3 <= batch.storage_bytes",
            "end <= batch.storage_bytes",
        ),
        "table of another draw": ("plain", "batch.table_per_draw != 0 && draw != now.draw", "false"),
        "rows too short for four columns": ("address", "recipe.width < kTapBytes", "false"),
        "a draw that is not measured": ("plain", "!is_measured(batch.recipes[draw])", "draw == 1"),
        "a perspective on a path along the axes": ("plain", "recipe.stages & kPerspective", "false"),
        "a border that is not black on a path that has only black": (
            "plain",
            "recipe.border == kZero && recipe.outside != 0",
            "false",
        ),
    },
    "common/stages/geometry.h": {
        "tap not resolved": (
            "address",
            "resolve(ty.index + 1, window.top, window.bottom, recipe.border)",
            "ty.index + 1",
        ),
        "the nearest pixel blended with the next": (
            "plain",
            "Sampling{kNearestHalf, 0}",
            "Sampling{kNearestHalf, 2047}",
        ),
        "the nearest pixel without its half": ("plain", "Sampling{kNearestHalf, 0}", "Sampling{0, 0}"),
        "a filter where the nearest pixel is read": (
            "plain",
            "(kBoth | kNearest | kPerspective)",
            "(kBoth | kPerspective)",
        ),
        "a perspective that is not divided": ("plain", "!(recipe.stages & kPerspective)", "true"),
        "rows divided as columns are": ("plain", "divided(down, divisor)", "divided(across, divisor)"),
    },
    "cuda/output.cuh": {
        "output of strips off by one": (
            "plain",
            "(channel * batch.height + plan.y.begin + first_row) * batch.width + plan.x.begin + x",
            "(channel * batch.height + plan.y.begin + first_row) * batch.width + plan.x.begin + x + kVector",
        ),
        "covers of the first rows": ("plain", "all.picks + first_row * strips + strip", "all.picks + strip"),
        "impulse noise where strips go straight": ("plain", "straight && !picks", "straight"),
    },
    "cuda/resample_antialias.cuh": {
        "a filter across where the border is": (
            "plain",
            "shows_beyond(coordinate, axis.low, axis.high, plan.border)",
            "false",
        ),
        "band longer than its memory": (
            "address",
            "past - first > shared.tiling.fine_rows",
            "past - first > 99",
        ),
    },
    "cuda/resample_gather.cuh": {
        "a filter down, pixel by pixel, where the border is": (
            "plain",
            "shows_beyond(coordinate, window.top, window.bottom, recipe.border)",
            "false",
        ),
        "a filter across, pixel by pixel, where the border is": (
            "plain",
            "shows_beyond(coordinate, window.left, window.right, recipe.border)",
            "false",
        ),
        "a border of the first channel's level": (
            "plain",
            "outside_level(recipe, c)",
            "outside_level(recipe, 0)",
        ),
        "a border that is black beside a filter": (
            "plain",
            "left < 0 ? outside : pixels[left * strides.column]",
            "left < 0 ? 0 : pixels[left * strides.column]",
        ),
    },
    "cuda/resample_separable.cuh": {
        "tap of an axis not resolved": (
            "address",
            "resolve(index, axis.low, axis.high, plan.border)",
            "index",
        ),
        "words that are not shifted": ("plain", "static_cast<unsigned>(from) * 8", "0"),
        "a column without taps": ("plain", "i < columns", "i < columns - 1"),
        "a source row that stays": ("plain", "tap.odd != has_odd", "has_odd < 0"),
        "both taps of a row in one": ("plain", "even_second ? taps.second_weight : 0", "0"),
        "bytes beyond the end of a row": ("address", "min(first, width - kTapBytes)", "first"),
        "words beyond the end of a row": ("address", "min(first & ~3, width - 8)", "first & ~3"),
    },
    "cuda/write_planes.cuh": {
        "vector over the end of a plane's row": ("address", "x + kVector > extent", "x > extent"),
        "vector of a plane that is not aligned": (
            "address",
            "reinterpret_cast<uintptr_t>(at) / sizeof(Value) % kVector",
            "0",
        ),
        "output of planes off by one": (
            "address",
            "out + (channel * height + row) * width",
            "out + (channel * height + row) * width + 1",
        ),
        "levels of the wrong rows": ("plain", "levels += step;", "levels += step / 8;"),
        "seam without the row above": ("plain", "(four & keep) | (four_above & ~keep)", "four"),
        "seam past the last row": ("plain", "row > 0 && row < rows", "row > 0"),
        "end of a row that begins in the same vector": ("plain", "last >= 0", "last != 0"),
        "beginning of a row longer than the row": ("address", "min(before + extent, kVector)", "kVector"),
        "levels before a row of a plane": ("plain", "(place >> 2)", "(place / 4)"),
    },
    "cuda/write_side_by_side.cuh": {
        "vector over the end of a row": ("address", "first + kVector <= count", "first < count"),
        "vector that is not aligned": (
            "address",
            "reinterpret_cast<uintptr_t>(to) / sizeof(Value) % kAlignment",
            "0",
        ),
        "output of elements off by one": ("address", "out + row * row_step", "out + row * row_step + 1"),
        "elements before a row": ("plain", "(place >> 2)", "(place / 4)"),
        "three channels in another order": (
            "plain",
            "__byte_perm(early, b, 0x2410)",
            "__byte_perm(early, b, 0x2140)",
        ),
        "a vector of three channels in the place of another": (
            "plain",
            "to + vector * kVector",
            "to + vector",
        ),
        "elements through another table": ("plain", "c == 2 ? 0 : c + 1", "c"),
    },
}
