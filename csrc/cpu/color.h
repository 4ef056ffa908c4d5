// Color on the rows of one draw.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "common/stages/color.h"
#include "cpu/level_row.h"
#include "cpu/row_kernels.h"
#include "cpu/scratch.h"

namespace gpuaug {

template <>
class StageRow<ColorStage> {
 public:
  StageRow(const Batch& batch, const Recipe& recipe, Scratch&)
      : stage_(recipe), channels_(batch.channels), line_(padded(batch.width)) {}

  void run(int64_t /*y*/, Row levels) const { color_levels(stage_, levels, channels_, line_); }

 private:
  ColorStage stage_;
  int channels_;
  int64_t line_;
};

}  // namespace gpuaug
