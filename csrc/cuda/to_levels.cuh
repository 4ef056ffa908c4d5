// From values to levels, before the kernel: one warp for each line; the blocks of a draw share its lines.
#pragma once

#include <cstdint>

#include "common/to_levels.h"

namespace gpuaug {

constexpr int kLineLanes = 32;

// The arguments of to_levels_kernel. Addresses are aligned to their elements.
template <typename Value>
struct Values {
  const Value* storage;
  int64_t count;  // values in the storage
  const ValueWindow* windows;
  const Recipe* recipes;
  int channels;
  bool interleaved;
  uint8_t* out;
  int64_t levels;  // room in `out`
  unsigned blocks_per_draw;
};

// The grid has draws * blocks_per_draw blocks of whole warps. Recipes that reach outside the storage are skipped.
template <typename Value>
__global__ void to_levels_kernel(const Values<Value> values) {
  const unsigned draw = blockIdx.x / values.blocks_per_draw, part = blockIdx.x % values.blocks_per_draw;
  const Recipe& recipe = values.recipes[draw];
  const ValueWindow& window = values.windows[draw];
  if (!lies_in(values.count, window.offset, recipe, values.channels)) return;
  if (!lies_in(values.levels, recipe.offset, recipe, values.channels)) return;
  const Lines lines = lines_of(recipe, values.channels, values.interleaved);
  const LevelScale scale = level_scale(window);
  const unsigned warps = blockDim.x / kLineLanes, lane = threadIdx.x % kLineLanes;
  const int64_t stride = int64_t{values.blocks_per_draw} * warps;
  for (int64_t line = int64_t{part} * warps + threadIdx.x / kLineLanes; line < lines.count; line += stride) {
    const int64_t at = lines.begin(line);
    const Value* in = values.storage + window.offset + at;
    uint8_t* out = values.out + recipe.offset + at;
    GPUAUG_EIGHT_AT_A_TIME
    for (int64_t x = lane; x < lines.length; x += kLineLanes) out[x] = level_of(in[x], scale);
  }
}

}  // namespace gpuaug
