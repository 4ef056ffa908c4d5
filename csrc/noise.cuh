// Salt and pepper of a tile, worked out once for all channels: what is kept of a level, and what is put there.
#pragma once

#include <cstdint>

#include "batch.h"
#include "random.h"
#include "shared.cuh"
#include "stages.h"

namespace gpuaug {

// The 16 bits of eight neighbouring pixels, two to a word. They come from two blocks where they straddle them.
__device__ inline Block strip_bits(const Recipe& recipe, int64_t pixel) {
  const auto key = static_cast<uint64_t>(recipe.key);
  const int64_t block = pixel / kPixelsPerBlock;
  const int past = static_cast<int>(pixel % kPixelsPerBlock);
  Block bits = pixel_block(key, recipe.place, block);
  if (past == 0) return bits;
  const Block next = pixel_block(key, recipe.place, block + 1);
  uint32_t words[8];
#pragma unroll
  for (int i = 0; i < 4; ++i) words[i] = bits.words[i], words[4 + i] = next.words[i];
  // Moved by 4, 2 and 1 pixels, not indexed: an index that is not a constant would put the words into local memory.
#pragma unroll
  for (int i = 0; i < 6; ++i) words[i] = past & 4 ? words[i + 2] : words[i];
#pragma unroll
  for (int i = 0; i < 5; ++i) words[i] = past & 2 ? words[i + 1] : words[i];
#pragma unroll
  for (int i = 0; i < 4; ++i) bits.words[i] = past & 1 ? words[i] >> 16 | words[i + 1] << 16 : words[i];
  return bits;
}

__device__ inline void find_noise(const Shared& shared, const Plan& plan, const Batch& batch) {
  const Recipe& recipe = batch.recipes[plan.draw];
  const auto salt = static_cast<uint32_t>(clamp(recipe.salt, 0, 1 << 16));
  const auto pepper = static_cast<uint32_t>(clamp(recipe.pepper, salt, 1 << 16));
  const Lane lane(shared.tiling.narrow);
  for (int row = lane.begin(plan.y.extent); row < plan.y.extent; row += lane.step) {
    const int64_t x = plan.x.begin + lane.strip * kStripWidth, y = plan.y.begin + row;
    const Block bits = strip_bits(recipe, y * batch.width + x);
    uint2 keep{0, 0}, put{0, 0};
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const uint32_t own = bits.words[j / 2] >> (j % 2 * 16) & 0xFFFF, byte = 0xFFu << (j % 4 * 8);
      (j < 4 ? put.x : put.y) |= own < salt ? byte : 0;
      (j < 4 ? keep.x : keep.y) |= own < pepper ? 0 : byte;
    }
    const int place = row * shared.tiling.strips * kStripWidth + lane.strip * kStripWidth;
    *reinterpret_cast<uint2*>(shared.keep() + place) = keep;
    *reinterpret_cast<uint2*>(shared.salt() + place) = put;
  }
}

}  // namespace gpuaug
