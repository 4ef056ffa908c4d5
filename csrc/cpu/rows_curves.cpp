// The loops of the stage curves.
#include <array>

#include "common/stages/curves.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {
namespace {

constexpr int kLevels = 256;

constexpr auto kDepths = [] {
  std::array<uint64_t, kLevels> depths{};
  for (int level = 0; level < kLevels; ++level) depths[level] = depth_of(level);
  return depths;
}();

}  // namespace

GPUAUG_ALL_VECTORS
void curve_table(const int64_t* words, int count, uint8_t* table) {
  for (int level = 0; level < kLevels; ++level) table[level] = static_cast<uint8_t>(level);
  for (int i = 0; i < count; ++i) {
    const int64_t word = words[i], curve = curve_of(word), parameter = word >> 8;
    uint8_t then[kLevels];
    if (curve == kPosterize) {
      for (int level = 0; level < kLevels; ++level) then[level] = static_cast<uint8_t>(posterized(parameter, level));
    } else if (curve == kSolarize) {
      for (int level = 0; level < kLevels; ++level) then[level] = static_cast<uint8_t>(solarized(parameter, level));
    } else if (curve == kPower) {
      for (int level = 0; level < kLevels; ++level) {
        then[level] = static_cast<uint8_t>(raised(parameter, level, kDepths[level]));
      }
    } else {
      continue;
    }
    for (int level = 0; level < kLevels; ++level) table[level] = then[table[level]];
  }
}

}  // namespace gpuaug
