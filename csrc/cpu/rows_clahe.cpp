// The loops of the op `clahe`.
#include "cpu/rows_clahe.h"

#include "host/simd.h"

namespace gpuaug {

void count_bytes(const uint8_t* levels, int64_t step, int64_t n, uint32_t* parts) {
  int64_t x = 0;
  for (; x + kByteParts <= n; x += kByteParts, levels += kByteParts * step) {
    for (int i = 0; i < kByteParts; ++i) ++parts[i * kLevels + levels[i * step]];
  }
  for (; x < n; ++x, levels += step) ++parts[*levels];
}

GPUAUG_ALL_VECTORS
void tile_table(const TileGrid& grid, uint32_t most, const uint32_t* __restrict parts, uint8_t* __restrict table) {
  uint32_t counts[kLevels], excess = 0;
  for (int level = 0; level < kLevels; ++level) {
    uint32_t count = 0;
    for (int i = 0; i < kByteParts; ++i) count += parts[i * kLevels + level];
    const uint32_t over = excess_of(count, most);
    excess += over;
    counts[level] = count - over;
  }
  const Shares shares(excess);
  for (uint32_t k = 0; k < shares.rest; ++k) ++counts[k * shares.distance];
  uint32_t sum = 0;
  for (int level = 0; level < kLevels; ++level) counts[level] = sum += counts[level] + shares.each;
  for (int level = 0; level < kLevels; ++level) table[level] = level_of(grid, counts[level]);
}

GPUAUG_ALL_VECTORS
void corner_table(const uint8_t* __restrict above_before, const uint8_t* __restrict below_before,
                  const uint8_t* __restrict above_after, const uint8_t* __restrict below_after,
                  uint32_t* __restrict corners) {
  for (int level = 0; level < kLevels; ++level) {
    corners[level] = corners_of(above_before[level], below_before[level], above_after[level], below_after[level]);
  }
}

void look_up_corners(const uint32_t* table, const uint8_t* levels, int64_t step, int64_t n, uint32_t* corners) {
  for (int64_t x = 0; x < n; ++x, levels += step) corners[x] = table[*levels];
}

GPUAUG_ALL_VECTORS
void blend_corners(const TileGrid& grid, const uint32_t* __restrict corners, const uint32_t* __restrict after,
                   uint32_t below, int64_t n, uint8_t* __restrict levels) {
  const auto across = static_cast<uint32_t>(grid.columns.steps), down = static_cast<uint32_t>(grid.rows.steps);
  const Divider by = grid.of_blend;
  for (int64_t x = 0; x < n; ++x) levels[x] = blended_level(corners[x], after[x], below, across, down, by);
}

}  // namespace gpuaug
