"""What must not go unnoticed in the kernels of the op ``clahe``; as in ``stages.py``."""

from __future__ import annotations

# Of the tables, then of the pixels.
BARRIERS = (
    "nothing is counted",
    "the tile is counted",
    "it is clipped",
    "the rest is shared out",
    "a step of the sums",
    "the corners are there",
    "the next cell's may take their place",
)

MUTATIONS: dict[str, dict[str, tuple[str, str, str]]] = {
    "cuda/clahe.cuh": {
        **{f"no barrier: {after}": ("thread", f"__syncthreads();  // {after}\n", "\n") for after in BARRIERS},
        "counts of the tile before": ("plain", "shared.counts[level] = 0", "shared.counts[level] += 0"),
        "what was cut from the tile before": ("plain", "if (first == 0) shared.excess = 0;", ""),
        "pixels that are counted beside the atomic": (
            "thread",
            "atomicAdd(shared.counts + levels[y * call.strides[2] + x * call.strides[3]], 1u)",
            "++shared.counts[levels[y * call.strides[2] + x * call.strides[3]]]",
        ),
        "what is cut, added beside the atomic": (
            "thread",
            "atomicAdd(&shared.excess, over)",
            "shared.excess += over",
        ),
        "places beyond the image": (
            "address",
            "grid.rows.mirrored(top + pixel / width)",
            "top + pixel / width",
        ),
        "the limit of another draw": (
            "plain",
            "call.clip_limit[plane / call.colored *",
            "call.clip_limit[0 *",
        ),
        "a share of one level alone": (
            "plain",
            "static_cast<uint32_t>(level + 1) * shares.each",
            "shares.each",
        ),
        "a row that is none of the images": (
            "address",
            "call.has(image) ? call.images + image * call.strides[0] + channel * call.strides[1] : nullptr",
            "call.images + image * call.strides[0] + channel * call.strides[1]",
        ),
        "another channel's tables": (
            "plain",
            "(plane * rows.tiles + tile_row)",
            "(0 * rows.tiles + tile_row)",
        ),
        "a cell that begins a column late": (
            "plain",
            "left = columns.begin(column);",
            "left = columns.begin(column) + 1;",
        ),
        "corners the other way round": (
            "plain",
            "corners_of(above_before[level], below_before[level]",
            "corners_of(below_before[level], above_before[level]",
        ),
    },
    "common/clahe.h": {
        "halves rounded up": ("plain", "return quotient - (halfway & quotient & 1)", "return quotient"),
        "a quotient of the number alone": ("plain", "above = number + half", "above = number"),
        "the other image row at the edge": ("plain", "2 * (side - 1) - place", "2 * side - 1 - place"),
        "an axis that divides without another pixel": (
            "plain",
            "TileAxis(height, down, height / down + more)",
            "TileAxis(height, down, (height + down - 1) / down)",
        ),
        "a limit below one pixel": ("plain", "if (!(most >= 1)) return 1;", "if (!(most >= 0)) return 1;"),
        "the rest in the first entries": (
            "plain",
            "distance(rest > 0 ? kLevels / rest : kLevels)",
            "distance(1)",
        ),
        "alpha that is equalised": (
            "plain",
            "return draws * colored",
            "return draws * (colored + (colored == 3))",
        ),
        "weights of long tiles as if they were short": (
            "plain",
            "steps == 2 * tile ? halves : halves * steps / (2 * tile)",
            "halves",
        ),
        "sums of a large tile that are not folded": (
            "plain",
            "(kLevels - 1) * (sum >> grid.fold)",
            "(kLevels - 1) * sum",
        ),
    },
}
