// The random bits of pixels, for noise and impulse noise: many blocks of Philox at a time.
#include <bit>
#include <cstring>

#include "common/philox.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {

GPUAUG_ALL_VECTORS
void pixel_bits_at(uint64_t key, int64_t place, int channel, int64_t first_block, uint16_t* __restrict bits) {
  constexpr int kLanes = kPhiloxBlocks;
  uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    c0[i] = static_cast<uint32_t>(first_block + i);
    c1[i] = static_cast<uint32_t>(channel);
    c2[i] = static_cast<uint32_t>(place);
    c3[i] = kPixels;
  }
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    uint32_t high0[kLanes], high1[kLanes];
#pragma GCC unroll 1  // else it is unrolled before it can be vectorized
    for (int i = 0; i < kLanes; ++i) {
      high0[i] = static_cast<uint32_t>((uint64_t{kPhiloxA} * c0[i]) >> 32);
      high1[i] = static_cast<uint32_t>((uint64_t{kPhiloxB} * c2[i]) >> 32);
    }
#pragma GCC unroll 1
    for (int i = 0; i < kLanes; ++i) {
      const uint32_t low0 = kPhiloxA * c0[i], low1 = kPhiloxB * c2[i];
      c0[i] = high1[i] ^ c1[i] ^ k0;
      c1[i] = low1;
      c2[i] = high0[i] ^ c3[i] ^ k1;
      c3[i] = low0;
    }
    k0 += kPhiloxKeyA;
    k1 += kPhiloxKeyB;
  }
  if constexpr (std::endian::native == std::endian::little) {
    uint32_t words[4 * kLanes];
#pragma GCC unroll 1
    for (int i = 0; i < kLanes; ++i) {
      words[4 * i] = c0[i], words[4 * i + 1] = c1[i], words[4 * i + 2] = c2[i], words[4 * i + 3] = c3[i];
    }
    std::memcpy(bits, words, sizeof words);
  } else {
    for (int i = 0; i < kLanes; ++i) {
      const Block block{{c0[i], c1[i], c2[i], c3[i]}};
      for (int k = 0; k < kPixelsPerBlock; ++k) bits[8 * i + k] = static_cast<uint16_t>(pixel_bits(block, k));
    }
  }
}

}  // namespace gpuaug
