// A threshold for the random bits of a strip: 16 for each pixel, two pixels to a word.
#pragma once

#include <cstdint>

#include "common/philox.h"
#include "cuda/bits.cuh"

namespace gpuaug {

// A threshold in [0, 2^16]. The low 15 bits are compared by a subtraction. Whether the threshold is in the upper half
// of all values, which only values of the upper half can reach, is stored separately.
struct Threshold {
  uint32_t rest, in_lower_half;  // two halves of 16 bits each: 0 to 2^15; all ones or none

  __device__ explicit Threshold(uint32_t threshold)
      : rest(0x00010001u * (threshold < 0x8000 ? threshold : threshold - 0x8000)),
        in_lower_half(threshold < 0x8000 ? ~0u : 0) {}

  // The top bit of each half is set if its value is not below the threshold. The other bits are undefined.
  __device__ uint32_t reached(uint32_t pair) const {
    const uint32_t left = (pair | 0x80008000u) - rest;  // the top bit absorbs the borrow of each half
    return two_of_three(pair, in_lower_half, left);
  }

  // A nibble for each pixel: all ones if its bits are not below the threshold, else none.
  __device__ uint32_t reached(const Block& bits) const {
    const auto tops = [&](int word) {  // the top bytes of four pixels, the even ones first
      return picked(reached(bits.words[word]), reached(bits.words[word + 1]), 0x7351);
    };
    const uint32_t first = tops(0), second = tops(2);
    return selected(0x0F0F0F0F, picked(first, second, 0xDC98), picked(first, second, 0xFEBA));
  }
};

}  // namespace gpuaug
