// The loop of mixing: a weighted sum of the levels of several images.
#include <cstdint>

#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {

// The rounding of shares and products may exceed white.
inline uint8_t mixed_level(int16_t fine) {
  const int16_t level = rounded_level(fine);
  return static_cast<uint8_t>(level > 255 ? 255 : level);
}

GPUAUG_ALL_VECTORS
void mix_levels(const uint8_t* const* images, const int16_t* shares, int count, uint8_t* out, int64_t n) {
  constexpr int kMixed = 2 * kRowBlock;  // their sums stay in registers during the loop over images
  const auto fine = [](uint8_t level) { return static_cast<int16_t>(level << 7); };
  int64_t x = 0;
  for (; x + kMixed <= n; x += kMixed) {
    int16_t sums[kMixed] = {};
    for (int k = 0; k < count; ++k) {
      const uint8_t* own = images[k] + x;
      const int16_t share = shares[k];
      int16_t levels[kMixed];  // converted first, so that compilers see products of 16 bits
      for (int i = 0; i < kMixed; ++i) levels[i] = fine(own[i]);
      for (int i = 0; i < kMixed; ++i) sums[i] = sum(sums[i], rounded_product(levels[i], share));
    }
    for (int i = 0; i < kMixed; ++i) out[x + i] = mixed_level(sums[i]);
  }
  for (; x < n; ++x) {
    int16_t all = 0;
    for (int k = 0; k < count; ++k) all = sum(all, rounded_product(fine(images[k][x]), shares[k]));
    out[x] = mixed_level(all);
  }
}

}  // namespace gpuaug
