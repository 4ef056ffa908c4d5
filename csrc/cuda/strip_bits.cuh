// The random bits of a strip: 16 for each of its eight pixels.
#pragma once

#include <cstdint>

#include "common/philox.h"

namespace gpuaug {

// Two pixels to a word. If the strip straddles two blocks, its bits come from both.
__device__ inline Block strip_bits(uint64_t key, int64_t place, int channel, int64_t pixel) {
  const uint64_t from = static_cast<uint64_t>(pixel);  // never negative: a shift and a mask divide it
  const auto block = static_cast<int64_t>(from / kPixelsPerBlock);
  const unsigned past = static_cast<unsigned>(from % kPixelsPerBlock);
  Block bits = pixel_block(key, place, channel, block);
  if (past == 0) return bits;
  const Block next = pixel_block(key, place, channel, block + 1);
  uint32_t words[8];
#pragma unroll
  for (int i = 0; i < 4; ++i) words[i] = bits.words[i], words[4 + i] = next.words[i];
  // Shifted by 4, 2 and 1 pixels, not indexed: a variable index would put the words into local memory.
#pragma unroll
  for (int i = 0; i < 6; ++i) words[i] = past & 4 ? words[i + 2] : words[i];
#pragma unroll
  for (int i = 0; i < 5; ++i) words[i] = past & 2 ? words[i + 1] : words[i];
#pragma unroll
  for (int i = 0; i < 4; ++i) bits.words[i] = past & 1 ? words[i] >> 16 | words[i + 1] << 16 : words[i];
  return bits;
}

}  // namespace gpuaug
