// The table of a draw's curves on the CPU.
#pragma once

#include <cstdint>

#include "common/stages/curves.h"
#include "cpu/level_row.h"
#include "cpu/row_kernels.h"

namespace gpuaug {

template <>
inline void fill_table<CurvesStage>(uint8_t* table, const Recipe& recipe) {
  int64_t words[kMostCurves];
  for (int i = 0; i < kMostCurves; ++i) words[i] = curve_word(recipe, i);
  curve_table(words, kMostCurves, table);
}

}  // namespace gpuaug
