// Noise of a tile that has its levels, in place: a strip of a channel at a time, then the masks once more.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "common/stages/noise.h"
#include "cuda/masks.cuh"
#include "cuda/shared.cuh"

namespace gpuaug {

__device__ constexpr Normals kDeviceNormals = normals();

// The bits of a strip; where pixels share theirs, those of the first one.
__device__ inline Block noise_bits(const Recipe& recipe, int channel, int64_t pixel) {
  const auto key = static_cast<uint64_t>(recipe.key);
  const int own = recipe.noise & kPerChannel ? channel : 0;
  if (recipe.noise & kPerPixel) return strip_bits(key, recipe.noise_place, own, pixel);
  const uint32_t two = static_cast<uint32_t>(pixel_bits(pixel_block(key, recipe.noise_place, own, 0), 0)) * 0x10001u;
  return {{two, two, two, two}};
}

__device__ inline uint32_t noisy(bool is_normal, NoiseScale scale, uint32_t level, uint32_t bits) {
  const int own = static_cast<int>(level);
  if (!is_normal) return static_cast<uint32_t>(with_factor(own, bits, scale));
  const int drawn = normal(kDeviceNormals.of[bits & 0xFF], kDeviceNormals.of[bits >> 8]);
  return static_cast<uint32_t>(with_normal(own, drawn, scale));
}

// Each thread has the strips that it has in color_tile and curve_tile, so that no barrier is needed in between.
__device__ inline void noise_tile(const Shared& shared, const TilePlan& plan, const Batch& batch,
                                  const Recipe& recipe) {
  const Tiling& tiling = shared.tiling;
  const Lane lane(tiling.narrow);
  const int pitch = tiling.strips * kStripWidth, plane = tiling.rows * pitch;
  const bool is_normal = noise_is_normal(recipe);
  const NoiseScale scale = noise_scale(recipe);
  for (int row = lane.begin(plan.y.extent); row < plan.y.extent; row += lane.step) {
    const int place = row * pitch + lane.strip * kStripWidth;
    const int64_t pixel = (plan.y.begin + row) * batch.width + plan.x.begin + lane.strip * kStripWidth;
#pragma unroll 1  // unrolled, they would need registers that the other steps have better uses for
    for (int c = 0; c < colored(tiling.channels); ++c) {
      const Block bits = noise_bits(recipe, c, pixel);
      auto* strip = reinterpret_cast<uint2*>(shared.finished() + c * plane + place);
      const uint2 levels = *strip;
      uint2 with{0, 0};
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        const int shift = j % 4 * 8;
        const uint32_t own = bits.words[j / 2] >> (j % 2 * 16) & 0xFFFF;
        const uint32_t level = noisy(is_normal, scale, (j < 4 ? levels.x : levels.y) >> shift & 0xFF, own);
        (j < 4 ? with.x : with.y) |= level << shift;
      }
      uint2 keep{~0u, ~0u}, put{0, 0};
      if (plan.masked) {
        keep = *reinterpret_cast<const uint2*>(shared.keep() + place);
        put = *reinterpret_cast<const uint2*>(shared.laid() + place);
      }
      *strip = {(with.x & keep.x) | put.x, (with.y & keep.y) | put.y};
    }
  }
}

}  // namespace gpuaug
