// Erasing on the rows of one draw.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/stages/erase.h"
#include "cpu/level_row.h"
#include "cpu/row_kernels.h"
#include "cpu/scratch.h"

namespace gpuaug {

template <>
class StageRow<EraseStage> {
 public:
  StageRow(const Batch& batch, const Recipe& recipe, Scratch&)
      : stage_(recipe), channels_(colored(batch.channels)), width_(batch.width) {}

  void run(int64_t y, Row levels) const {
    const auto fill = static_cast<int16_t>(erase_level(stage_.recipe));
    const auto erase = [&](int64_t begin, int64_t end) {
      end = std::min(end, width_);
      for (int c = 0; c < channels_ && begin < end; ++c) {
        std::fill(levels.channel(c) + begin, levels.channel(c) + end, fill);
      }
    };
    stage_.row(y, erase, [&](int64_t unit, int64_t part, int64_t phase) {
      for (int64_t x = -(phase % unit); x < width_; x += unit) {
        erase(std::max<int64_t>(x, 0), x + std::min(part, unit));
      }
    });
  }

 private:
  EraseStage stage_;
  int channels_;
  int64_t width_;
};

}  // namespace gpuaug
