// The loops that count levels.
#include <cstdint>

#include "common/stages/statistics.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {

// Each part has its own pixels: neighbours are often alike, and adding to one counter twice would wait for the memory
// in between.
GPUAUG_ALL_VECTORS
void count_levels(const int16_t* __restrict levels, int64_t n, uint32_t* __restrict parts) {
  int64_t x = 0;
  for (; x + kCountParts <= n; x += kCountParts) {
    for (int i = 0; i < kCountParts; ++i) ++parts[i * kLevels + static_cast<uint8_t>(levels[x + i])];
  }
  for (; x < n; ++x) ++parts[static_cast<uint8_t>(levels[x])];
}

}  // namespace gpuaug
