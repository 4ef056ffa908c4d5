// Impulse noise and erasing of a tile, worked out once for all channels: what is kept of a level, and what is put
// there.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/philox.h"
#include "common/stages/erase.h"
#include "cuda/shared.cuh"

namespace gpuaug {

// The 16 bits of eight neighbouring pixels, two to a word. They come from two blocks where they straddle them.
__device__ inline Block strip_bits(uint64_t key, int64_t place, int channel, int64_t pixel) {
  const int64_t block = pixel / kPixelsPerBlock;
  const int past = static_cast<int>(pixel % kPixelsPerBlock);
  Block bits = pixel_block(key, place, channel, block);
  if (past == 0) return bits;
  const Block next = pixel_block(key, place, channel, block + 1);
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

// Eight pixels of a row from (x, y) on, 0xFF for each that is erased.
__device__ inline uint2 erased_strip(const Recipe& recipe, int64_t x, int64_t y) {
  uint2 gone{0, 0};
  const auto erase = [&](auto erases) {
#pragma unroll
    for (int j = 0; j < 8; ++j) (j < 4 ? gone.x : gone.y) |= erases(x + j) ? 0xFFu << (j % 4 * 8) : 0;
  };
#pragma unroll 1
  for (int i = 0; i < kBoxes; ++i) {
    const Quad box = erased_box(recipe, i);
    if (y >= box.b && y < box.d) erase([&](int64_t at) { return at >= box.a && at < box.c; });
  }
  if (grid_crosses(recipe, y)) {
    const Quad grid = quad_of(recipe.grid);
    const int phase = quad_of(recipe.grid_at).a;
    erase([&](int64_t at) { return (at + phase) % grid.a < grid.c; });
  }
  return gone;
}

__device__ inline void find_masks(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Recipe& recipe = batch.recipes[plan.draw];
  const auto salt = static_cast<uint32_t>(clamp(recipe.salt, 0, 1 << 16));
  const auto pepper = static_cast<uint32_t>(clamp(recipe.pepper, salt, 1 << 16));
  const Lane lane(shared.tiling.narrow);
  for (int row = lane.begin(plan.y.extent); row < plan.y.extent; row += lane.step) {
    const int64_t x = plan.x.begin + lane.strip * kStripWidth, y = plan.y.begin + row;
    uint2 keep{~0u, ~0u}, put{0, 0};
    if (recipe.stages & kImpulse) {
      const Block bits = strip_bits(static_cast<uint64_t>(recipe.key), recipe.place, 0, y * batch.width + x);
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        const uint32_t own = bits.words[j / 2] >> (j % 2 * 16) & 0xFFFF, byte = 0xFFu << (j % 4 * 8);
        (j < 4 ? put.x : put.y) |= own < salt ? byte : 0;
        (j < 4 ? keep.x : keep.y) &= own < pepper ? ~byte : ~0u;
      }
    }
    if (recipe.stages & kErase) {
      const uint2 gone = erased_strip(recipe, x, y);
      const uint32_t fill = 0x01010101u * static_cast<uint32_t>(erase_level(recipe));
      keep = {keep.x & ~gone.x, keep.y & ~gone.y};
      put = {(put.x & ~gone.x) | (gone.x & fill), (put.y & ~gone.y) | (gone.y & fill)};
    }
    const int place = row * shared.tiling.strips * kStripWidth + lane.strip * kStripWidth;
    *reinterpret_cast<uint2*>(shared.keep() + place) = keep;
    *reinterpret_cast<uint2*>(shared.laid() + place) = put;
  }
}

}  // namespace gpuaug
