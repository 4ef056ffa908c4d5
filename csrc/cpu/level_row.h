// A stage that changes each level by itself, on the rows of one draw.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/stages/pointwise.h"
#include "cpu/row_kernels.h"
#include "cpu/scratch.h"

namespace gpuaug {

// `stage` maps a level to a level.
template <typename Stage>
inline void level_row(const Stage& stage, int16_t* levels, int64_t n) {
  // The padding of a line may hold values that are no levels.
  for (int64_t x = 0; x < n; ++x) levels[x] = static_cast<int16_t>(stage(static_cast<uint8_t>(levels[x]), 0));
}

// A stage that needs nothing but its functor needs no more than this. A stage with a table, with random bits, or with
// loops of its own in row_kernels.h has a file for its rows.
template <typename Stage>
class StageRow {
 public:
  StageRow(const Batch& batch, const Recipe& recipe, Scratch&)
      : recipe_(recipe), values_(colored(batch.channels) * padded(batch.width)) {}

  void run(int64_t /*y*/, Row levels) const { level_row(Stage(recipe_), levels.values, values_); }

 private:
  const Recipe& recipe_;
  int64_t values_;
};

}  // namespace gpuaug
