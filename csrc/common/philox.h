// Philox4x32-10 (Salmon et al., SC 2011): the same bits as in gpuaug/random.py, which has a table of the use of each
// counter word.
#pragma once

#include <cstdint>

#include "common/portable.h"

namespace gpuaug {

struct Block {
  uint32_t words[4];
};

constexpr uint32_t kPhiloxA = 0xD2511F53, kPhiloxB = 0xCD9E8D57;
constexpr uint32_t kPhiloxKeyA = 0x9E3779B9, kPhiloxKeyB = 0xBB67AE85;
constexpr int kPhiloxRounds = 10;

// Both halves of a product.
struct Product {
  uint32_t low, high;
};

GPUAUG_HOST_DEVICE Product product(uint32_t a, uint32_t b) {
#ifdef __CUDA_ARCH__
  return {a * b, __umulhi(a, b)};  // one instruction; for uint64_t the compiler multiplies more often
#else
  const uint64_t both = uint64_t{a} * b;
  return {static_cast<uint32_t>(both), static_cast<uint32_t>(both >> 32)};
#endif
}

GPUAUG_HOST_DEVICE Block philox(Block counter, uint64_t key) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  uint32_t* c = counter.words;
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const Product p0 = product(kPhiloxA, c[0]), p1 = product(kPhiloxB, c[2]);
    const uint32_t c1 = c[1], c3 = c[3];
    c[0] = p1.high ^ c1 ^ k0;
    c[1] = p1.low;
    c[2] = p0.high ^ c3 ^ k1;
    c[3] = p0.low;
    k0 += kPhiloxKeyA;
    k1 += kPhiloxKeyB;
  }
  return counter;
}

// A draw's key: the first two words of this counter's block under the sampler's seed.
GPUAUG_HOST_DEVICE Block draw_counter(int64_t index, int64_t copy, uint32_t epoch) {
  const auto number = static_cast<uint64_t>(index);
  return {{static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32), static_cast<uint32_t>(copy), epoch}};
}

GPUAUG_HOST_DEVICE uint64_t joined(uint32_t low, uint32_t high) { return low | uint64_t{high} << 32; }

// The pixels of a draw share blocks: 8 pixels to a block, 16 bits each. Bits that all channels share are those of
// channel 0.
constexpr int kPixelsPerBlock = 8;

// Word 3 of a counter under a draw's key. The value 2 is taken by the fields of batched transforms, in PyTorch.
enum Stream : uint32_t { kPixels = 0, kParameters = 1 };

GPUAUG_HOST_DEVICE Block pixel_block(uint64_t key, int64_t place, int channel, int64_t block) {
  return philox({{static_cast<uint32_t>(block), static_cast<uint32_t>(channel), static_cast<uint32_t>(place), kPixels}},
                key);
}

GPUAUG_HOST_DEVICE int pixel_bits(const Block& block, int lane) {
  // Chosen, not indexed: a variable index would put the block into a GPU's local memory.
  const uint32_t low = lane & 2 ? block.words[1] : block.words[0];
  const uint32_t high = lane & 2 ? block.words[3] : block.words[2];
  return ((lane & 4 ? high : low) >> ((lane & 1) * 16)) & 0xFFFF;
}

}  // namespace gpuaug
