// Noise on the rows of one draw.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/stages/noise.h"
#include "cpu/level_row.h"
#include "cpu/pixel_bits.h"
#include "cpu/row_kernels.h"
#include "cpu/scratch.h"

namespace gpuaug {

template <>
class StageRow<NoiseStage> {
 public:
  StageRow(const Batch& batch, const Recipe& recipe, Scratch& scratch)
      : recipe_(recipe),
        channels_(colored(batch.channels)),
        line_(padded(batch.width)),
        bits_{PixelBits(scratch.random_line<NoiseStage>(0), batch.width),
              PixelBits(scratch.random_line<NoiseStage>(1), batch.width),
              PixelBits(scratch.random_line<NoiseStage>(2), batch.width)} {}

  void run(int64_t y, Row levels) {
    const auto loop = noise_is_normal(recipe_) ? add_normal : multiply_levels;
    const NoiseScale scale = noise_scale(recipe_);
    const int64_t key = recipe_.key, place = recipe_.noise_place;
    for (int c = 0; c < channels_; ++c) {
      const int channel = noise_channel(recipe_, c);
      PixelBits& own = bits_[recipe_.noise & kPerChannel ? c : 0];
      const uint16_t* bits =
          recipe_.noise & kPerPixel ? own.row(key, place, channel, y) : own.same(key, place, channel);
      loop(bits, scale, levels.channel(c), line_);
    }
  }

 private:
  const Recipe& recipe_;
  int channels_;
  int64_t line_;
  PixelBits bits_[NoiseStage::kRandomLines];
};

}  // namespace gpuaug
