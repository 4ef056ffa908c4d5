// Noise of a tile of levels, from the random bits of its pixels.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "common/stages/noise.h"
#include "cuda/level_tile.cuh"
#include "cuda/shared.cuh"
#include "cuda/strip_bits.cuh"

namespace gpuaug {

__device__ constexpr Normals kDeviceNormals = normals();

// The bits of a strip; if pixels share their bits, those of the first pixel.
__device__ inline Block noise_bits(const Recipe& recipe, int channel, int64_t pixel) {
  const auto key = static_cast<uint64_t>(recipe.key);
  const int own = noise_channel(recipe, channel);
  if (recipe.noise & kPerPixel) return strip_bits(key, recipe.noise_place, own, pixel);
  const uint32_t two = static_cast<uint32_t>(pixel_bits(pixel_block(key, recipe.noise_place, own, 0), 0)) * 0x10001u;
  return {{two, two, two, two}};
}

template <>
struct StageTile<NoiseStage> {
  __device__ static void prepare(const Shared&, const TilePlan&, const Batch&, const Recipe&) {}

  __device__ static void make(const Shared& shared, const TilePlan& plan, const Batch& batch, const Recipe& recipe) {
    const NoiseStage stage(recipe, kDeviceNormals.of);
    level_tile(
        shared, plan, batch, [&](int, int level, uint32_t bits) { return stage(level, bits); },
        [&](int channel, int64_t pixel) { return noise_bits(recipe, channel, pixel); });
  }
};

}  // namespace gpuaug
