// Impulse noise on the rows of one draw.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/stages/impulse.h"
#include "cpu/level_row.h"
#include "cpu/pixel_bits.h"
#include "cpu/row_kernels.h"
#include "cpu/scratch.h"

namespace gpuaug {

template <>
class StageRow<ImpulseStage> {
 public:
  StageRow(const Batch& batch, const Recipe& recipe, Scratch& scratch)
      : recipe_(recipe),
        stage_(recipe),
        channels_(colored(batch.channels)),
        line_(padded(batch.width)),
        bits_(scratch.random_line<ImpulseStage>(0), batch.width) {}

  void run(int64_t y, Row levels) {
    salt_and_pepper_row(bits_.row(recipe_.key, recipe_.place, 0, y), stage_, levels, channels_, line_);
  }

 private:
  const Recipe& recipe_;
  ImpulseStage stage_;
  int channels_;
  int64_t line_;
  PixelBits bits_;
};

}  // namespace gpuaug
