// Blur of a patch in shared memory: all channels across, a barrier, all channels down.
#pragma once

#include <cstdint>

#include "common/stages/blur.h"
#include "cuda/output.cuh"
#include "cuda/packed.cuh"
#include "cuda/shared.cuh"

namespace gpuaug {

// The twelve levels that eight blurred columns need: of the columns two before the first to two after the last.
struct Twelve {
  uint32_t words[3];

  __device__ int level(int i) const { return static_cast<int>(words[i / 4] >> (i % 4 * 8) & 0xFF); }
  // Four of them from the i-th on.
  __device__ uint32_t four(int i) const {
    return i % 4 ? __byte_perm(words[i / 4], words[i / 4 + 1], 0x3210 + 0x1111 * (i % 4)) : words[i / 4];
  }
};

__device__ inline void blur_patch_across(const Shared& shared, const TilePlan& plan, const Recipe& recipe) {
  const Tiling& tiling = shared.tiling;
  const Column column(tiling, tiling.narrow, plan.y.extent + 2 * kHalo);
  const int patch_pitch = static_cast<int>(tiling.wide.by) * kStripWidth;
  const BlurWeights weights = blur_weights(recipe);
  const bool article = recipe.blur == kArticle;
  const uint8_t* patch =
      shared.patch() + column.channel * tiling.patch_plane + column.begin * patch_pitch + column.strip * kStripWidth;
  auto* fine = reinterpret_cast<uint4*>(shared.fine()) + column.channel * (tiling.fine_plane / kStripWidth) +
               column.begin * tiling.strips + column.strip;
#pragma unroll 1
  for (int row = column.begin; row < column.end; ++row, patch += patch_pitch, fine += tiling.strips) {
    const uint2 eight = *reinterpret_cast<const uint2*>(patch);
    Twelve own{eight.x, eight.y, *reinterpret_cast<const uint32_t*>(patch + 8)};
    uint32_t across[8];
    if (article) {
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        across[j] = static_cast<uint32_t>(
            article_across(own.level(j), own.level(j + 1), own.level(j + 2), own.level(j + 3), own.level(j + 4)));
      }
    } else {
#pragma unroll
      for (uint32_t& word : own.words) word ^= 0x80808080u;  // each level less 128, signed
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        across[j] = static_cast<uint32_t>(
            blur_across(weights, static_cast<int>(own.four(j)), static_cast<int>(own.four(j + 1))));
      }
    }
    const auto pair = [&](int j) { return __byte_perm(across[j], across[j + 1], 0x5410); };
    *fine = {pair(0), pair(2), pair(4), pair(6)};
  }
}

template <typename Value>
__device__ inline void blur_patch_down(const Shared& shared, const TilePlan& plan, const Batch& batch,
                                       const Recipe& recipe) {
  const Tiling& tiling = shared.tiling;
  const Column column(tiling, tiling.narrow, plan.y.extent);
  if (column.strip * kStripWidth >= plan.x.extent) return;
  const int patch_pitch = static_cast<int>(tiling.wide.by) * kStripWidth, pitch = tiling.strips * kStripWidth;
  const BlurWeights weights = blur_weights(recipe);
  const bool article = recipe.blur == kArticle;
  const StripTarget<Value> target(shared, plan, batch, false, column.channel, column.strip);
  const uint16_t* fine =
      shared.fine() + column.channel * tiling.fine_plane + column.begin * pitch + column.strip * kStripWidth;
#pragma unroll 1
  for (int row = column.begin; row < column.end; ++row, fine += pitch) {
    uint2 out{0, 0};
    if (article) {
      const uint8_t* centre = shared.patch() + column.channel * tiling.patch_plane + (row + kHalo) * patch_pitch +
                              column.strip * kStripWidth + kHalo;
      const uint16_t* own = fine;
#pragma unroll
      for (int j = 0; j < 8; ++j, ++own, ++centre) {
        const int value = article_down(own[0], own[pitch], own[2 * pitch], own[3 * pitch], own[4 * pitch],
                                       centre[-patch_pitch], centre[1], centre[patch_pitch], centre[-1], centre[0]);
        (j < 4 ? out.x : out.y) |= static_cast<uint32_t>(value & 0xFF) << (j % 4 * 8);
      }
    } else {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        uint32_t left[5], right[5];
#pragma unroll
        for (int k = 0; k < 5; ++k) {
          const uint2 four = *reinterpret_cast<const uint2*>(fine + k * pitch + half * 4);
          left[k] = four.x;
          right[k] = four.y;
        }
        (half ? out.y : out.x) = four_levels(blur_down(weights, left), blur_down(weights, right));
      }
    }
    target.put(row, out);
  }
}

}  // namespace gpuaug
