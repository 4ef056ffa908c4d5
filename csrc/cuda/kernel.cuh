// The CUDA kernel. A block makes one tile of one draw at a time, and steps by the size of the grid until none is left.
// The steps of a tile pass it on in shared memory, with a barrier between any two. All numbers are integers, so that
// nvcc cannot contract products of floats: tests/ptx rejects any. No torch headers here.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "common/layout.h"
#include "cuda/blur.cuh"
#include "cuda/count_tile.cuh"
#include "cuda/cover_tile.cuh"
#include "cuda/resample_antialias.cuh"
#include "cuda/resample_gather.cuh"
#include "cuda/resample_separable.cuh"
#include "cuda/shared.cuh"
#include "cuda/stage_tiles.cuh"
#include "cuda/tile_plan.cuh"
#include "cuda/tiling.h"
#include "cuda/write.cuh"

namespace gpuaug {

// Whether the draw blurs. It is computed each time, as keeping it would cost a register.
template <int64_t kStages>
__device__ inline bool blurs(const Shared& shared, int turn) {
  return (kStages & kBlur) && shared.plan(read_anew(turn)).halo != 0;
}

// The pointwise stages of a variant; in a counting variant, those before the curves.
template <int64_t kStages>
constexpr int64_t kPointwise = kStages & kStatistics ? StagePlace<CurvesStage>::kBitsBefore : PointwiseStages::kBits;

// kStages: the union of blur and shrinking over all draws. With kStatistics, the kernel counts levels after color, for
// draws with measured curves, instead of writing them. A draw skips the stages that it does not use as a whole block,
// so that no barrier diverges. Color, curves, noise, impulse noise and erasing cost a draw without them one branch, and
// need no variant. A blur and a filter need more registers, so that fewer blocks fit.
template <int64_t kStages, typename Value>
__global__ void __launch_bounds__(kMostThreads, kStages& kShrink  ? 2
                                                : kStages & kBlur ? 3
                                                                  : 4)
    augment_kernel(const Batch batch, const Tiling tiling) {
  const Shared shared{tiling, block_memory()};
  if (threadIdx.x < 2) {
    const int block = static_cast<int>(blockIdx.x), draw = block / tiling.per_draw;
    make_tile_plan<kStages>(shared.plan(0), batch, tiling, draw, block - draw * tiling.per_draw, true);
  }
  __syncthreads();  // the first plan is made
  for (int turn = 0; shared.plan(turn).draw < batch.draws; turn = 1 - turn) {
    const TilePlan& coming = shared.plan(turn);
    if (coming.from == kSeparable) {
      find_columns(shared, coming);
      find_rows(shared, coming);
    }
    if ((kStages & kShrink) && coming.from == kAntialias) find_filters(shared, coming, batch);
    if ((kPointwise<kStages> & CoverStages::kBits) && coming.covered) find_covers(CoverStages(), shared, coming, batch);
    if (coming.new_table) load_table<Value>(shared, batch, coming.draw);
    prepare_stages<kPointwise<kStages>>(LevelStages(), shared, coming, batch, batch.recipes[coming.draw]);
    if constexpr (kStages & kStatistics) clear_counts(shared);
    __syncthreads();  // taps, covers and tables are made
    if (threadIdx.x < 2) make_next_tile_plan<kStages>(shared.plan(1 - turn), coming, batch, tiling);
    if (coming.from == kSeparable) blend_rows<Value>(shared, coming, batch, (kStages & kBlur) && coming.halo != 0);
    const TilePlan& plan = shared.plan(read_anew(turn));  // read anew, as blending needs all registers
    if ((kStages & kShrink) && plan.from == kAntialias) {
      const int rows = plan.y.extent + 2 * plan.halo;
      for (Band band = band_from(shared, plan, 0); band.begin < rows; band = band_from(shared, plan, band.end)) {
        filter_across(shared, plan, batch, band);
        __syncthreads();  // the band's rows are filtered across
        filter_down_to(Levels(shared, plan, blurs<kStages>(shared, turn)), shared, plan, batch, band);
        __syncthreads();  // the next band may take their place
      }
    }
    if (plan.from == kGather || plan.from == kNowhere)
      gather_tile<kStages>(Levels(shared, plan, blurs<kStages>(shared, turn)), plan, batch);
    if (blurs<kStages>(shared, turn)) {
      __syncthreads();  // the patch has its levels
      blur_patch<Value>(shared, plan, batch, batch.recipes[plan.draw]);
    }
    if (plan.stages & LevelStages::kBits) {
      __syncthreads();  // the tile has its levels
      const TilePlan& made = shared.plan(read_anew(turn));
      make_stages<kPointwise<kStages>>(LevelStages(), shared, made, batch, batch.recipes[made.draw]);
    }
    if (!goes_straight(shared, plan) || !(blurs<kStages>(shared, turn) || plan.from == kSeparable)) {
      __syncthreads();  // the tile is finished
      if constexpr (!(kStages & kStatistics)) write<Value>(shared, plan, batch);
    }
    if constexpr (kStages & kStatistics) {
      const TilePlan& counted = shared.plan(read_anew(turn));
      count_tile(shared, counted);
      __syncthreads();  // the tile is counted
      add_counts(shared, counted, batch);
      __syncthreads();  // its counts are added to the draw's
      if (threadIdx.x == 0) add_tile(shared, counted, batch);
      __syncthreads();  // it is known whether the draw is counted
      if (shared.counting().last) make_tables(shared, counted, batch);
    }
    __syncthreads();  // no thread is at this tile any more
  }
}

}  // namespace gpuaug
