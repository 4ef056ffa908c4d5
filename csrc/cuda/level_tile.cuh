// Stages that change each level of a tile by itself, in place: a strip of a channel at a time; then the covers are
// applied again.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/philox.h"
#include "common/stages/pointwise.h"
#include "cuda/shared.cuh"

namespace gpuaug {

// `stage` maps a channel, a level and 16 bits to a level; `bits_of` maps a channel and the first pixel of a strip to
// the bits of the strip. Each thread has the same strips as in color_tile, so that no barrier is needed in between.
template <typename Stage, typename BitsOf>
__device__ inline void level_tile(const Shared& shared, const TilePlan& plan, const Batch& batch, const Stage& stage,
                                  const BitsOf& bits_of) {
  const Tiling& tiling = shared.tiling;
  const Lane lane(tiling.narrow);
  const Colors colors = plan.colors;
  const int pitch = tiling.strips * kStripWidth, plane = tiling.rows * pitch;
  for (int row = lane.begin(plan.y.extent); row < plan.y.extent; row += lane.step) {
    const int place = row * pitch + lane.strip * kStripWidth;
    const int64_t pixel = (plan.y.begin + row) * batch.width + plan.x.begin + lane.strip * kStripWidth;
#pragma unroll 1  // unrolled, they would need too many registers
    for (int c = 0; c < colored(tiling.channels); ++c) {
      const Block bits = bits_of(c, pixel);
      auto* strip = reinterpret_cast<uint2*>(shared.finished() + c * plane + place);
      const uint2 levels = *strip;
      uint2 changed{0, 0};
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        const int shift = j % 4 * 8;
        const uint32_t own = bits.words[j / 2] >> (j % 2 * 16) & 0xFFFF;
        const int level = static_cast<int>((j < 4 ? levels.x : levels.y) >> shift & 0xFF);
        (j < 4 ? changed.x : changed.y) |= static_cast<uint32_t>(stage(c, level, own)) << shift;
      }
      *strip = plan.covered ? colors.over(changed, shared.picks()[place / kStripWidth]) : changed;
    }
  }
}

// A stage on tiles. A stage that needs nothing but its functor needs no more than this. A stage with a table or with
// random bits has a file for its tiles.
template <typename Stage>
struct StageTile {
  __device__ static void prepare(const Shared&, const TilePlan&, const Batch&, const Recipe&) {}

  __device__ static void make(const Shared& shared, const TilePlan& plan, const Batch& batch, const Recipe& recipe) {
    const Stage stage(recipe);
    level_tile(
        shared, plan, batch, [&](int, int level, uint32_t bits) { return stage(level, bits); },
        [](int, int64_t) { return Block{}; });
  }
};

}  // namespace gpuaug
