// Curves on the rows of one draw.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/stages/curves.h"
#include "common/stages/pointwise.h"
#include "cpu/level_row.h"
#include "cpu/row_kernels.h"
#include "cpu/scratch.h"

namespace gpuaug {

// One table for all channels; or for a measured draw one for each channel, in the scratch memory.
template <>
class StageRow<CurvesStage> {
 public:
  StageRow(const Batch& batch, const Recipe& recipe, Scratch& scratch)
      : channels_(colored(batch.channels)),
        line_(padded(batch.width)),
        measured_(is_measured(recipe) ? scratch.curve_tables() : nullptr) {
    if (measured_ || !(recipe.stages & kCurves)) return;
    int64_t words[kMostCurves];
    for (int i = 0; i < kMostCurves; ++i) words[i] = curve_word(recipe, i);
    curve_table(words, kMostCurves, table_);
  }

  void run(int64_t /*y*/, Row levels) const {
    for (int c = 0; c < channels_; ++c) {
      look_up_levels(measured_ ? measured_ + c * kTableBytes : table_, levels.channel(c), line_);
    }
  }

 private:
  int channels_;
  int64_t line_;
  const uint8_t* measured_;
  uint8_t table_[kTableBytes];
};

}  // namespace gpuaug
