// Curves on tiles: by one table for all channels, or for measured draws by one for each channel.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/stages/curves.h"
#include "cuda/level_tile.cuh"
#include "cuda/measured.h"
#include "cuda/shared.cuh"

namespace gpuaug {

template <>
struct StageTile<CurvesStage> {
  __device__ static void prepare(const Shared& shared, const TilePlan& plan, const Batch& batch, const Recipe& recipe) {
    uint8_t* tables = shared.stage_tables<CurvesStage>();
    if (plan.stages & kStatistics) {
      const uint8_t* made = batch.measured[plan.draw].tables;
      for (int k = thread(); k < colored(batch.channels) * kTableBytes; k += threads()) tables[k] = __ldg(made + k);
      return;
    }
    const auto depth = [](int level) { return depth_of(level); };
    for (int level = thread(); level < kTableBytes; level += threads()) {
      int then = level;
#pragma unroll 1  // unrolled, it would need too many registers
      for (int i = 0; i < kMostCurves; ++i) then = curved(curve_word(recipe, i), then, depth);
      tables[level] = static_cast<uint8_t>(then);
    }
  }

  __device__ static void make(const Shared& shared, const TilePlan& plan, const Batch& batch, const Recipe&) {
    const uint8_t* tables = shared.stage_tables<CurvesStage>();
    const int step = plan.stages & kStatistics ? kTableBytes : 0;
    const auto stage = [&](int channel, int level, uint32_t bits) {
      return CurvesStage(tables + channel * step)(level, bits);
    };
    level_tile(shared, plan, batch, stage, [](int, int64_t) { return Block{}; });
  }

 private:
  __device__ static int thread() { return static_cast<int>(threadIdx.x); }
  __device__ static int threads() { return static_cast<int>(blockDim.x); }
};

}  // namespace gpuaug
