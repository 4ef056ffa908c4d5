// Curves of a tile that has its levels, in place: the draw's table, all levels through it, then the masks once more.
#pragma once

#include <cstdint>

#include "common/stages/curves.h"
#include "cuda/shared.cuh"

namespace gpuaug {

__device__ inline void find_curves(const Shared& shared, const Recipe& recipe) {
  const auto depth = [](int level) { return depth_of(level); };
  for (int level = static_cast<int>(threadIdx.x); level < 256; level += static_cast<int>(blockDim.x)) {
    int then = level;
#pragma unroll 1  // unrolled, it would need registers that the other steps have better uses for
    for (int i = 0; i < kMostCurves; ++i) then = curved(curve_word(recipe, i), then, depth);
    shared.curves()[level] = static_cast<uint8_t>(then);
  }
}

// Each thread has the strips that it has in color_tile, so that no barrier is needed in between.
__device__ inline void curve_tile(const Shared& shared, const TilePlan& plan) {
  const Tiling& tiling = shared.tiling;
  const Lane lane(tiling.narrow);
  const int pitch = tiling.strips * kStripWidth, plane = tiling.rows * pitch;
  const uint8_t* curves = shared.curves();
  for (int row = lane.begin(plan.y.extent); row < plan.y.extent; row += lane.step) {
    for (int half = 0; half < kStripWidth; half += 4) {
      const int place = row * pitch + lane.strip * kStripWidth + half;
      uint32_t keep = ~0u, put = 0;
      if (plan.masked) {
        keep = *reinterpret_cast<const uint32_t*>(shared.keep() + place);
        put = *reinterpret_cast<const uint32_t*>(shared.laid() + place);
      }
#pragma unroll 1
      for (int c = 0; c < colored(tiling.channels); ++c) {
        auto* four = reinterpret_cast<uint32_t*>(shared.finished() + c * plane + place);
        const uint32_t levels = *four;
        uint32_t curved_four = 0;
#pragma unroll
        for (int j = 0; j < 32; j += 8) curved_four |= uint32_t{curves[levels >> j & 0xFF]} << j;
        *four = (curved_four & keep) | put;
      }
    }
  }
}

}  // namespace gpuaug
