// Sharpening of a patch in shared memory, organized like the blur: a thread goes down a column of strips of one channel
// and keeps the needed values of the two rows before in registers.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/layout.h"
#include "common/stages/blur.h"
#include "cuda/output.cuh"
#include "cuda/shared.cuh"
#include "cuda/tile_plan.cuh"
#include "cuda/tiling.h"

namespace gpuaug {

// The sums of eight columns of a row, each with its two neighbours. The row of the patch begins two columns before
// them.
struct Threes {
  int sums[8] = {};

  __device__ static Threes of(const uint8_t* patch) {
    Threes row;
#pragma unroll
    for (int j = 0; j < 8; ++j) row.sums[j] = patch[j + 1] + patch[j + 2] + patch[j + 3];
    return row;
  }
};

template <typename Value>
__device__ inline void sharpen_column(const Shared& shared, const TilePlan& plan, const Batch& batch,
                                      const Recipe& recipe, const Column& column) {
  const Tiling& tiling = shared.tiling;
  const int pitch = static_cast<int>(tiling.wide.by) * kStripWidth, rows = column.end - column.begin;
  const StripTarget<Value> target(shared, plan, batch, false, column.channel, column.strip, column.begin);
  const int64_t x = plan.x.begin + column.strip * kStripWidth, y = plan.y.begin + column.begin;
  // The factor that keeps a pixel as it is: for alpha, and for pixels at the border of the image.
  constexpr auto kStays = static_cast<int>(kSharpenUnit);
  const int factor = column.channel < colored(tiling.channels) ? sharpen_factor(recipe) : kStays;
  const uint8_t* patch = shared.patch() + column.channel * tiling.patch_plane + (column.begin + kHalo - 1) * pitch +
                         column.strip * kStripWidth;
  Threes above, own;
#pragma unroll 1
  for (int row = -2; row < rows; ++row, patch += pitch) {
    const Threes below = Threes::of(patch);
    if (row >= 0) {
      const int row_factor = y + row > 0 && y + row < batch.height - 1 ? factor : kStays;
      const uint8_t* centre = patch - pitch + kHalo;
      uint2 levels{0, 0};
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        const int times = x + j > 0 && x + j < batch.width - 1 ? row_factor : kStays;
        const int level = sharpened(times, above.sums[j] + own.sums[j] + below.sums[j], centre[j]);
        (j < 4 ? levels.x : levels.y) |= static_cast<uint32_t>(level) << (j % 4 * 8);
      }
      target.put(row, levels);
    }
    above = own, own = below;
  }
}

}  // namespace gpuaug
