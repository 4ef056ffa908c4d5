// Curves on tiles: the draw's table.
#pragma once

#include <cstdint>

#include "common/stages/curves.h"
#include "cuda/level_tile.cuh"
#include "cuda/shared.cuh"

namespace gpuaug {

template <>
__device__ inline void fill_table<CurvesStage>(uint8_t* table, const Recipe& recipe) {
  const auto depth = [](int level) { return depth_of(level); };
  for (int level = static_cast<int>(threadIdx.x); level < 256; level += static_cast<int>(blockDim.x)) {
    int then = level;
#pragma unroll 1  // unrolled, it would need registers that the other steps have better uses for
    for (int i = 0; i < kMostCurves; ++i) then = curved(curve_word(recipe, i), then, depth);
    table[level] = static_cast<uint8_t>(then);
  }
}

}  // namespace gpuaug
