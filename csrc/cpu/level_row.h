// A stage that changes each level by itself, on a row: for stages without loops of their own in row_kernels.h.
#pragma once

#include <cstdint>

namespace gpuaug {

// `stage` gives a level for a level.
template <typename Stage>
inline void level_row(const Stage& stage, int16_t* levels, int64_t n) {
  // What lies in the padding of a line need not be a level.
  for (int64_t x = 0; x < n; ++x) levels[x] = static_cast<int16_t>(stage(static_cast<uint8_t>(levels[x]), 0));
}

}  // namespace gpuaug
