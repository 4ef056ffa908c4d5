// The loops of the stage curves.
#include <array>

#include "common/stages/curves.h"
#include "common/stages/statistics.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

#if GPUAUG_VERSIONED || defined(__AVX512BW__)
#include <immintrin.h>
#endif

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

// Maps levels by a table, in place. The padding of a line may hold values that are no levels.

#if GPUAUG_VERSIONED || defined(__AVX512BW__)
// The table is in four registers, two levels to a lane: first the lane of a level's pair is chosen, then its half.
GPUAUG_VERSION("arch=x86-64-v4")
void look_up(const uint8_t* table, int16_t* levels, int64_t n) {
  const __m512i first = _mm512_loadu_si512(table), second = _mm512_loadu_si512(table + 64);
  const __m512i third = _mm512_loadu_si512(table + 128), fourth = _mm512_loadu_si512(table + 192);
  const __m512i byte = _mm512_set1_epi16(0xFF), bright = _mm512_set1_epi16(0x80), odd = _mm512_set1_epi16(1);
  for (int64_t x = 0; x < n; x += 32) {
    const __m512i level = _mm512_and_si512(_mm512_loadu_si512(levels + x), byte);
    const __m512i pair = _mm512_srli_epi16(level, 1), shift = _mm512_slli_epi16(_mm512_and_si512(level, odd), 3);
    const __m512i below = _mm512_permutex2var_epi16(first, pair, second);
    const __m512i above = _mm512_permutex2var_epi16(third, pair, fourth);
    const __m512i both = _mm512_mask_blend_epi16(_mm512_test_epi16_mask(level, bright), below, above);
    _mm512_storeu_si512(levels + x, _mm512_and_si512(_mm512_srlv_epi16(both, shift), byte));
  }
}
#endif

#if GPUAUG_VERSIONED || !defined(__AVX512BW__)
GPUAUG_VERSION("default")
void look_up(const uint8_t* table, int16_t* levels, int64_t n) {
  for (int64_t x = 0; x < n; ++x) levels[x] = table[static_cast<uint8_t>(levels[x])];
}
#endif

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

void look_up_levels(const uint8_t* table, int16_t* levels, int64_t n) { look_up(table, levels, n); }

}  // namespace gpuaug
