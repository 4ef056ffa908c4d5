// Curves of levels, the same for every channel and pixel. In integers only, as processors differ in the last bits of a
// power.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/layout.h"
#include "common/stages/needs.h"

namespace gpuaug {

GPUAUG_HOST_DEVICE int64_t curve_word(const Recipe& recipe, int i) {
  return i == 0 ? recipe.curve0 : (i == 1 ? recipe.curve1 : recipe.curve2);
}

GPUAUG_HOST_DEVICE int64_t curve_of(int64_t word) { return word & 0xFF; }

// Whether these stages have measured curves, whose tables statistics.h makes.
GPUAUG_HOST_DEVICE bool are_measured(int64_t stages) {
  constexpr int64_t kBoth = kCurves | kStatistics;
  return (stages & kBoth) == kBoth;
}

GPUAUG_HOST_DEVICE bool is_measured(const Recipe& recipe) { return are_measured(recipe.stages); }

// Keeps the high `bits` bits.
GPUAUG_HOST_DEVICE int posterized(int64_t bits, int level) {
  return level & (0xFF00 >> static_cast<int>(clamp(bits, 0, 8)));
}

// Inverts levels from a threshold on, in 1/2^24 of white.
GPUAUG_HOST_DEVICE int solarized(int64_t threshold, int level) {
  return (int64_t{level} << 24) < clamp(threshold, 0, int64_t{1} << 32) * 255 ? level : 255 - level;
}

// log2 of an integer in [1, 255], in 1/2^32: bit by bit, by squaring.
GPUAUG_HOST_DEVICE constexpr uint64_t log2_of(uint32_t number) {
  uint64_t log = 0, power = number;  // 2 to the power of the remaining fraction, in 1/2^31
  for (uint32_t rest = number; rest > 1; rest >>= 1) ++log;
  power <<= 31 - log;
  for (int bit = 0; bit < 32; ++bit) {
    power = power * power >> 31;
    log = log << 1 | power >> 32;
    power >>= power >> 32;
  }
  return log;
}

// log2(255 / level), in 1/2^32. Level 0 counts as 1 here; every power keeps it 0.
GPUAUG_HOST_DEVICE constexpr uint64_t depth_of(int level) {
  return log2_of(255) - log2_of(level < 1 ? 1 : static_cast<uint32_t>(level));
}

// A level, as a share of white, to the power of `exponent`, which is in 1/2^16 and below 2^23.
GPUAUG_HOST_DEVICE int raised(int64_t exponent, int level, uint64_t depth) {
  const auto times = static_cast<uint64_t>(clamp(exponent, 0, (1 << 23) - 1));
  const uint64_t octaves = depth * times >> 16, fraction = octaves & 0xFFFFFFFF, whole = octaves >> 32;
  // 2^-fraction, in 1/2^32: the series with terms ln(2)^k / k!, the highest one first.
  constexpr uint32_t kTerms[] = {437, 5676, 65510, 661577, 5726720, 41309550, 238388332, 1031764991, 2977044472};
  uint64_t series = 0;
  for (int k = 0; k < 9; ++k) series = kTerms[k] - (series * fraction >> 32);
  series = (uint64_t{1} << 32) - (series * fraction >> 32);
  const uint64_t shift = whole < 20 ? whole : 20;
  const auto share = static_cast<int>((255 * series + (uint64_t{1} << (31 + shift))) >> (32 + shift));
  return level < 1 ? 0 : share;
}

// Applies the curve of a word to a level; measured curves change nothing here. depth(level) is depth_of, or a table of
// it.
template <typename Depth>
GPUAUG_HOST_DEVICE int curved(int64_t word, int level, const Depth& depth) {
  const int64_t parameter = word >> 8;
  if (curve_of(word) == kPosterize) return posterized(parameter, level);
  if (curve_of(word) == kSolarize) return solarized(parameter, level);
  if (curve_of(word) == kPower) return raised(parameter, level, depth(level));
  return level;
}

// The stage on one level, by the table of a draw's curves.
struct CurvesStage : StageNeeds {
  static constexpr int64_t kBit = kCurves;
  static constexpr bool kHasTable = true;

  const uint8_t* table;

  GPUAUG_HOST_DEVICE explicit CurvesStage(const uint8_t* given) : table(given) {}

  GPUAUG_HOST_DEVICE int operator()(int level, uint32_t /*bits*/) const { return table[level]; }
};

}  // namespace gpuaug
