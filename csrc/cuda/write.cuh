// From a finished tile to the output, in any memory order.
#pragma once

#include "common/batch.h"
#include "cuda/shared.cuh"
#include "cuda/write_planes.cuh"
#include "cuda/write_side_by_side.cuh"

namespace gpuaug {

template <typename Value>
__device__ inline void write(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  if (shared.tiling.vectors) {
    write_strips<Value>(shared, plan, batch);
  } else if (shared.tiling.triples) {
    write_triples<Value>(shared, plan, batch);
  } else if (batch.channels_last && batch.channels > 1) {
    write_elements<Value>(shared, plan, batch);
  } else {
    write_rows<Value>(shared, plan, batch);
  }
}

}  // namespace gpuaug
