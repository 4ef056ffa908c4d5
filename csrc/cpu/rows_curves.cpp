// The loops of the stage curves.
#include <array>

#include "common/stages/curves.h"
#include "common/stages/statistics.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {
namespace {

constexpr auto kDepths = [] {
  std::array<uint64_t, kLevels> depths{};
  for (int level = 0; level < kLevels; ++level) depths[level] = depth_of(level);
  return depths;
}();

// A team of one thread.
struct Alone {
  int first() const { return 0; }
  int step() const { return 1; }
  void barrier() const {}
  void add(uint32_t* at, uint32_t count) const { *at += count; }
};

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

void measured_curve_tables(const Recipe& recipe, int channels, const uint32_t* histograms, TableMemory& memory,
                           uint8_t* tables) {
  measured_tables(Alone(), recipe, channels, histograms, [](int level) { return kDepths[level]; }, memory, tables);
}

}  // namespace gpuaug
