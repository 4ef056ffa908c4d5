// The loops of the stage impulse noise.
#include "common/stages/impulse.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {

GPUAUG_ALL_VECTORS
void salt_and_pepper_row(const uint16_t* __restrict bits, const ImpulseStage& stage, Row levels, int channels,
                         int64_t n) {
  // Thresholds above 16 bits select all pixels.
  const bool all_salt = stage.salt > 0xFFFF, all_noise = stage.pepper > 0xFFFF;
  const auto s = static_cast<uint16_t>(stage.salt), p = static_cast<uint16_t>(stage.pepper);
  const auto otherwise_keep = static_cast<int16_t>(all_noise ? 0 : -1);
  const auto otherwise_salt = static_cast<int16_t>(all_salt ? 255 : 0);
  for (int64_t x = 0; x < n; x += kRowBlock) {
    int16_t keep[kRowBlock], salted[kRowBlock];
    for (int i = 0; i < kRowBlock; ++i) {
      keep[i] = bits[x + i] < p ? int16_t{0} : otherwise_keep;
      salted[i] = bits[x + i] < s ? int16_t{255} : otherwise_salt;
    }
    for (int c = 0; c < channels; ++c) {
      int16_t* __restrict values = levels.channel(c) + x;
      for (int i = 0; i < kRowBlock; ++i) values[i] = static_cast<int16_t>((values[i] & keep[i]) | salted[i]);
    }
  }
}

}  // namespace gpuaug
