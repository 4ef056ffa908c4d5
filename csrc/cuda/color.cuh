// Color of a tile of levels, in place: all channels of four pixels at a time; then the covers are applied again.
#pragma once

#include <cstdint>

#include "common/stages/color.h"
#include "cuda/level_tile.cuh"
#include "cuda/shared.cuh"

namespace gpuaug {

__device__ inline void color_tile(const Shared& shared, const TilePlan& plan, const Recipe& recipe) {
  const Tiling& tiling = shared.tiling;
  const Lane lane(tiling.narrow);
  const int pitch = tiling.strips * kStripWidth, plane = tiling.rows * pitch, channels = tiling.channels;
  const ColorStage stage(recipe);
  const Colors colors = plan.colors;
  for (int row = lane.begin(plan.y.extent); row < plan.y.extent; row += lane.step) {
    for (int half = 0; half < kStripWidth; half += 4) {
      const int place = row * pitch + lane.strip * kStripWidth + half;
      uint8_t* levels = shared.finished() + place;
      const auto word = [&](int channel) { return reinterpret_cast<uint32_t*>(levels + channel * plane); };
      const uint32_t r = *word(0), g = *word(min(1, channels - 1)), b = *word(min(2, channels - 1));
      const uint32_t picks = plan.covered ? shared.picks()[row * tiling.strips + lane.strip] >> (4 * half) : kAllKept;
      const auto mix = [&](int channel, const ColorRow& weights) {
        if (channel >= channels) return;
        uint32_t mixed = 0;
#pragma unroll
        for (int j = 0; j < 32; j += 8) {
          const auto level = [j](uint32_t four) { return static_cast<int>(four >> j & 0xFF); };
          mixed |= static_cast<uint32_t>(color(weights, level(r), level(g), level(b))) << j;
        }
        *word(channel) = colors.over(mixed, picks);
      };
      mix(0, stage.red);
      mix(1, stage.green);
      mix(2, stage.blue);
    }
  }
}

template <>
struct StageTile<ColorStage> {
  __device__ static void prepare(const Shared&, const TilePlan&, const Batch&, const Recipe&) {}

  __device__ static void make(const Shared& shared, const TilePlan& plan, const Batch&, const Recipe& recipe) {
    color_tile(shared, plan, recipe);
  }
};

}  // namespace gpuaug
