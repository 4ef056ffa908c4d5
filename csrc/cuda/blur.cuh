// Blur of a patch in shared memory. A thread goes down a column of strips of one channel and blurs each row of the
// patch across when it reaches it; the results stay in registers. So threads share nothing, and no barrier is needed.
#pragma once

#include <cstdint>

#include "common/stages/blur.h"
#include "cuda/output.cuh"
#include "cuda/packed.cuh"
#include "cuda/shared.cuh"
#include "cuda/sharpen.cuh"

namespace gpuaug {

// The state of a thread's column. Each row of the patch contributes to five rows of the output.
template <bool kByArticle>
class BlurColumn {
 public:
  __device__ BlurColumn(BlurWeights across, BlurWeights down)
      : across_(across),
        outer_(static_cast<uint32_t>(down.outer)),
        inner_(static_cast<uint32_t>(down.inner)),
        centre_(static_cast<uint32_t>(down.centre)) {}

  // Adds the next row of the patch, and returns the sums of the output row that ends with it.
  __device__ void add(const uint8_t* patch, uint32_t (&done)[8]) {
    constexpr uint32_t kHalf = kByArticle ? 0 : kHalfDownBlur;
    const uint2 early = *reinterpret_cast<const uint2*>(patch);
    const uint32_t words[3] = {early.x, early.y, *reinterpret_cast<const uint32_t*>(patch + 8)};
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const uint32_t fine =
          kByArticle ? weigh_across(across_, words, j, 0) : weigh_across(across_, words, j, kHalfAcrossBlur) >> 10;
      done[j] = sums_[0][j] + fine * outer_;
      sums_[0][j] = sums_[1][j] + fine * inner_;
      sums_[1][j] = sums_[2][j] + fine * centre_;
      sums_[2][j] = sums_[3][j] + fine * inner_;
      sums_[3][j] = kHalf + fine * outer_;
    }
  }

 private:
  AcrossWeights across_;
  uint32_t outer_, inner_, centre_;  // the weights of the blur down
  uint32_t sums_[4][8] = {};         // the sums of the next output rows
};

// From sums to levels, in the last bytes of words. `patch` is at the output's row, two columns before the first one.
__device__ inline void find_article_levels(const uint8_t* patch, int pitch, uint32_t (&sums)[8]) {
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    const uint8_t* centre = patch + j + kHalo;
    const int level =
        article_level(static_cast<int>(sums[j]), centre[-pitch], centre[1], centre[pitch], centre[-1], centre[0]);
    sums[j] = static_cast<uint32_t>(level) << 24;
  }
}

template <typename Value, bool kByArticle>
__device__ inline void blur_column(const Shared& shared, const TilePlan& plan, const Batch& batch, const Column& column,
                                   BlurColumn<kByArticle> sums) {
  const Tiling& tiling = shared.tiling;
  const int pitch = static_cast<int>(tiling.wide.by) * kStripWidth, rows = column.end - column.begin;
  const StripTarget<Value> target(shared, plan, batch, false, column.channel, column.strip, column.begin);
  const uint8_t* patch =
      shared.patch() + column.channel * tiling.patch_plane + column.begin * pitch + column.strip * kStripWidth;
#pragma unroll 1
  for (int row = -2 * kHalo; row < rows; ++row, patch += pitch) {
    uint32_t done[8];
    sums.add(patch, done);
    if (row < 0) continue;
    if constexpr (kByArticle) find_article_levels(patch - kHalo * pitch, pitch, done);
    target.put_tops(row, done);
  }
}

template <typename Value>
__device__ inline void blur_patch(const Shared& shared, const TilePlan& plan, const Batch& batch,
                                  const Recipe& recipe) {
  const Column column(shared.tiling, shared.tiling.narrow, shared.tiling.blur_rows, plan.y.extent);
  if (column.begin >= column.end || column.strip * kStripWidth >= plan.x.extent) return;
  if (recipe.blur == kSharpen) {
    sharpen_column<Value>(shared, plan, batch, recipe, column);
  } else if (recipe.blur == kArticle) {
    constexpr BlurWeights kWeights{1, 4, 7};
    blur_column<Value>(shared, plan, batch, column, BlurColumn<true>(kWeights, kWeights));
  } else {
    const BlurWeights weights = blur_weights(recipe);
    const BlurWeights fine{4 * weights.outer, 4 * weights.inner, 4 * weights.centre};
    blur_column<Value>(shared, plan, batch, column, BlurColumn<false>(weights, fine));
  }
}

}  // namespace gpuaug
