// Curves of a tile that has its levels: the draw's table, then all levels through it.
#pragma once

#include <cstdint>

#include "common/stages/curves.h"
#include "cuda/level_tile.cuh"
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

__device__ inline void curve_tile(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  level_tile(shared, plan, batch, CurvedLevel{shared.curves()}, [](int, int64_t) { return Block{}; });
}

}  // namespace gpuaug
