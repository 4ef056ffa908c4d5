// Blur of a patch in shared memory. A thread goes down a column of strips of one channel: it blurs each row of the
// patch across as it comes to it, and keeps the last four in registers. So nothing is handed on, and no barrier is
// needed.
#pragma once

#include <cstdint>

#include "common/stages/blur.h"
#include "cuda/output.cuh"
#include "cuda/packed.cuh"
#include "cuda/shared.cuh"

namespace gpuaug {

// A row of a patch, blurred across: eight columns, two to a word.
using Across = uint4;

struct GaussianColumn {
  static constexpr int kRowsAtOnce = 2;  // what is kept then moves up by two, which costs half
  DownWeights weights;

  __device__ Across across(const uint8_t* patch) const {
    const uint2 early = *reinterpret_cast<const uint2*>(patch);
    const uint32_t words[3] = {early.x, early.y, *reinterpret_cast<const uint32_t*>(patch + 8)};
    // Made again for each row: there are too few registers to keep them.
    const AcrossWeights across(read_anew(static_cast<int>(weights.outer)), read_anew(static_cast<int>(weights.inner)));
    return {blur_across<0>(across, words), blur_across<2>(across, words), blur_across<0>(across, words + 1),
            blur_across<2>(across, words + 1)};
  }

  __device__ uint2 down(const Across (&rows)[5], const uint8_t*, int) const {
    const auto pair = [&](auto word) {
      return blur_down(weights, word(rows[0]), word(rows[1]), word(rows[2]), word(rows[3]), word(rows[4]));
    };
    return {four_levels(pair([](const Across& row) { return row.x; }), pair([](const Across& row) { return row.y; })),
            four_levels(pair([](const Across& row) { return row.z; }), pair([](const Across& row) { return row.w; }))};
  }
};

struct ArticleColumn {
  static constexpr int kRowsAtOnce = 1;  // two would need more registers than there are

  __device__ Across across(const uint8_t* patch) const {
    uint32_t pairs[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const auto column = [&](int k) {
        return static_cast<uint32_t>(article_across(patch[k], patch[k + 1], patch[k + 2], patch[k + 3], patch[k + 4]));
      };
      pairs[i] = column(2 * i) | column(2 * i + 1) << 16;
    }
    return {pairs[0], pairs[1], pairs[2], pairs[3]};
  }

  // `patch` is at the row's first column, of those that the blur reads.
  __device__ uint2 down(const Across (&rows)[5], const uint8_t* patch, int pitch) const {
    uint2 out{0, 0};
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const auto fine = [&](int k) {
        const uint32_t word = j < 2 ? rows[k].x : j < 4 ? rows[k].y : j < 6 ? rows[k].z : rows[k].w;
        return static_cast<int>(j % 2 ? high_half(word) : low_half(word));
      };
      const uint8_t* centre = patch + j + kHalo;
      const int level = article_down(fine(0), fine(1), fine(2), fine(3), fine(4), centre[-pitch], centre[1],
                                     centre[pitch], centre[-1], centre[0]);
      (j < 4 ? out.x : out.y) |= static_cast<uint32_t>(level & 0xFF) << (j % 4 * 8);
    }
    return out;
  }
};

template <typename Value, typename Kind>
__device__ inline void blur_column(const Shared& shared, const TilePlan& plan, const Batch& batch, const Column& column,
                                   const Kind& kind) {
  const Tiling& tiling = shared.tiling;
  const int pitch = static_cast<int>(tiling.wide.by) * kStripWidth, rows = column.end - column.begin;
  const StripTarget<Value> target(shared, plan, batch, false, column.channel, column.strip, column.begin);
  const uint8_t* patch =
      shared.patch() + column.channel * tiling.patch_plane + column.begin * pitch + column.strip * kStripWidth;
  Across first{}, second{}, third{}, fourth{};
#pragma unroll 1
  for (int row = -2 * kHalo; row < rows; row += Kind::kRowsAtOnce, patch += Kind::kRowsAtOnce * pitch) {
    const Across fifth = kind.across(patch);
    if (row >= 0) target.put(row, kind.down({first, second, third, fourth, fifth}, patch - 2 * pitch, pitch));
    if constexpr (Kind::kRowsAtOnce == 1) {
      first = second, second = third, third = fourth, fourth = fifth;
    } else {
      if (row + 1 >= rows) break;
      const Across sixth = kind.across(patch + pitch);
      if (row >= 0) target.put(row + 1, kind.down({second, third, fourth, fifth, sixth}, patch - pitch, pitch));
      first = third, second = fourth, third = fifth, fourth = sixth;
    }
  }
}

template <typename Value>
__device__ inline void blur_patch(const Shared& shared, const TilePlan& plan, const Batch& batch,
                                  const Recipe& recipe) {
  const Column column(shared.tiling, shared.tiling.narrow, shared.tiling.blur_rows, plan.y.extent);
  if (column.begin >= column.end || column.strip * kStripWidth >= plan.x.extent) return;
  if (recipe.blur == kArticle) {
    blur_column<Value>(shared, plan, batch, column, ArticleColumn{});
  } else {
    blur_column<Value>(shared, plan, batch, column, GaussianColumn{DownWeights(blur_weights(recipe))});
  }
}

}  // namespace gpuaug
