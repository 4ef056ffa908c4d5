// The loop of mixing: levels of several images, each with its share.
#include <cstdint>

#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {
namespace {

// Sums stay in registers while the images take turns.
constexpr int kMixed = 64;

}  // namespace

GPUAUG_ALL_VECTORS
void mix_levels(const uint8_t* const* images, const int16_t* shares, int count, uint8_t* out, int64_t n) {
  constexpr int kHalf = kMixUnit / 2;
  const auto level = [](int sum) { return static_cast<uint8_t>(sum < 256 * kMixUnit ? sum / kMixUnit : 255); };
  int64_t x = 0;
  for (; x + kMixed <= n; x += kMixed) {
    int32_t sums[kMixed];
    for (int i = 0; i < kMixed; ++i) sums[i] = kHalf;
    for (int k = 0; k < count; ++k) {
      const uint8_t* own = images[k] + x;
      const int32_t share = shares[k];
      for (int i = 0; i < kMixed; ++i) sums[i] += share * own[i];
    }
    for (int i = 0; i < kMixed; ++i) out[x + i] = level(sums[i]);
  }
  for (; x < n; ++x) {
    int32_t sum = kHalf;
    for (int k = 0; k < count; ++k) sum += int32_t{shares[k]} * images[k][x];
    out[x] = level(sum);
  }
}

}  // namespace gpuaug
