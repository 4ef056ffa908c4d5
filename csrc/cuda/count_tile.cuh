// The last step of a tile in a counting launch: its levels are counted in shared memory, and the counts are added to
// those of its draw. The block that adds the last tile of a draw makes the tables of its curves.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/stages/statistics.h"
#include "cuda/measured.h"
#include "cuda/shared.cuh"

namespace gpuaug {

__device__ inline void clear_counts(const Shared& shared) {
  for (int k = static_cast<int>(threadIdx.x); k < kMostColored * kLevels; k += static_cast<int>(blockDim.x)) {
    shared.counting().counts[k] = 0;
  }
}

// Pixels beyond the edge of the output do not count.
__device__ inline void count_tile(const Shared& shared, const TilePlan& plan) {
  const Tiling& tiling = shared.tiling;
  const Lane lane(tiling.narrow);
  const int pitch = tiling.strips * kStripWidth, plane = tiling.rows * pitch, x = lane.strip * kStripWidth;
  const int pixels = min(plan.x.extent - x, kStripWidth);
  each_row(lane, plan.y.places, colored(tiling.channels), [&](int channel, int row) {
    const uint2 own = *reinterpret_cast<const uint2*>(shared.finished() + channel * plane + row * pitch + x);
    uint32_t* counts = shared.counting().counts + channel * kLevels;
#pragma unroll
    for (int j = 0; j < kStripWidth; ++j) {
      const uint32_t level = (j < 4 ? own.x : own.y) >> (j % 4 * 8) & 0xFF;
      if (j < pixels) atomicAdd(counts + level, 1u);
    }
  });
}

__device__ inline void add_counts(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  uint32_t* histograms = batch.measured[plan.draw].histograms;
  for (int k = static_cast<int>(threadIdx.x); k < kMostColored * kLevels; k += static_cast<int>(blockDim.x)) {
    const uint32_t count = shared.counting().counts[k];
    if (count != 0) atomicAdd(histograms + k, count);
  }
}

// Called by one thread, once all threads have added. The first fence makes the counts of this block visible to others
// before the number of its tile; the second makes the counts of others visible to this block.
__device__ inline void add_tile(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  __threadfence();  // before its own tile
  const uint32_t before = atomicAdd(&batch.measured[plan.draw].tiles, 1u);
  const bool last = before + 1 == static_cast<uint32_t>(shared.tiling.per_draw);
  if (last) __threadfence();  // after the tiles of other blocks
  shared.counting().last = last;
}

// A block as the team of statistics.h. Its numbers are read anew each time; else values that depend on them would be
// kept in registers from one tile to the next.
struct BlockTeam {
  __device__ int first() const { return read_anew(static_cast<int>(threadIdx.x)); }
  __device__ int step() const { return read_anew(static_cast<int>(blockDim.x)); }
  __device__ void barrier() const { __syncthreads(); }
  __device__ void add(uint32_t* at, uint32_t count) const { atomicAdd(at, count); }
};

__device__ inline void make_tables(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  Measured& measured = batch.measured[plan.draw];
  measured_tables(
      BlockTeam(), batch.recipes[plan.draw], read_anew(colored(batch.channels)), measured.histograms,
      [](int level) { return depth_of(level); }, shared.counting().memory, measured.tables);
}

}  // namespace gpuaug
