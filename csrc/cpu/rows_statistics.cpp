// The loops that count levels, or find only their ends and sums.
#include <algorithm>
#include <cstdint>

#include "common/stages/statistics.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {

// Each part counts its own pixels: neighbours are often equal, and two increments of the same counter would wait for
// memory in between.
GPUAUG_ALL_VECTORS
void count_levels(const int16_t* __restrict levels, int64_t n, uint32_t* __restrict parts) {
  int64_t x = 0;
  for (; x + kCountParts <= n; x += kCountParts) {
    for (int i = 0; i < kCountParts; ++i) ++parts[i * kLevels + static_cast<uint8_t>(levels[x + i])];
  }
  for (; x < n; ++x) ++parts[static_cast<uint8_t>(levels[x])];
}

GPUAUG_ALL_VECTORS
void find_ends(const int16_t* __restrict levels, int64_t n, int16_t& low, int16_t& high) {
  int16_t least = low, most = high;
  for (int64_t x = 0; x < n; ++x) {
    least = std::min(least, levels[x]);
    most = std::max(most, levels[x]);
  }
  low = least, high = most;
}

GPUAUG_ALL_VECTORS
int64_t sum_of_levels(const int16_t* __restrict levels, int64_t n) {
  constexpr int64_t kMany = int64_t{1} << 20;  // levels whose sum 32 bits hold
  int64_t sum = 0;
  for (int64_t begin = 0; begin < n; begin += kMany) {
    const int64_t end = std::min(n, begin + kMany);
    int32_t part = 0;
    for (int64_t x = begin; x < end; ++x) part += levels[x];
    sum += part;
  }
  return sum;
}

}  // namespace gpuaug
