// The pointwise stages of a tile of levels, one after another.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "common/stages/pointwise.h"
#include "cuda/color.cuh"
#include "cuda/curves.cuh"
#include "cuda/level_tile.cuh"
#include "cuda/noise.cuh"
#include "cuda/shared.cuh"

namespace gpuaug {

// Prepares the needs of this draw's stages. kBits: the stages that the kernel has.
template <int64_t kBits, typename... Stages>
__device__ inline void prepare_stages(StageList<Stages...>, const Shared& shared, const TilePlan& plan,
                                      const Batch& batch, const Recipe& recipe) {
  ((plan.stages & kBits & Stages::kBit ? StageTile<Stages>::prepare(shared, plan, batch, recipe) : void()), ...);
}

// Each thread has the same strips in all stages, so that no barrier is needed in between.
template <int64_t kBits, typename... Stages>
__device__ inline void make_stages(StageList<Stages...>, const Shared& shared, const TilePlan& plan, const Batch& batch,
                                   const Recipe& recipe) {
  ((plan.stages & kBits & Stages::kBit ? StageTile<Stages>::make(shared, plan, batch, recipe) : void()), ...);
}

}  // namespace gpuaug
