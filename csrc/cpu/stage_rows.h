// The pointwise stages of one draw, applied to each of its rows one after another.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "common/stages/pointwise.h"
#include "cpu/color.h"
#include "cpu/curves.h"
#include "cpu/erase.h"
#include "cpu/impulse.h"
#include "cpu/level_row.h"
#include "cpu/noise.h"
#include "cpu/scratch.h"

namespace gpuaug {

template <typename List>
class StageRows;

template <typename... Stages>
class StageRows<StageList<Stages...>> : StageRow<Stages>... {
 public:
  // Those of the draw's stages that are in `bits`.
  StageRows(const Batch& batch, const Recipe& recipe, Scratch& scratch, int64_t bits)
      : StageRow<Stages>(batch, recipe, scratch)..., stages_(recipe.stages & bits) {}

  void run(int64_t y, Row levels) { ((stages_ & Stages::kBit ? StageRow<Stages>::run(y, levels) : void()), ...); }

 private:
  int64_t stages_;
};

}  // namespace gpuaug
