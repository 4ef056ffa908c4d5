// The CPU's inner loops of the op `clahe`, on bytes of one channel that are `step` apart. Each is compiled for several
// generations of vectors.
#pragma once

#include <cstdint>

#include "common/clahe.h"

namespace gpuaug {

// Adds the levels of n pixels to `kByteParts` histograms in turn: neighbours are often equal, and two increments of the
// same counter would wait for memory in between.
constexpr int kByteParts = 4;
void count_bytes(const uint8_t* levels, int64_t step, int64_t n, uint32_t* parts);

// The table of a tile, from the sum of its histograms.
void tile_table(const TileGrid& grid, uint32_t most, const uint32_t* parts, uint8_t* table);

// The corners of every level, from the four tables around a cell.
void corner_table(const uint8_t* above_before, const uint8_t* below_before, const uint8_t* above_after,
                  const uint8_t* below_after, uint32_t* corners);

void look_up_corners(const uint32_t* table, const uint8_t* levels, int64_t step, int64_t n, uint32_t* corners);

// The levels of n pixels, each from its corners and its weight of the tiles after it; all have one weight of the tiles
// below.
void blend_corners(const TileGrid& grid, const uint32_t* corners, const uint32_t* after, uint32_t below, int64_t n,
                   uint8_t* levels);

}  // namespace gpuaug
