// Impulse noise and erasing of a tile, worked out once for all channels: what is kept of a level, and what is put
// there.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/philox.h"
#include "common/stages/pointwise.h"
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

// Of eight neighbouring pixels: what is kept of their levels, and what is put there.
struct StripMask {
  uint2 keep{~0u, ~0u}, put{0, 0};
};

__device__ inline void cover_strip(const ImpulseStage& stage, const Recipe& recipe, const Batch& batch, int64_t x,
                                   int64_t y, StripMask& mask) {
  const Block bits = strip_bits(static_cast<uint64_t>(recipe.key), recipe.place, 0, y * batch.width + x);
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    const uint32_t own = bits.words[j / 2] >> (j % 2 * 16) & 0xFFFF, byte = 0xFFu << (j % 4 * 8);
    (j < 4 ? mask.put.x : mask.put.y) |= stage.is_white(own) ? byte : 0;
    (j < 4 ? mask.keep.x : mask.keep.y) &= stage.covers(own) ? ~byte : ~0u;
  }
}

__device__ inline void cover_strip(const EraseStage& stage, const Recipe& recipe, const Batch&, int64_t x, int64_t y,
                                   StripMask& mask) {
  uint2 gone{0, 0};  // 0xFF for each pixel that is erased
  const auto erase = [&](auto erases) {
#pragma unroll
    for (int j = 0; j < 8; ++j) (j < 4 ? gone.x : gone.y) |= erases(x + j) ? 0xFFu << (j % 4 * 8) : 0;
  };
  stage.row(
      y, [&](int begin, int end) { erase([&](int64_t at) { return at >= begin && at < end; }); },
      [&](int unit, int part, int phase) { erase([&](int64_t at) { return (at + phase) % unit < part; }); });
  const uint32_t fill = 0x01010101u * static_cast<uint32_t>(erase_level(recipe));
  mask.keep = {mask.keep.x & ~gone.x, mask.keep.y & ~gone.y};
  mask.put = {(mask.put.x & ~gone.x) | (gone.x & fill), (mask.put.y & ~gone.y) | (gone.y & fill)};
}

template <typename... Stages>
__device__ inline void find_masks(StageList<Stages...>, const Shared& shared, const TilePlan& plan,
                                  const Batch& batch) {
  const Recipe& recipe = batch.recipes[plan.draw];
  const Lane lane(shared.tiling.narrow);
  for (int row = lane.begin(plan.y.extent); row < plan.y.extent; row += lane.step) {
    const int64_t x = plan.x.begin + lane.strip * kStripWidth, y = plan.y.begin + row;
    StripMask mask;
    ((plan.stages & Stages::kBit ? cover_strip(Stages(recipe), recipe, batch, x, y, mask) : void()), ...);
    const int place = row * shared.tiling.strips * kStripWidth + lane.strip * kStripWidth;
    *reinterpret_cast<uint2*>(shared.keep() + place) = mask.keep;
    *reinterpret_cast<uint2*>(shared.laid() + place) = mask.put;
  }
}

}  // namespace gpuaug
